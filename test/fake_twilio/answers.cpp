#include "answers.hpp"

#include <cstddef>

#include "text.hpp"

namespace fake_twilio {

namespace {

constexpr const char* kHtml =
    "<!DOCTYPE html>\n<html><head><title>Bad Gateway</title></head>\n"
    "<body><h1>The proxy in front has lost its upstream</h1></body></html>\n";

void answer_html(Answer& answer, int status) {
  answer.status = status;
  answer.content_type = "text/html; charset=utf-8";
  answer.body = kHtml;
}

// Makes a JSON object at least `bytes` long without breaking it.
void pad(std::string& body, std::size_t bytes) {
  constexpr std::string_view kField = ", \"padding\": \"";
  if (body.empty() || body.back() != '}' || body.size() + kField.size() + 1 >= bytes) return;
  const std::size_t padding = bytes - body.size() - kField.size() - 1;
  body.pop_back();
  body.append(kField).append(padding, 'x').append("\"}");
}

}  // namespace

int usual_code(int http_status) {
  switch (http_status) {
    case 400:
      return 20001;
    case 401:
      return 20003;
    case 403:
      return 20403;
    case 404:
      return 20404;
    case 405:
      return 20004;
    case 429:
      return 20429;
    case 500:
      return 20500;
    case 503:
      return 20503;
    default:
      return 0;
  }
}

void answer_error(Answer& answer, const Refusal& refusal) {
  answer.status = refusal.status;
  answer.content_type = "application/json";
  std::string& out = answer.body;
  out = "{";
  if (refusal.code != 0) {
    out += "\"code\": ";
    append_number(out, refusal.code);
    out += ", ";
  }
  out += "\"message\": ";
  append_json(out, refusal.message);
  if (refusal.code != 0) {
    out += ", \"more_info\": \"https://www.twilio.com/docs/errors/";
    append_number(out, refusal.code);
    out += '"';
  }
  out += ", \"status\": ";
  append_number(out, refusal.status);
  out += '}';
}

void answer_fault(Answer& answer, const Scenario& scenario) {
  answer.retry_after = scenario.retry_after;
  answer.location = scenario.redirect;
  const int status = scenario.status != 0         ? scenario.status
                     : !scenario.redirect.empty() ? 302
                                                  : 502;
  if (scenario.html) {
    answer_html(answer, status);
  } else if (scenario.empty || !scenario.redirect.empty()) {
    answer.status = status;
    answer.body.clear();
  } else {
    const int code = scenario.code != 0 ? scenario.code : usual_code(status);
    answer_error(answer, {status, code, "Fault asked for by the test"});
  }
}

void spoil(Answer& answer, const Scenario& scenario) {
  if (scenario.accept_status != 0 && answer.status < 300) {
    answer_error(answer, {scenario.accept_status, usual_code(scenario.accept_status),
                          "Fault asked for by the test, after the message was accepted"});
  }
  if (scenario.accept_html && answer.status < 300) answer_html(answer, answer.status);
  pad(answer.body, static_cast<std::size_t>(scenario.huge));
  if (scenario.cut) answer.body.resize(answer.body.size() / 2);
  answer.cut_wire = scenario.cut_wire;
  answer.drip_ms = scenario.drip_ms;
}

}  // namespace fake_twilio
