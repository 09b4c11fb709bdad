#include <functional>
#include <map>
#include <stdexcept>
#include <utility>

#include "json.hpp"
#include "request.hpp"

namespace fake_twilio {

namespace {

// A control call that cannot be understood.
struct BadCall : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A parameter, wherever it stands: in the query or in the form.
std::string parameter(const Request& request, std::string_view name) {
  const auto in_query = request.query.find(name);
  return std::string(in_query ? *in_query : request.form.get(name));
}

std::int64_t number_parameter(const Request& request, std::string_view name,
                              std::int64_t otherwise) {
  const std::string text = parameter(request, name);
  if (text.empty()) return otherwise;
  const auto number = parse_number(text);
  if (!number) throw BadCall(std::string(name) + " is no number");
  return *number;
}

std::uint64_t since(const Request& request) {
  return static_cast<std::uint64_t>(number_parameter(request, "since", 0));
}

void each_wanted(World& world, const Request& request,
                 const std::function<void(const Message&)>& visit) {
  const std::string to = parameter(request, "to");
  const std::string body = parameter(request, "body");
  const std::string part = parameter(request, "contains");
  world.records.each_message(since(request), [&](const Message& message) {
    const Order& order = message.order;
    if ((to.empty() || order.to == to) && (body.empty() || order.body == body) &&
        order.body.find(part) != std::string::npos)
      visit(message);
  });
}

void show_ledger(World& world, Request& request) {
  JsonArray rows;
  each_wanted(world, request, [&](const Message& message) { rows.add(ledger_row_of(message)); });
  request.answer.body = rows.end();
}

void count_ledger(World& world, Request& request) {
  std::int64_t count = 0;
  each_wanted(world, request, [&count](const Message&) { ++count; });
  request.answer.body = JsonObject().number("count", count).end();
}

void show_duplicates(World& world, Request& request) {
  std::map<std::pair<std::string, std::string>, int> counts;
  world.records.each_message(0, [&](const Message& message) {
    ++counts[{message.order.to, message.order.body}];
  });
  JsonArray rows;
  for (const auto& [text, count] : counts) {
    if (count < 2) continue;
    rows.add(
        JsonObject().text("to", text.first).text("body", text.second).number("count", count).end());
  }
  request.answer.body = rows.end();
}

// One line a message: its body (line ends become blanks), a blank, the arrival in microseconds.
void show_arrivals(World& world, Request& request) {
  request.answer.content_type = "text/plain; charset=utf-8";
  each_wanted(world, request, [&](const Message& message) {
    std::string body = message.order.body;
    for (char& c : body)
      c = c == '\n' || c == '\r' ? ' ' : c;
    request.answer.body += body + ' ' + std::to_string(message.received) + '\n';
  });
}

void show_requests(World& world, Request& request) {
  constexpr const char* kKinds[] = {"create", "list", "fetch", "unknown"};
  constexpr const char* kOutcomes[] = {"arrived",      "accepted",       "refused", "faulted",
                                       "reset-before", "stalled-before", "served"};
  constexpr const char* kEnds[] = {"open", "answered", "broken"};
  const std::string to = parameter(request, "to");
  const std::string outcome = parameter(request, "outcome");
  JsonArray rows;
  world.records.each_request(since(request), [&](const RequestRow& row) {
    const char* became = kOutcomes[static_cast<std::size_t>(row.outcome)];
    if ((!to.empty() && row.to != to) || (!outcome.empty() && outcome != became)) return;
    rows.add(JsonObject()
                 .number("seq", static_cast<std::int64_t>(row.number))
                 .text("kind", kKinds[static_cast<std::size_t>(row.kind)])
                 .text("outcome", became)
                 .text("end", kEnds[static_cast<std::size_t>(row.end)])
                 .number("status", row.status)
                 .number("code", row.code)
                 .number("message_seq", static_cast<std::int64_t>(row.message))
                 .number("connection", static_cast<std::int64_t>(row.connection))
                 .number("received_at", row.received)
                 .text_or_null("to", row.to)
                 .end());
  });
  request.answer.body = rows.end();
}

void show_callbacks(World& world, Request& request) {
  JsonArray rows;
  world.records.each_callback(since(request), [&](const CallbackRow& row) {
    rows.add(JsonObject()
                 .number("seq", static_cast<std::int64_t>(row.number))
                 .text("message_sid", row.message_sid)
                 .text("status", row.status)
                 .text("outcome", row.outcome)
                 .text("url", row.url)
                 .text("body", row.body)
                 .text("signature", row.signature)
                 .end());
  });
  request.answer.body = rows.end();
}

void answer_counters(Request& request, const Counters& seen, bool reached) {
  request.answer.body = JsonObject()
                            .number("requests", seen.requests)
                            .number("accepted", seen.accepted)
                            .number("open", seen.open)
                            .number("callbacks", seen.callbacks)
                            .add("reached", reached ? "true" : "false")
                            .end();
}

// Answers once every counter named has reached its number, or at the deadline.
void wait(World& world, Request& request) {
  const Counters goals = {
      number_parameter(request, "requests", 0), number_parameter(request, "accepted", 0),
      number_parameter(request, "open", 0), number_parameter(request, "callbacks", 0)};
  Counters seen;
  const auto reaches = [&] {
    seen = world.records.counters();
    return seen.requests >= goals.requests && seen.accepted >= goals.accepted &&
           seen.open >= goals.open && seen.callbacks >= goals.callbacks;
  };
  const std::int64_t deadline_ms = number_parameter(request, "deadline_ms", 10'000);
  const bool reached = world.pauses.hold_until(reaches, deadline_ms);
  answer_counters(request, seen, reached);
}

void show_counters(World& world, Request& request) {
  answer_counters(request, world.records.counters(), true);
}

void set_scenario(World& world, Request& request) {
  const std::string to = parameter(request, "to");
  if (to.empty()) throw BadCall("to is missing");
  world.scenarios.set_for_number(to, parameter(request, "marker"));
}

void set_default(World& world, Request& request) {
  world.scenarios.set_default(parameter(request, "marker"));
}

void set_list_fault(World& world, Request& request) {
  world.scenarios.set_for_lists(parameter(request, "marker"));
}

void set_list_lag(World& world, Request& request) {
  world.list_lag_s = number_parameter(request, "seconds", 0);
}

// Changes only what is named; a status goes to the StatusCallback, whether it moves forward or
// not.
void set_status(World& world, Request& request) {
  const auto message = world.records.find(parameter(request, "sid"));
  if (!message) throw BadCall("no such sid");
  const std::string name = parameter(request, "status");
  const auto status = status_named(name);
  if (!name.empty() && !status) throw BadCall("no such status");
  const auto code = static_cast<std::int32_t>(number_parameter(request, "error_code", 0));
  const std::string price = parameter(request, "price");
  const std::string unit = parameter(request, "price_unit");
  world.records.change(message->number, [&](Message& changed) {
    changed.updated = now();
    if (status) changed.status = *status;
    if (status && *status >= Status::kSent && changed.sent == 0) changed.sent = changed.updated;
    if (code != 0) changed.error_code = code;
    if (!price.empty()) changed.price = price;
    if (!unit.empty()) changed.price_unit = unit;
  });
  if (status) world.callbacks.report(message->number, *status, code);
}

// Returns the webhook that status callbacks go to, where inbound texts go unless the call says.
std::string inbound_url(World& world) {
  std::string last;
  world.records.each_message(0, [&last](const Message& message) {
    if (!message.order.status_callback.empty()) last = message.order.status_callback;
  });
  const std::string url = last.substr(0, last.find_first_of("?#"));
  return url.empty() ? world.options.inbound_url : url;
}

void send_inbound(World& world, Request& request) {
  const auto given = [&](const char* name, const std::string& otherwise) {
    const std::string value = parameter(request, name);
    return value.empty() ? otherwise : value;
  };
  InboundText text;
  text.account = given("account", world.options.credentials.front().account);
  text.from = given("from", "");
  text.to = given("to", std::string(kPoolNumber));
  text.service = given("messaging_service_sid", "");
  text.body = given("body", "");
  text.opt_out_type = given("opt_out_type", "");
  text.url = given("url", inbound_url(world));
  if (text.from.empty()) throw BadCall("from is missing");
  if (text.url.empty()) throw BadCall("url is missing: no StatusCallback came yet");
  text.sid = world.records.fresh_inbound_sid();
  for (std::int64_t times = number_parameter(request, "times", 1); times > 0; --times)
    world.callbacks.deliver(text);
  request.answer.body = JsonObject().text("sid", text.sid).end();
}

void release(World& world, Request&) {
  world.pauses.release();
}

void reset(World& world, Request&) {
  world.forget_all();
}

struct Call {
  std::string_view method;
  std::string_view name;
  void (*serve)(World&, Request&);
};
constexpr Call kCalls[] = {
    {"GET", "ledger", show_ledger},         {"GET", "ledger/count", count_ledger},
    {"GET", "duplicates", show_duplicates}, {"GET", "arrivals", show_arrivals},
    {"GET", "requests", show_requests},     {"GET", "callbacks", show_callbacks},
    {"GET", "counters", show_counters},     {"GET", "wait", wait},
    {"POST", "scenario", set_scenario},     {"POST", "default", set_default},
    {"POST", "list-fault", set_list_fault}, {"POST", "list-lag", set_list_lag},
    {"POST", "status", set_status},         {"POST", "inbound", send_inbound},
    {"POST", "release", release},           {"POST", "reset", reset},
};

void refuse(Request& request, int status, std::string_view why) {
  request.answer.status = status;
  request.answer.body = JsonObject().text("error", why).end();
}

}  // namespace

void serve_control(World& world, Request& request) {
  for (const Call& call : kCalls) {
    if (call.method != request.method || call.name != request.resource) continue;
    try {
      call.serve(world, request);
      if (call.method == "POST" && request.answer.body.empty()) request.answer.body = "{}";
    } catch (const BadCall& bad) {
      refuse(request, 400, bad.what());
    } catch (const BadMarker& bad) {
      refuse(request, 400, bad.what());
    }
    return;
  }
  refuse(request, 404, "no such control call");
}

}  // namespace fake_twilio
