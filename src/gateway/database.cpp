#include "gateway/database.hpp"

#include <poll.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace coach_sms {

namespace {

template <std::size_t Count>
bool starts_with_any(std::string_view sqlstate, const std::string_view (&starts)[Count]) {
  return std::any_of(std::begin(starts), std::end(starts),
                     [&](std::string_view start) { return sqlstate.starts_with(start); });
}

// Classes of SQLSTATE (PostgreSQL's manual, appendix A) after which the same may succeed later:
// connection exception, lost prepared statement, read-only transaction, rollback, resources,
// operator intervention, and a lock that is not available.
bool may_succeed_later(std::string_view sqlstate) {
  constexpr std::string_view kStarts[] = {"08", "25006", "26", "40", "53", "55P03", "57"};
  return starts_with_any(sqlstate, kStarts);
}

// Returns whether another connection is needed: the server ends this one, or is a standby; or the
// extension was made anew in another schema; or the prepared statement is gone.
bool wants_new_connection(std::string_view sqlstate) {
  constexpr std::string_view kStarts[] = {"08", "25006", "26", "3F", "42883", "42P05", "57P", "0A"};
  return starts_with_any(sqlstate, kStarts);
}

// Returns whether the database's encoding lacks a character: character_not_in_repertoire or
// untranslatable_character.
bool cannot_be_stored(std::string_view sqlstate) {
  return sqlstate == "22021" || sqlstate == "22P05";
}

// Returns the words of an error, without detail, hint and context. Errors of data, of a constraint
// or of an application's trigger may quote a number or a text: of them it returns the SQLSTATE
// alone.
std::string words_of(const PGresult* result, std::string_view sqlstate) {
  constexpr std::string_view kQuoting[] = {"21", "22", "23", "27", "44", "P0", "XX"};
  const char* message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const bool may_quote = starts_with_any(sqlstate, kQuoting);
  std::string words = "SQLSTATE " + std::string(sqlstate);
  return may_quote || message == nullptr ? words + "; the server's log says more"
                                         : message + (" (" + words + ")");
}

// libpq leaves out a file that is not there. It refuses one that it cannot read.
constexpr char kNoFile[] = "/dev/null/none";

int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

std::string with_schema(std::string sql, const std::string& schema) {
  constexpr std::string_view kName = "$schema";
  for (auto at = sql.find(kName); at != std::string::npos; at = sql.find(kName, at + schema.size()))
    sql.replace(at, kName.size(), schema);
  return sql;
}

}  // namespace

bool Database::fail(std::string why) {
  error_ = std::move(why);
  disconnect();
  return false;
}

bool Database::is_idle() const noexcept {
  if (!is_connected()) return false;
  pollfd socket{PQsocket(connection_.get()), POLLIN, 0};
  return poll(&socket, 1, 0) == 0;
}

bool Database::connect(Clock::time_point deadline) {
  return establish(deadline) && prepare_session(deadline);
}

