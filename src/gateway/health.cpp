#include "gateway/health.hpp"

#include "gateway/log.hpp"

namespace coach_sms {

namespace {

using namespace std::chrono_literals;

constexpr auto kStatementTimeout = 2s;
constexpr auto kAnswerWithin = 3s;

constexpr char kAsk[] =
    "SELECT ok, pg_catalog.json_build_object('ok', ok, 'problem', problem) FROM $schema.sms_health";

Answer answer_of(bool ok, std::string json) {
  return {ok ? 200 : 503, "application/json", std::move(json) + "\n"};
}

}  // namespace

Health::Health(std::string conninfo) : database_(std::move(conninfo), kStatementTimeout) {}

Answer Health::answer() {
  return kept_.get([this] { return ask(); });
}

Answer Health::ask() {
  const Clock::time_point deadline = Clock::now() + kAnswerWithin;
  Rows rows;
  if ((database_.is_connected() || database_.connect(deadline)) &&
      database_.run(kAsk, {}, deadline, &rows) == Ending::kDone && PQntuples(rows.get()) == 1)
    return answer_of(PQgetvalue(rows.get(), 0, 0)[0] == 't', PQgetvalue(rows.get(), 0, 1));
  log_line("the health of the database cannot be read: " + database_.error());
  database_.disconnect();
  return answer_of(false, R"({"ok" : false, "problem" : "the database cannot be asked"})");
}

}  // namespace coach_sms
