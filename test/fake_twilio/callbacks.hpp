#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "options.hpp"
#include "records.hpp"
#include "scenario.hpp"
#include "webhook_call.hpp"

namespace fake_twilio {

// Moves messages through their statuses and calls their StatusCallback, and hands inbound texts to
// their webhook: in the order planned, one at a time, from one thread. Posts to loopback only.
class Callbacks {
 public:
  Callbacks(const Options& options, Records& records);
  ~Callbacks();
  Callbacks(const Callbacks&) = delete;
  Callbacks& operator=(const Callbacks&) = delete;

  // Plans the statuses that the scenario names for this message.
  void begin_journey(std::uint64_t message, const Scenario& scenario);
  bool is_travelling(std::uint64_t message);
  // Calls the StatusCallback with a status set by a control call.
  void report(std::uint64_t message, Status status, long error_code);
  void deliver(InboundText text);
  void forget_all();

 private:
  // One status change, or one inbound text (if `text.sid` is set).
  struct Event {
    std::uint64_t message = 0;
    Status status = Status::kSent;
    long error_code = 0;
    bool silent = false;  // the status changes, and no callback comes of it
    InboundText text;
  };

  void plan(Event event);
  void run();
  void happen(const Event& event);
  void emit(const WebhookCall& call, const std::string& sid, std::string_view status);
  std::string post(const WebhookCall& call);

  const Options& options_;
  Records& records_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Event> events_;
  std::uint64_t under_way_ = 0;  // the message of the event that happens now
  bool stopping_ = false;
  void* curl_;  // the thread's easy handle
  std::thread thread_;
};

}  // namespace fake_twilio
