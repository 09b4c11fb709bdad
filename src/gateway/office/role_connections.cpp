#include "gateway/office/role_connections.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace coach_sms {

namespace {

using namespace std::chrono_literals;

constexpr auto kStatementTimeout = 10s;
constexpr auto kKeptIdle = 1min;
constexpr auto kKeptAtAll = 10min;  // a password that was changed is asked for again
constexpr std::size_t kMostIdle = 20;

constexpr char kAskRights[] =
    "SELECT r.rolsuper OR r.rolbypassrls,"
    "       pg_catalog.has_table_privilege('$schema.sms_today', 'SELECT'),"
    "       pg_catalog.has_function_privilege('$schema.sms_doctor()', 'EXECUTE'),"
    "       pg_catalog.has_function_privilege('$schema.sms_retry(uuid)', 'EXECUTE'),"
    "       pg_catalog.has_function_privilege('$schema.sms_cancel(uuid, text)', 'EXECUTE'),"
    "       pg_catalog.has_function_privilege('$schema.sms_pause(uuid, timestamptz)', 'EXECUTE')"
    "  FROM pg_catalog.pg_roles r WHERE r.rolname = current_user";

bool is_same(const Secret& left, const Secret& right) {
  return left.view().size() == right.view().size() &&
         CRYPTO_memcmp(left.view().data(), right.view().data(), left.view().size()) == 0;
}

// Fills the rights. Returns why the role must not sign in; nullptr where it may.
const char* read_rights(RoleConnection* connection, Clock::time_point deadline) {
  if (!connection->database.used_password()) return "the server asks this role for no password";
  Rows rows;
  if (connection->database.run(kAskRights, {}, deadline, &rows) != Ending::kDone ||
      PQntuples(rows.get()) != 1)
    return "the rights of the role cannot be read";
  const auto is_true = [&](int column) { return PQgetvalue(rows.get(), 0, column)[0] == 't'; };
  if (is_true(0)) return "superusers and roles with BYPASSRLS do not sign in here";
  connection->rights = {is_true(1), is_true(2), is_true(3), is_true(4), is_true(5)};
  if (!connection->rights.sees_texts && !connection->rights.sees_server)
    return "the role has no right to see anything here: see sms_grant_tenant and the like";
  return nullptr;
}

}  // namespace

RoleConnection::RoleConnection(const std::string& conninfo, std::string_view role_name,
                               Secret its_password)
    : role(role_name),
      password(std::move(its_password)),
      database(conninfo, kStatementTimeout, &role, &password),
      opened(Clock::now()),
      used(opened) {}

// Lends an idle connection of the role and password, or a new one that is not connected yet.
RoleConnection* RoleConnections::lend(const std::string& role, const Secret& password) {
  const std::lock_guard lock(mutex_);
  const auto idle = std::find_if(idle_.begin(), idle_.end(), [&](const Owner& each) {
    return each->role == role && is_same(each->password, password) && each->database.is_idle();
  });
  if (idle != idle_.end())
    borrowed_.splice(borrowed_.begin(), idle_, idle);
  else
    borrowed_.push_front(std::make_unique<RoleConnection>(conninfo_, role, password));
  RoleConnection* connection = borrowed_.front().get();
  if (gives_up_) connection->database.give_up();
  return connection;
}

RoleConnection* RoleConnections::borrow(const std::string& role, const Secret& password,
                                        Clock::time_point deadline, std::string* why) {
  if (role.empty() || password.empty()) {
    *why = "role and password are needed";
    return nullptr;
  }
  RoleConnection* connection = lend(role, password);
  const char* refusal = nullptr;
  if (!connection->database.is_connected() && !connection->database.connect(deadline))
    refusal = "the server refuses role and password, or cannot be reached; its log says more";
  else
    refusal = read_rights(connection, deadline);  // the role may have got or lost some since
  if (refusal == nullptr) return connection;
  connection->database.disconnect();
  give_back(connection);
  *why = refusal;
  return nullptr;
}

// Keeps the connection, unless it is broken or there are enough. Allocates nothing.
void RoleConnections::give_back(RoleConnection* connection) {
  std::list<Owner> ended;  // closed once the lock is released
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(borrowed_.begin(), borrowed_.end(),
                                  [&](const Owner& each) { return each.get() == connection; });
  connection->used = Clock::now();
  const bool is_kept = connection->database.is_connected();
  std::list<Owner>& to = is_kept ? idle_ : ended;
  to.splice(to.begin(), borrowed_, found);
  if (idle_.size() > kMostIdle) ended.splice(ended.begin(), idle_, std::prev(idle_.end()));
}

void RoleConnections::close_idle() {
  const std::lock_guard lock(mutex_);
  const Clock::time_point now = Clock::now();
  std::erase_if(idle_, [&](const Owner& each) {
    return now > each->used + kKeptIdle || now > each->opened + kKeptAtAll;
  });
}

void RoleConnections::give_up() {
  const std::lock_guard lock(mutex_);
  gives_up_ = true;
  for (const Owner& each : borrowed_)
    each->database.give_up();
}

}  // namespace coach_sms
