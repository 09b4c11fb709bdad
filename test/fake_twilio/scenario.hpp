#pragma once

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "message.hpp"

namespace fake_twilio {

// What shall happen to one request: the words of all markers that apply, put together. The
// README lists the words. Times in milliseconds.
struct Scenario {
  long delay_ms = 0;
  long accept_then_delay_ms = 0;
  long drip_ms = 0;
  long callback_delay_ms = 0;
  long times = 0;  // 0: always
  long huge = 0;   // bytes that the answer shall at least have
  int status = 0;
  int accept_status = 0;
  int code = 0;
  int undelivered_code = 0;
  bool reset_before = false;
  bool reset_after = false;
  bool stall_before = false;
  bool stall = false;
  bool html = false;
  bool accept_html = false;
  bool empty = false;
  bool cut = false;
  bool cut_wire = false;
  bool callback_before_response = false;
  bool callback_twice = false;
  bool no_callback = false;
  std::string retry_after;
  std::string redirect;
  std::string to_as;              // another form of To, in which the message is kept
  std::vector<Status> callbacks;  // empty: sent, delivered

  // Answered by something in front of Twilio, or by Twilio refusing: no message comes of it.
  bool denies() const { return status != 0 || html || empty || !redirect.empty(); }
};

struct BadMarker : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Adds the words of `marker` ("delay=50 status=503") to a scenario. Throws BadMarker naming the
// word that means nothing.
void add_words(Scenario& scenario, std::string_view marker);

// The faults asked for by control calls, and the count of those that apply only so many times.
class Scenarios {
 public:
  // Both throw BadMarker. An empty marker takes the fault away again.
  void set_default(std::string_view marker);
  void set_for_number(std::string_view to, std::string_view marker);
  void set_for_lists(std::string_view marker);
  void forget_all();

  // For a create: the default, then the number's, then the [fake:...] markers of the body, each
  // adding to the one before. One whose times= are used up (counted by To and marker) is skipped.
  void resolve(std::string_view to, std::string_view body, Scenario& scenario);
  void resolve_list(std::string_view to, Scenario& scenario);

 private:
  void add_layer(Scenario& scenario, std::string_view to, std::string_view marker);

  std::atomic<bool> any_set_{false};
  std::mutex mutex_;
  std::string default_;
  std::string lists_;
  Scenario parsed_default_;
  std::unordered_map<std::string, std::string> by_number_;
  std::unordered_map<std::string, long> uses_;
};

}  // namespace fake_twilio
