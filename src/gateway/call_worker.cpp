#include "gateway/call_worker.hpp"

#include <algorithm>
#include <cstdlib>
#include <exception>

#include "gateway/log.hpp"
#include "gateway/sql_array.hpp"

namespace coach_sms {

namespace {

using namespace std::chrono_literals;

// More calls in one transaction gain little, and hold their messages' rows longer.
constexpr std::size_t kMostCallsAtOnce = 32;
constexpr auto kConnectWithin = 6s;  // to all hosts that are named
constexpr auto kStatementTimeout = 6s;
constexpr auto kAnswerWithin = 7s;  // where the server does not keep its timeout
constexpr std::chrono::milliseconds kTryAgainIn = 100ms;
constexpr std::chrono::milliseconds kTryAgainAtMost = 1s;

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
  if (!is_away_.exchange(true)) log_line("the database does not take calls: " + why);
}

void DatabaseNews::back() {
  if (is_away_.exchange(false)) log_line("the database takes calls again");
}

CallWorker::CallWorker(std::string conninfo, CallQueue* queue, DatabaseNews* news)
    : database_(std::move(conninfo), kStatementTimeout),
      queue_(queue),
      news_(news),
      most_calls_(kMostCallsAtOnce),
      thread_([this] { work(); }) {}

CallWorker::~CallWorker() {
  end();
  thread_.join();
}

void CallWorker::end() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  ended_.notify_all();
  database_.give_up();
}

void CallWorker::work() {
  while (true) {
    try {
      return work_until_the_end();
    } catch (const std::exception& error) {  // no memory
      log_line(error.what());
      database_.disconnect();
    }
    if (ends_within(kTryAgainAtMost)) return;
  }
}

void CallWorker::work_until_the_end() {
  while (connect()) {
    const Calls calls = queue_->take(most_calls_);
    if (calls.empty()) return;
    try {
      pass_on(calls);
    } catch (...) {
      queue_->give_back(calls);
      throw;
    }
  }
}

// Connects unless there is a connection, again and again until it succeeds. Returns false once the
// worker is to end.
bool CallWorker::connect() {
  for (auto pause = kTryAgainIn; !database_.is_connected();
       pause = std::min(2 * pause, kTryAgainAtMost)) {
    if (database_.connect(Clock::now() + kConnectWithin)) break;
    if (ends_within(0ms)) return false;
    news_->away(database_.error());
    if (ends_within(pause)) return false;
  }
  return !ends_within(0ms);
}

void CallWorker::pass_on(const Calls& calls) {
  Rows rows;
  const Ending ending = ask(calls, &rows);
  if (ending == Ending::kDone) {
    most_calls_ = kMostCallsAtOnce;
    return answer_all(calls, rows.get());
  }
  if (!database_.is_connected()) {
    most_calls_ = 1;  // one of them may have broken the connection
    return put_off(calls);
  }
  if (calls.size() == 1 && ending == Ending::kAgain) return put_off(calls);
  // One call may have spoiled the transaction for the others.
  Calls left;
  for (const auto& call : calls)
    if (!pass_on_alone(call)) left.push_back(call);
  if (!left.empty()) put_off(left);
}

// Returns false where the call is to be tried again.
bool CallWorker::pass_on_alone(const std::shared_ptr<Call>& call) {
  if (call->is_answered()) return true;  // its time is over
  Rows rows;
  const Ending ending = database_.is_connected() ? ask({call}, &rows) : Ending::kAgain;
  switch (ending) {
    case Ending::kDone:
      answer_all({call}, rows.get());
      break;
    case Ending::kBadValue:
      queue_->answer(*call, bad_request());
      break;
    case Ending::kRefused:
      news_->away(database_.error());
      queue_->answer(*call, unavailable());
      break;
    case Ending::kAgain:
      return false;
  }
  return true;
}

// Puts the calls back for another try, which begins after a moment.
void CallWorker::put_off(const Calls& calls) {
  queue_->give_back(calls);
  if (ends_within(0ms)) return;
  news_->away(database_.error());
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
  news_->back();
  for (int row = 0; row < PQntuples(rows); ++row)
    queue_->answer(*calls[static_cast<std::size_t>(row)], row_of(rows, row));
}

}  // namespace coach_sms
