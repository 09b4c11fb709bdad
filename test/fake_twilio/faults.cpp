#include <cstddef>
#include <map>

#include "json.hpp"
#include "request.hpp"

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

// Returns Twilio's code for a status that says nothing more.
int usual_code(int status) {
  static const std::map<int, int> codes = {{400, 20001}, {401, 20003}, {403, 20403}, {404, 20404},
                                           {405, 20004}, {429, 20429}, {500, 20500}, {503, 20503}};
  const auto found = codes.find(status);
  return found == codes.end() ? 0 : found->second;
}

}  // namespace

void answer_error(Answer& answer, const Refusal& refusal) {
  JsonObject json;
  if (refusal.code != 0) json.number("code", refusal.code);
  json.text("message", refusal.message);
  if (refusal.code != 0) {
    json.text("more_info", "https://www.twilio.com/docs/errors/" + std::to_string(refusal.code));
  }
  answer.status = refusal.status;
  answer.body = json.number("status", refusal.status).end();
}

void answer_fault(Answer& answer, const Scenario& scenario) {
  answer.retry_after = scenario.retry_after;
  answer.location = scenario.redirect;
  answer.status = scenario.status != 0         ? static_cast<int>(scenario.status)
                  : !scenario.redirect.empty() ? 302
                                               : 502;
  if (scenario.html) {
    answer_html(answer, answer.status);
  } else if (!scenario.empty && scenario.redirect.empty()) {
    const int code = scenario.code ? static_cast<int>(scenario.code) : usual_code(answer.status);
    answer_error(answer, {answer.status, code, "Fault asked for by the test"});
  }
}

void spoil(Answer& answer, const Scenario& scenario) {
  if (scenario.accept_status != 0 && answer.status < 300) {
    const int status = static_cast<int>(scenario.accept_status);
    answer_error(answer, {status, usual_code(status),
                          "Fault asked for by the test, after the message was accepted"});
  }
  if (scenario.accept_html && answer.status < 300) answer_html(answer, answer.status);
  pad(answer.body, static_cast<std::size_t>(scenario.huge));
  if (scenario.cut) answer.body.resize(answer.body.size() / 2);
  answer.cut_wire = scenario.cut_wire;
  answer.drip_ms = scenario.drip_ms;
}

}  // namespace fake_twilio
