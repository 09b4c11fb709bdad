#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "message.hpp"

namespace fake_twilio {

// The faults of one request: the words of all markers that apply, put together. The README lists
// the words. Times in milliseconds.
struct Scenario {
  long delay_ms = 0;
  long accept_then_delay_ms = 0;
  long drip_ms = 0;
  long times = 0;  // 0: always
  long huge = 0;   // bytes that the answer shall at least have
  long status = 0;
  long accept_status = 0;
  long code = 0;
  long undelivered_code = 0;
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

  // True if Twilio or something in front of it refuses: no message comes of it.
  bool denies() const { return status != 0 || html || empty || !redirect.empty(); }
  // True if the client of an accepted message learns of it late or never.
  bool lost_or_late() const { return reset_after || stall || accept_then_delay_ms != 0; }
};

struct BadMarker : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The faults asked for by control calls, and the count of those that apply only so many times.
// All functions but forget_all() throw BadMarker, which names the word that means nothing.
class Scenarios {
 public:
  // An empty marker takes the fault away again.
  void set_default(std::string_view marker);
  void set_for_lists(std::string_view marker);
  void set_for_number(std::string_view to, std::string_view marker);
  void forget_all();

  // Returns the scenario of a create: the default, then the number's, then the [fake:...] markers
  // of the body, each adding to the one before. One whose times= are used up (counted by To and
  // marker) is skipped.
  Scenario of_create(std::string_view to, std::string_view body);
  Scenario of_list(std::string_view to);

 private:
  void add_layer(Scenario& scenario, std::string_view to, const std::string& marker);

  std::mutex mutex_;
  std::string default_;
  std::string lists_;
  std::map<std::string, std::string, std::less<>> by_number_;
  std::map<std::string, long> uses_;
};

}  // namespace fake_twilio
