#include "gateway/call_worker.hpp"

#include <cstdlib>
#include <exception>

#include "gateway/log.hpp"
#include "gateway/sql_array.hpp"

namespace coach_sms {

namespace {

using namespace std::chrono_literals;

// More calls in one transaction gain little, and hold their messages' rows longer.
constexpr std::size_t kMostCallsAtOnce = 32;
constexpr auto kConnectWithin = 3s;
constexpr auto kAnswerWithin = 10s;  // of the database; a call waits for less
constexpr auto kTryAgainIn = 100ms;

constexpr char kTake[] =
    "SELECT http_status, content_type, response FROM $schema.sms_twilio_webhook_calls($1, $2, $3)";

Answer bad_request() {
  return {400, "text/plain", "the call is no form\n"};
}

Answer unavailable() {
  return {503, "text/plain", "the database does not take calls: try again\n"};
}

Answer row_of(const PGresult* rows, int row) {
  return {std::atoi(PQgetvalue(rows, row, 0)), PQgetvalue(rows, row, 1), PQgetvalue(rows, row, 2)};
}

}  // namespace

void DatabaseNews::away(const std::string& why) {
  if (!is_away_.exchange(true)) log_line("the database is away, and calls are held: " + why);
}

void DatabaseNews::back() {
  if (is_away_.exchange(false)) log_line("the database is back");
}

CallWorker::CallWorker(std::string conninfo, CallQueue* queue, DatabaseNews* news)
    : database_(std::move(conninfo)), queue_(queue), news_(news), thread_([this] { work(); }) {}

CallWorker::~CallWorker() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  ended_.notify_all();
  thread_.join();
}

void CallWorker::work() {
  while (connect()) {
    const Calls calls = queue_->take(kMostCallsAtOnce);
    if (calls.empty()) return;
    try {
      pass_on(calls);
    } catch (const std::exception& error) {  // no memory
      log_line(std::string("calls were put off: ") + error.what());
      database_.disconnect();
      queue_->give_back(calls);
    }
  }
}

// Connects unless there is a connection, again and again until it succeeds. Returns false once the
// worker is to end.
bool CallWorker::connect() {
  while (!database_.is_connected()) {
    if (database_.connect(Clock::now() + kConnectWithin)) {
      news_->back();
      break;
    }
    news_->away(database_.error());
    if (ends_within(kTryAgainIn)) return false;
  }
  return !ends_within(0ms);
}

void CallWorker::pass_on(const Calls& calls) {
  Rows rows;
  switch (ask(calls, &rows)) {
    case Ending::kDone:
      return answer_all(calls, rows.get());
    case Ending::kAgain:
      if (!database_.is_connected()) return put_off(calls);
      [[fallthrough]];
    default:
      // One call may have spoiled the transaction for the others.
      for (const auto& call : calls)
        pass_on_alone(call);
  }
}

void CallWorker::pass_on_alone(const std::shared_ptr<Call>& call) {
  Rows rows;
  const Ending ending = database_.is_connected() ? ask({call}, &rows) : Ending::kAgain;
  if (ending == Ending::kDone) return answer_all({call}, rows.get());
  if (ending == Ending::kAgain) return put_off({call});
  if (ending == Ending::kBadValue) return queue_->answer(*call, bad_request());
  log_line("the database refuses calls: " + database_.error());
  queue_->answer(*call, unavailable());
}

// Puts the calls back for another try, which begins after a moment.
void CallWorker::put_off(const Calls& calls) {
  queue_->give_back(calls);
  if (!database_.is_connected()) return news_->away(database_.error());
  log_line("calls are tried again: " + database_.error());
  (void)ends_within(kTryAgainIn);
}

// Waits, and returns whether the worker is to end.
bool CallWorker::ends_within(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return ended_.wait_for(lock, time, [this] { return ends_; });
}

Ending CallWorker::ask(const Calls& calls, Rows* rows) {
  SqlArray urls;
  SqlArray bodies;
  SqlArray signatures;
  for (const auto& call : calls) {
    urls.add(call->url);
    bodies.add(call->body);
    signatures.add(call->signature);
  }
  const std::string arrays[] = {urls.take(), bodies.take(), signatures.take()};
  const char* values[] = {arrays[0].c_str(), arrays[1].c_str(), arrays[2].c_str()};
  return database_.run(kTake, values, Clock::now() + kAnswerWithin, rows);
}

void CallWorker::answer_all(const Calls& calls, const PGresult* rows) {
  for (int row = 0; row < PQntuples(rows); ++row)
    queue_->answer(*calls[static_cast<std::size_t>(row)], row_of(rows, row));
}

}  // namespace coach_sms
