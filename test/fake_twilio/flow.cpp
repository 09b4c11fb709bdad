#include "flow.hpp"

#include <chrono>

#include "answers.hpp"
#include "control.hpp"
#include "resources.hpp"
#include "text.hpp"

namespace fake_twilio {

namespace {

constexpr std::string_view kAccounts = "/2010-04-01/Accounts/";
constexpr std::string_view kControl = "/control/";
constexpr std::string_view kFormType = "application/x-www-form-urlencoded";

bool starts_with(std::string_view text, std::string_view beginning) {
  return text.substr(0, beginning.size()) == beginning;
}

SteadyTime in_ms(long ms) {
  return std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
}

Kind kind_of(std::string_view method, std::string_view resource) {
  const bool get = method == "GET";
  const bool post = method == "POST";
  if (resource == "Messages.json") return get ? Kind::kList : post ? Kind::kCreate : Kind::kUnknown;
  if (!starts_with(resource, "Messages/")) return Kind::kUnknown;
  return get                  ? Kind::kFetch
         : post               ? Kind::kUpdate
         : method == "DELETE" ? Kind::kDelete
                              : Kind::kUnknown;
}

void route(Exchange& exchange) {
  exchange.account = exchange.resource = {};
  if (starts_with(exchange.url, kControl)) {
    exchange.kind = Kind::kControl;
    exchange.resource = exchange.url.substr(kControl.size());
    return;
  }
  exchange.kind = Kind::kUnknown;
  if (!starts_with(exchange.url, kAccounts)) return;
  const std::string_view rest = exchange.url.substr(kAccounts.size());
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return;
  exchange.account = rest.substr(0, slash);
  exchange.resource = rest.substr(slash + 1);
  exchange.kind = kind_of(exchange.method, exchange.resource);
}

}  // namespace

void Flow::open(Exchange& exchange) {
  exchange.received = Clock::now();
  exchange.stage = Stage::kArrived;
  exchange.wake = Wake::kNone;
  exchange.journey_waits = exchange.drip_due = false;
  exchange.message = exchange.request = 0;
  exchange.body.clear();
  exchange.form.clear();
  exchange.query.clear();
  exchange.answer.body.clear();
  exchange.answer.retry_after.clear();
  exchange.answer.location.clear();
  exchange.answer.content_type = "application/json";
  exchange.answer.drip_ms = 0;
  exchange.answer.cut_wire = false;
  route(exchange);
  if (exchange.kind == Kind::kControl) return;
  exchange.request = world_.requests.arrive(exchange);
  exchange.counted_open = exchange.kind == Kind::kCreate;
  world_.counters.add(Counter::kRequests);
  if (exchange.counted_open) world_.counters.add(Counter::kOpen);
}

void Flow::close(Exchange& exchange, bool answered) {
  if (exchange.kind == Kind::kControl) return;
  world_.requests.end(exchange.request, answered);
  if (exchange.counted_open) world_.counters.add(Counter::kOpen, -1);
  exchange.counted_open = false;
  if (exchange.journey_waits) {
    world_.callbacks.begin_journey(exchange.message, exchange.scenario, 0);
  }
}

Verdict Flow::step(Exchange& exchange) {
  const bool hopeless = exchange.wake == Wake::kClientLeft || exchange.wake == Wake::kStopping;
  if (hopeless) return Verdict::kClose;
  switch (exchange.stage) {
    case Stage::kArrived:
      return arrived(exchange);
    case Stage::kComposing:
      return composing(exchange);
    case Stage::kHolding:
      return holding(exchange);
    case Stage::kAnswering:
      return Verdict::kAnswer;
  }
  return Verdict::kClose;
}

// False if the request itself asks for nonsense; then the answer says so.
bool Flow::read_request(Exchange& exchange) {
  try {
    if (exchange.kind == Kind::kList) {
      world_.scenarios.resolve_list(exchange.query.get("To"), exchange.scenario);
      return true;
    }
    if (starts_with(exchange.header("Content-Type"), kFormType)) exchange.form.parse(exchange.body);
    exchange.scenario = {};
    if (exchange.kind == Kind::kCreate) {
      world_.scenarios.resolve(exchange.form.get("To"), exchange.form.get("Body"),
                               exchange.scenario);
    }
    return true;
  } catch (const BadMarker& bad) {
    answer_error(exchange.answer, {400, 0, bad.what()});
    world_.requests.settle(exchange, Outcome::kRefused, 0, exchange.form.get("To"));
    return false;
  }
}

Verdict Flow::arrived(Exchange& exchange) {
  exchange.stage = Stage::kComposing;
  if (exchange.kind == Kind::kControl) {
    exchange.form.parse(exchange.body);
    exchange.stage = Stage::kAnswering;
    return control(world_, exchange);
  }
  if (!read_request(exchange)) return Verdict::kAnswer;
  const Scenario& scenario = exchange.scenario;
  const std::string_view to = exchange.form.get("To");
  if (scenario.reset_before) {
    exchange.answer.status = 0;
    world_.requests.settle(exchange, Outcome::kResetBefore, 0, to);
    return Verdict::kReset;
  }
  if (scenario.stall_before) {
    exchange.answer.status = 0;
    world_.requests.settle(exchange, Outcome::kStalledBefore, 0, to);
    world_.parking.park_stalled(exchange);
    return Verdict::kParked;
  }
  if (scenario.delay_ms != 0) {
    world_.parking.park_until(exchange, in_ms(scenario.delay_ms));
    return Verdict::kParked;
  }
  return composing(exchange);
}

// Whether the client of an accepted message learns of it late or never: then its callbacks do not
// wait for the answer.
bool Flow::lost_or_late(const Scenario& scenario) const {
  return scenario.reset_after || scenario.stall || scenario.accept_then_delay_ms != 0;
}

Verdict Flow::composing(Exchange& exchange) {
  exchange.stage = Stage::kHolding;
  const Scenario& scenario = exchange.scenario;
  if (scenario.denies()) {
    answer_fault(exchange.answer, scenario);
    world_.requests.settle(exchange, Outcome::kFaulted, scenario.code, exchange.form.get("To"));
  } else if (!world_.accounts.opens(exchange.header("Authorization"), exchange.account)) {
    answer_error(exchange.answer, {401, 20003, "Authenticate"});
    world_.requests.settle(exchange, Outcome::kRefused, 20003, exchange.form.get("To"));
  } else if (exchange.kind == Kind::kCreate) {
    if (!compose_create(exchange)) return Verdict::kAnswer;
    if (exchange.message != 0 && scenario.callback_before_response) {
      const std::uint64_t ticket = world_.parking.park_watched(exchange, {});
      if (!world_.callbacks.begin_journey(exchange.message, scenario, ticket)) {
        world_.parking.release(ticket);
      }
      return Verdict::kParked;
    }
    exchange.journey_waits = !lost_or_late(scenario);
    if (!exchange.journey_waits) {
      world_.callbacks.begin_journey(exchange.message, scenario, 0);
    }
  } else {
    const Refusal refusal = serve(world_, exchange);
    if (refusal.status >= 400) answer_error(exchange.answer, refusal);
    world_.requests.settle(exchange, Outcome::kServed, refusal.code, exchange.query.get("To"));
  }
  return holding(exchange);
}

// True if a message was made.
bool Flow::compose_create(Exchange& exchange) {
  Order order;
  std::string odd;
  if (const auto refusal = read_order(exchange.form, world_.options.magic, order, odd)) {
    answer_error(exchange.answer, *refusal);
    world_.requests.settle(exchange, Outcome::kRefused, refusal->code, order.to);
    return false;
  }
  if (world_.options.opt_outs && world_.opt_outs.blocks(order)) {
    answer_error(exchange.answer, {400, 21610, "Attempt to send to unsubscribed recipient"});
    world_.requests.settle(exchange, Outcome::kRefused, 21610, order.to);
    return false;
  }
  if (!exchange.scenario.to_as.empty()) order.to = exchange.scenario.to_as;
  accept(exchange, order);
  return true;
}

void Flow::accept(Exchange& exchange, const Order& order) {
  Message draft;
  draft.order = order;
  draft.account = exchange.account;
  draft.request = exchange.request;
  draft.connection = exchange.connection_id;
  draft.received = exchange.received;
  draft.created = draft.updated = world_.clock.twilio_now();
  draft.segments = count_segments(order.body);
  draft.status = order.scheduled         ? Status::kScheduled
                 : order.service.empty() ? Status::kQueued
                                         : Status::kAccepted;
  const Message message = world_.ledger.accept(draft);
  exchange.message = message.number;
  exchange.answer.status = 201;
  append_resource(exchange.answer.body, message, world_.mint);
  world_.requests.settle(exchange, Outcome::kAccepted, 0, order.to);
  world_.counters.add(Counter::kAccepted);
}

Verdict Flow::holding(Exchange& exchange) {
  exchange.stage = Stage::kAnswering;
  const Scenario& scenario = exchange.scenario;
  spoil(exchange.answer, scenario);
  if (scenario.reset_after) return Verdict::kReset;
  if (scenario.stall) {
    world_.parking.park_stalled(exchange);
    return Verdict::kParked;
  }
  if (scenario.accept_then_delay_ms != 0) {
    world_.parking.park_until(exchange, in_ms(scenario.accept_then_delay_ms));
    return Verdict::kParked;
  }
  return Verdict::kAnswer;
}

}  // namespace fake_twilio
