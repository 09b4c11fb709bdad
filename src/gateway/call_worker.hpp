#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "gateway/call_queue.hpp"
#include "gateway/database.hpp"

namespace coach_sms {

// Says once for all workers that the database does not take calls, and that it does again.
class DatabaseNews {
 public:
  void away(const std::string& why);
  void back();

 private:
  std::atomic<bool> is_away_ = false;
};

// Gives calls to the database, in a thread of its own with a connection of its own. Calls that come
// while it is busy share one transaction. A call is answered after the commit, and only then. After
// a broken connection a call is given to the database again, which takes each event once.
class CallWorker {
 public:
  CallWorker(std::string conninfo, CallQueue* queue, DatabaseNews* news);
  ~CallWorker();
  // Lets the thread end soon after CallQueue::close(), in the middle of a statement too. A call
  // that it has stays unanswered.
  void end();
  CallWorker(const CallWorker&) = delete;
  CallWorker& operator=(const CallWorker&) = delete;

 private:
  void work();
  void work_until_the_end();
  bool connect();
  void pass_on(const Calls& calls);
  bool pass_on_alone(const std::shared_ptr<Call>& call);
  void put_off(const Calls& calls);
  bool ends_within(std::chrono::milliseconds time);
  Ending ask(const Calls& calls, Rows* rows);
  void answer_all(const Calls& calls, const PGresult* rows);

  Database database_;
  CallQueue* queue_;
  DatabaseNews* news_;
  std::size_t most_calls_;  // at once
  std::mutex mutex_;
  std::condition_variable ended_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace coach_sms
