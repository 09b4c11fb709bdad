#include "control.hpp"

#include <chrono>
#include <unordered_map>

#include "text.hpp"

namespace fake_twilio {

namespace {

// A control call that cannot be understood.
struct BadCall : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A parameter, wherever it stands: in the query or in the form.
std::string_view parameter(const Exchange& exchange, std::string_view name) {
  const auto in_query = exchange.query.find(name);
  return in_query ? *in_query : exchange.form.get(name);
}

// Number with an optional minus sign.
std::int64_t number_parameter(const Exchange& exchange, std::string_view name,
                              std::int64_t otherwise) {
  std::string_view text = parameter(exchange, name);
  if (text.empty()) return otherwise;
  const bool negative = text[0] == '-';
  if (negative) text.remove_prefix(1);
  const auto number = parse_number(text);
  if (!number) throw BadCall(std::string(name) + " is no number");
  return negative ? -*number : *number;
}

std::uint64_t since(const Exchange& exchange) {
  return static_cast<std::uint64_t>(number_parameter(exchange, "since", 0));
}

bool wanted(const Exchange& exchange, const Message& message) {
  const std::string_view to = parameter(exchange, "to");
  const std::string_view body = parameter(exchange, "body");
  const std::string_view part = parameter(exchange, "contains");
  return (to.empty() || message.order.to == to) && (body.empty() || message.order.body == body) &&
         (part.empty() || message.order.body.find(part) != std::string_view::npos);
}

void answer_count(Exchange& exchange, std::size_t count) {
  exchange.answer.body = "{\"count\":";
  append_number(exchange.answer.body, static_cast<std::int64_t>(count));
  exchange.answer.body += "}\n";
}

void show_ledger(World& world, Exchange& exchange) {
  std::string& out = exchange.answer.body;
  out = "[";
  world.ledger.for_each_since(since(exchange), [&](const Message& message) {
    if (!wanted(exchange, message)) return true;
    if (out.size() > 1) out += ",\n";
    append_ledger_row(out, message, world.mint);
    return true;
  });
  out += "]\n";
}

void count_ledger(World& world, Exchange& exchange) {
  std::size_t count = 0;
  world.ledger.for_each_since(0, [&](const Message& message) {
    count += wanted(exchange, message);
    return true;
  });
  answer_count(exchange, count);
}

void show_duplicates(World& world, Exchange& exchange) {
  std::unordered_map<std::string, int> counts;
  world.ledger.for_each_since(0, [&](const Message& message) {
    ++counts[std::string(message.order.to).append(" ").append(message.order.body)];
    return true;
  });
  std::string& out = exchange.answer.body;
  out = "[";
  for (const auto& [key, count] : counts) {
    if (count < 2) continue;
    const std::size_t blank = key.find(' ');
    out += out.size() > 1 ? ",\n{\"to\":" : "{\"to\":";
    append_json(out, std::string_view(key).substr(0, blank));
    out += ",\"body\":";
    append_json(out, std::string_view(key).substr(blank + 1));
    out += ",\"count\":";
    append_number(out, count);
    out += '}';
  }
  out += "]\n";
}

// One line a message: its body (line ends become blanks), a blank, the arrival in microseconds.
void show_arrivals(World& world, Exchange& exchange) {
  std::string& out = exchange.answer.body;
  exchange.answer.content_type = "text/plain; charset=utf-8";
  world.ledger.for_each_since(since(exchange), [&](const Message& message) {
    for (const char c : message.order.body)
      out += c == '\n' || c == '\r' ? ' ' : c;
    out += ' ';
    append_number(out, message.received);
    out += '\n';
    return true;
  });
}

void show_requests(World& world, Exchange& exchange) {
  exchange.answer.body = world.requests.json(since(exchange), parameter(exchange, "to"),
                                             parameter(exchange, "outcome"));
}

void count_requests(World& world, Exchange& exchange) {
  answer_count(exchange,
               world.requests.count(parameter(exchange, "to"), parameter(exchange, "outcome")));
}

void show_callbacks(World& world, Exchange& exchange) {
  exchange.answer.body = world.callbacks.json(since(exchange));
}

void set_scenario(World& world, Exchange& exchange) {
  const std::string_view to = parameter(exchange, "to");
  if (to.empty()) throw BadCall("to is missing");
  world.scenarios.set_for_number(to, parameter(exchange, "marker"));
}

void set_default(World& world, Exchange& exchange) {
  world.scenarios.set_default(parameter(exchange, "marker"));
}

void set_list_fault(World& world, Exchange& exchange) {
  world.scenarios.set_for_lists(parameter(exchange, "marker"));
}

void set_list_lag(World& world, Exchange& exchange) {
  world.list_lag = number_parameter(exchange, "seconds", 0) * kSecond;
}

void set_time_shift(World& world, Exchange& exchange) {
  world.clock.shift_to(number_parameter(exchange, "seconds", 0) * kSecond);
}

// Only what is named changes; a status is told to the StatusCallback, whether it moves forward
// or not.
void set_status(World& world, Exchange& exchange) {
  const auto number = world.mint.number_of(parameter(exchange, "sid"));
  const std::string_view name = parameter(exchange, "status");
  const auto status = status_named(name);
  if (!name.empty() && !status) throw BadCall("no such status");
  const auto code = static_cast<std::int32_t>(number_parameter(exchange, "error_code", 0));
  const std::string_view price = world.ledger.keep(parameter(exchange, "price"));
  const std::string_view unit = world.ledger.keep(parameter(exchange, "price_unit"));
  const Micros now = world.clock.twilio_now();
  const bool found = number && world.ledger.change(*number, [&](Message& message) {
    message.updated = now;
    if (status) message.status = *status;
    if (status && *status >= Status::kSent && message.sent == 0) message.sent = now;
    if (code != 0) message.error_code = code;
    if (!price.empty()) message.price = price;
    if (!unit.empty()) message.price_unit = unit;
  });
  if (!found) throw BadCall("no such sid");
  if (status) world.callbacks.tell(*number, *status, code);
}

// Where inbound texts go unless the call says: to the webhook that status callbacks go to.
std::string inbound_url(World& world) {
  std::string_view last;
  world.ledger.for_each_since(0, [&](const Message& message) {
    if (!message.order.status_callback.empty()) last = message.order.status_callback;
    return true;
  });
  const std::string url(last.substr(0, last.find_first_of("?#")));
  return url.empty() ? world.options.inbound_url : url;
}

void send_inbound(World& world, Exchange& exchange) {
  const auto given = [&](const char* name, std::string otherwise) {
    const std::string_view value = parameter(exchange, name);
    return value.empty() ? std::move(otherwise) : std::string(value);
  };
  auto text = std::make_shared<InboundText>();
  text->account = given("account", world.options.credentials.front().account);
  text->sid = world.mint.fresh_inbound_sid();
  text->from = given("from", "");
  text->to = given("to", std::string(kPoolNumber));
  text->service = given("messaging_service_sid", "");
  text->body = given("body", "");
  text->opt_out_type = given("opt_out_type", "");
  text->url = given("url", inbound_url(world));
  if (text->from.empty()) throw BadCall("from is missing");
  if (text->url.empty()) throw BadCall("url is missing: no StatusCallback came yet");
  world.opt_outs.hear(*text);
  for (std::int64_t times = number_parameter(exchange, "times", 1); times > 0; --times)
    world.callbacks.tell(text);
  exchange.answer.body = "{\"sid\":\"" + text->sid + "\"}\n";
}

void release(World& world, Exchange&) {
  world.parking.release_stalled();
}

void reset(World& world, Exchange&) {
  world.forget_all();
}

void show_counters(World& world, Exchange& exchange) {
  std::string& out = exchange.answer.body;
  out = "{";
  for (std::size_t i = 0; i < kCounterNames.size(); ++i) {
    out.append("\"").append(kCounterNames[i]).append("\":");
    append_number(out, world.counters.value(static_cast<Counter>(i)));
    out += ',';
  }
  append_json(out, "reached");
  out += world.counters.reached(exchange.goals) ? ":true}\n" : ":false}\n";
}

// Answers once every counter named has reached its number, or at the deadline.
Verdict wait(World& world, Exchange& exchange) {
  if (exchange.wake == Wake::kNone) {
    for (std::size_t i = 0; i < kCounterNames.size(); ++i) {
      const std::int64_t goal = number_parameter(exchange, kCounterNames[i], -1);
      exchange.goals[i] = goal < 0 ? std::nullopt : std::optional(goal);
    }
    const std::int64_t deadline = number_parameter(exchange, "deadline_ms", 10'000);
    exchange.stage = Stage::kArrived;  // come back here
    const std::uint64_t ticket = world.parking.park_watched(
        exchange, std::chrono::steady_clock::now() + std::chrono::milliseconds(deadline));
    world.counters.wake_when(exchange.goals, ticket);
    return Verdict::kParked;
  }
  show_counters(world, exchange);
  return Verdict::kAnswer;
}

struct Call {
  std::string_view method;
  std::string_view name;
  void (*serve)(World&, Exchange&);
};
constexpr Call kCalls[] = {
    {"GET", "ledger", show_ledger},
    {"GET", "ledger/count", count_ledger},
    {"GET", "duplicates", show_duplicates},
    {"GET", "arrivals", show_arrivals},
    {"GET", "requests", show_requests},
    {"GET", "requests/count", count_requests},
    {"GET", "callbacks", show_callbacks},
    {"GET", "counters", show_counters},
    {"POST", "scenario", set_scenario},
    {"POST", "default", set_default},
    {"POST", "list-fault", set_list_fault},
    {"POST", "list-lag", set_list_lag},
    {"POST", "time-shift", set_time_shift},
    {"POST", "status", set_status},
    {"POST", "inbound", send_inbound},
    {"POST", "release", release},
    {"POST", "reset", reset},
};

Verdict refuse(Exchange& exchange, int status, std::string_view why) {
  exchange.answer.status = status;
  exchange.answer.body = "{\"error\":";
  append_json(exchange.answer.body, why);
  exchange.answer.body += "}\n";
  return Verdict::kAnswer;
}

}  // namespace

Verdict control(World& world, Exchange& exchange) {
  exchange.answer.status = 200;
  try {
    if (exchange.resource == "wait") return wait(world, exchange);
    for (const Call& call : kCalls) {
      if (call.method != exchange.method || call.name != exchange.resource) continue;
      call.serve(world, exchange);
      if (exchange.answer.body.empty() && call.method == "POST") exchange.answer.body = "{}\n";
      return Verdict::kAnswer;
    }
  } catch (const BadCall& bad) {
    return refuse(exchange, 400, bad.what());
  } catch (const BadMarker& bad) {
    return refuse(exchange, 400, bad.what());
  }
  return refuse(exchange, 404, "no such control call");
}

}  // namespace fake_twilio
