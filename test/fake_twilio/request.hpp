#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "form.hpp"
#include "records.hpp"
#include "scenario.hpp"
#include "world.hpp"

namespace fake_twilio {

struct Answer {
  int status = 200;
  const char* content_type = "application/json";
  std::string body;
  std::string retry_after;
  std::string location;
  long drip_ms = 0;
  bool cut_wire = false;  // declare the whole body, send half of it, close
};

// What the server does with the connection once a request is served.
enum class Verdict : std::uint8_t {
  kAnswer,  // send the answer
  kReset,   // break it with a TCP reset
  kClose,   // drop it
};

// One HTTP request and its answer.
struct Request {
  int socket = -1;
  std::string method;
  std::string path;      // decoded
  std::string account;   // from the path
  std::string resource;  // what follows the account, or "/control/"
  std::string authorization;
  std::string content_type;
  std::string body;
  Form query;
  Form form;
  RequestRow row;
  Scenario scenario;
  bool journey_waits = false;  // callbacks begin when the answer is out
  Answer answer;
};

// Why Twilio does not serve a request: the error's HTTP status, code (0: none) and title.
struct Refusal {
  int status;
  int code;
  std::string_view message;
};

// The headers are here: reads the path and records the arrival.
void begin(World& world, Request& request);
// The whole request is here: does what it asks for, and what its scenario says. Holds the calling
// thread back for as long as the client shall wait.
Verdict serve(World& world, Request& request);
// The last byte of the answer is out, or the connection is gone.
void end(World& world, Request& request, bool answered);

// The parts of serve(), each in a file of its own. A refusal becomes the answer.
std::optional<Refusal> serve_create(World& world, Request& request);
std::optional<Refusal> serve_read(World& world, Request& request);
void serve_control(World& world, Request& request);

// Answers with {"code": ..., "message": ..., "more_info": ..., "status": ...}.
void answer_error(Answer& answer, const Refusal& refusal);
// Gives the scenario's answer in place of Twilio's; needs scenario.denies().
void answer_fault(Answer& answer, const Scenario& scenario);
// Does to a good answer what the scenario says: another status, HTML, padding, cutting, dripping.
void spoil(Answer& answer, const Scenario& scenario);

}  // namespace fake_twilio
