#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <queue>
#include <string>
#include <thread>
#include <vector>

#include "accounts.hpp"
#include "counters.hpp"
#include "inbound.hpp"
#include "ledger.hpp"
#include "options.hpp"
#include "parking.hpp"
#include "scenario.hpp"

namespace fake_twilio {

// One status change, or one inbound text, on its way: when it happens, and what to do about it.
struct StatusEvent {
  SteadyTime due;
  std::uint64_t order = 0;  // breaks ties: first planned, first done
  std::uint64_t message = 0;
  Status status = Status::kSent;
  std::int32_t error_code = 0;
  bool silent = false;       // the status changes but nobody is told
  std::uint64_t ticket = 0;  // parked request to release afterwards, 0: none
  std::shared_ptr<const InboundText> inbound;
};

// Moves messages through their statuses and tells their StatusCallback so, and hands inbound texts
// to their webhook: in the order planned, one at a time, from one thread. Posts to loopback only.
class Callbacks {
 public:
  Callbacks(CallbackMode mode, const Accounts& accounts, const Clock& clock, const SidMint& mint,
            Ledger& ledger, Counters& counters, Parking& parking);
  ~Callbacks();
  Callbacks(const Callbacks&) = delete;
  Callbacks& operator=(const Callbacks&) = delete;

  // Plans what the scenario says for this message; `ticket` is released after the last of it.
  // False if there is nothing to plan (then nothing is released).
  bool begin_journey(std::uint64_t message, const Scenario& scenario, std::uint64_t ticket);
  // A status told by a control call, now.
  void tell(std::uint64_t message, Status status, std::int32_t error_code);
  // An inbound text, now.
  void tell(std::shared_ptr<const InboundText> text);

  // Rows {seq, url, body, signature, message_sid, status, outcome} after `since`. They are
  // numbered from 1 on, anew after forget_all().
  std::string json(std::uint64_t since) const;
  void forget_all();

 private:
  struct Row {
    Message message;
    Status status;
    std::int32_t error_code;
    std::shared_ptr<const InboundText> inbound;
    std::string outcome;  // "held", "refused", "posting", an HTTP status, libcurl's words
  };
  struct Later {
    bool operator()(const StatusEvent& a, const StatusEvent& b) const {
      return a.due != b.due ? a.due > b.due : a.order > b.order;
    }
  };

  void plan(StatusEvent event);
  void run();
  void happen(const StatusEvent& event);
  void emit(Row row, std::string_view url);
  SignedCall sign(const Row& row) const;
  std::string post(const SignedCall& call);

  const CallbackMode mode_;
  const Accounts& accounts_;
  const Clock& clock_;
  const SidMint& mint_;
  Ledger& ledger_;
  Counters& counters_;
  Parking& parking_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::priority_queue<StatusEvent, std::vector<StatusEvent>, Later> events_;
  std::vector<Row> rows_;
  std::uint64_t planned_ = 0;
  bool stopping_ = false;
  void* curl_ = nullptr;  // the thread's easy handle
  std::thread thread_;
};

}  // namespace fake_twilio
