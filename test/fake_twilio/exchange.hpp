#pragma once

#include <microhttpd.h>

#include <cstdint>
#include <string>

#include "counters.hpp"
#include "form.hpp"
#include "message.hpp"
#include "scenario.hpp"

namespace fake_twilio {

enum class Kind : std::uint8_t { kCreate, kList, kFetch, kUpdate, kDelete, kControl, kUnknown };

// What is to be done with a request when it is its turn again.
enum class Stage : std::uint8_t { kArrived, kComposing, kHolding, kAnswering };

enum class Wake : std::uint8_t { kNone, kDue, kReleased, kClientLeft, kStopping };

// What the server is told after each step.
enum class Verdict : std::uint8_t {
  kAnswer,  // send exchange.answer
  kParked,  // nothing; somebody resumes the connection
  kReset,   // break the connection with a TCP reset
  kClose,   // drop it
};

struct Answer {
  int status = 200;
  const char* content_type = "application/json";
  std::string body;
  std::string retry_after;
  std::string location;
  long drip_ms = 0;
  bool cut_wire = false;  // declare the whole body, send half of it, close
};

// One request and its answer. Lives as long as its connection and is used again for the next
// request on it, so that a kept connection costs no allocations.
struct Exchange {
  // Of the connection.
  MHD_Connection* connection = nullptr;
  std::uint64_t connection_id = 0;
  int socket = -1;
  int wake_event = -1;  // of the thread that serves it

  // Of the request. The form's views point into `body` or belong to libmicrohttpd.
  Kind kind = Kind::kUnknown;
  Stage stage = Stage::kArrived;
  Wake wake = Wake::kNone;
  bool counted_open = false;
  bool drip_due = false;
  bool journey_waits = false;  // callbacks begin when the answer is out
  Micros received = 0;
  std::uint64_t request = 0;  // its row in the request log
  std::uint64_t message = 0;  // the message that it made
  std::string_view method;
  std::string_view url;  // decoded path
  std::string_view account;
  std::string_view resource;  // what follows the account
  std::string body;
  Form form;
  Form query;
  Scenario scenario;
  Answer answer;
  Goals goals;  // of /control/wait

  std::string_view header(const char* name) const {
    const char* value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
    return value ? std::string_view(value) : std::string_view();
  }
};

}  // namespace fake_twilio