bool Database::establish(Clock::time_point deadline) {
  // What the connection string says comes later, and so it counts before these defaults. They make
  // a network that swallows packets fail within the time for which calls are held.
  std::vector<const char*> keywords = {"fallback_application_name", "tcp_user_timeout",
                                       "keepalives_idle", "client_encoding", "dbname"};
  std::vector<const char*> values = {"coach_sms_gateway", "2000", "10", "UTF8", conninfo_.c_str()};
  if (role_ != nullptr) {
    // Only dbname is read as a connection string. No file and no certificate stands in for a
    // password.
    keywords.insert(keywords.end(), {"user", "password", "passfile", "sslcert"});
    values.insert(values.end(), {role_->c_str(), password_->view().data(), kNoFile, kNoFile});
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  prepared_.clear();
  connection_.reset(PQconnectStartParams(keywords.data(), values.data(), 1));
  if (connection_ == nullptr) return fail("there is no memory for a connection");
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (PQstatus(connection_.get()) != CONNECTION_BAD && state != PGRES_POLLING_OK) {
    if (!wait(state == PGRES_POLLING_WRITING, deadline))
      return fail("no connection before the deadline");
    state = PQconnectPoll(connection_.get());
  }
  if (PQstatus(connection_.get()) != CONNECTION_OK) return fail(PQerrorMessage(connection_.get()));
  PQsetNoticeReceiver(
      connection_.get(), [](void*, const PGresult*) {}, nullptr);
  return PQsetnonblocking(connection_.get(), 1) == 0 ||
         fail("the connection cannot be non-blocking");
}

// Sets the timeouts, and finds the schema of the extension.
bool Database::prepare_session(Clock::time_point deadline) {
  const std::string lock_timeout = std::to_string(statement_timeout_.count() / 2);
  const std::string statement_timeout = std::to_string(statement_timeout_.count());
  const char* values[] = {lock_timeout.c_str(), statement_timeout.c_str()};
  Rows rows;
  const Ending ending = run(
      "SELECT pg_catalog.quote_ident(n.nspname),"
      "       pg_catalog.set_config('lock_timeout', $1, false),"
      "       pg_catalog.set_config('statement_timeout', $2, false)"
      "  FROM pg_catalog.pg_extension e"
      "  JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'coach_sms'",
      values, deadline, &rows);
  if (ending != Ending::kDone) return fail(error_);
  if (PQntuples(rows.get()) == 0)
    return fail("the database has no extension coach_sms: run CREATE EXTENSION coach_sms");
  schema_ = PQgetvalue(rows.get(), 0, 0);
  return true;
}

// Waits in short parts, between which it may be told to give up.
bool Database::wait(bool for_writing, Clock::time_point deadline) {
  constexpr int kPart = 100;  // milliseconds
  pollfd socket{PQsocket(connection_.get()), static_cast<short>(for_writing ? POLLOUT : POLLIN), 0};
  while (!gives_up_) {
    const int left = milliseconds_until(deadline);
    const int ready = poll(&socket, 1, std::min(left, kPart));
    if (ready != 0 && !(ready < 0 && errno == EINTR)) return ready > 0;
    if (left == 0) return false;
  }
  return false;
}

Ending Database::run(const std::string& sql, std::span<const char* const> values,
                     Clock::time_point deadline, Rows* rows) {
  if (const Ending ending = prepare(sql, deadline); ending != Ending::kDone) return ending;
  const int is_sent =
      PQsendQueryPrepared(connection_.get(), prepared_.at(sql).c_str(),
                          static_cast<int>(values.size()), values.data(), nullptr, nullptr, 0);
  return finish(is_sent == 1, deadline, rows);
}

Ending Database::prepare(const std::string& sql, Clock::time_point deadline) {
  if (prepared_.contains(sql)) return Ending::kDone;
  const std::string name = "s" + std::to_string(prepared_.size());
  Rows none;
  const int is_sent =
      PQsendPrepare(connection_.get(), name.c_str(), with_schema(sql, schema_).c_str(), 0, nullptr);
  const Ending ending = finish(is_sent == 1, deadline, &none);
  if (ending == Ending::kDone) prepared_.emplace(sql, name);
  return ending;
}

Ending Database::finish(bool is_sent, Clock::time_point deadline, Rows* rows) {
  if (!is_sent) {
    fail(PQerrorMessage(connection_.get()));
    return Ending::kAgain;
  }
  *rows = last_result(deadline);
  return ending_of(rows->get());
}

// Sends what is left of the statement, and returns its last result; none where the connection broke
// or the deadline passed.
Rows Database::last_result(Clock::time_point deadline) {
  PGconn* connection = connection_.get();
  Rows last;
  for (;;) {
    const int unsent = PQflush(connection);
    if (unsent < 0) return nullptr;
    if (unsent == 0 && PQisBusy(connection) == 0) {
      Rows next(PQgetResult(connection));
      if (next == nullptr) return last;
      last = std::move(next);
      continue;
    }
    if (!wait(unsent > 0, deadline) || PQconsumeInput(connection) == 0) return nullptr;
  }
}

Ending Database::ending_of(const PGresult* result) {
  if (result == nullptr) {
    // libpq's message may be the server's, with its details.
    fail(PQstatus(connection_.get()) == CONNECTION_OK ? "no answer before the deadline"
                                                      : "the connection broke");
    return Ending::kAgain;
  }
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return Ending::kDone;
  const char* sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const std::string_view code = sqlstate != nullptr ? sqlstate : "08006";
  error_ = words_of(result, code);
  if (PQstatus(connection_.get()) != CONNECTION_OK || wants_new_connection(code)) disconnect();
  if (may_succeed_later(code)) return Ending::kAgain;
  return cannot_be_stored(code) ? Ending::kBadValue : Ending::kRefused;
}

}  // namespace coach_sms
