#include "request.hpp"

#include <algorithm>

namespace fake_twilio {

namespace {

constexpr std::string_view kAccounts = "/2010-04-01/Accounts/";
constexpr std::string_view kControl = "/control/";
constexpr long kLongestJourneyMs = 60'000;
constexpr std::string_view kFormType = "application/x-www-form-urlencoded";

Kind kind_of(std::string_view method, std::string_view resource) {
  const bool get = method == "GET";
  if (resource == "Messages.json" && get) return Kind::kList;
  if (resource == "Messages.json" && method == "POST") return Kind::kCreate;
  if (resource.starts_with("Messages/") && get) return Kind::kFetch;
  return Kind::kUnknown;
}

void read_path(Request& request) {
  const std::string_view path = request.path;
  if (path.starts_with(kControl)) {
    request.row.kind = Kind::kControl;
    request.resource = path.substr(kControl.size());
  } else if (path.starts_with(kAccounts)) {
    const std::string_view rest = path.substr(kAccounts.size());
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    request.account = rest.substr(0, slash);
    request.resource = rest.substr(std::min(slash + 1, rest.size()));
    request.row.kind = kind_of(request.method, request.resource);
  }
}

void settle(World& world, Request& request, Outcome outcome, int code) {
  request.row.outcome = outcome;
  request.row.code = code;
  request.row.status = request.answer.status;
  world.records.settle(request.row);
}

void refuse(World& world, Request& request, const Refusal& refusal) {
  answer_error(request.answer, refusal);
  settle(world, request, Outcome::kRefused, refusal.code);
}

// Reads To and the faults asked for. Throws BadMarker.
void read_scenario(World& world, Request& request) {
  if (request.content_type.starts_with(kFormType)) request.form.parse(request.body);
  const bool create = request.row.kind == Kind::kCreate;
  request.row.to = (create ? request.form : request.query).get("To");
  if (create) {
    request.scenario = world.scenarios.of_create(request.row.to, request.form.get("Body"));
  } else if (request.row.kind == Kind::kList) {
    request.scenario = world.scenarios.of_list(request.row.to);
  }
}

// What happens before anybody looks at the request. Without a verdict it goes on.
std::optional<Verdict> meet_faults(World& world, Request& request) {
  const Scenario& scenario = request.scenario;
  if (scenario.reset_before || scenario.stall_before) {
    request.answer.status = 0;
    settle(world, request, scenario.reset_before ? Outcome::kResetBefore : Outcome::kStalledBefore,
           0);
    if (scenario.reset_before) return Verdict::kReset;
    if (!world.pauses.stall(request.socket)) return Verdict::kClose;
    request.answer.status = 200;
  }
  if (!world.pauses.hold(scenario.delay_ms)) return Verdict::kClose;
  return {};
}

// Callbacks begin at once if the client learns of its message late or never, else with the
// answer's end. With callback-before-response the answer waits for all of them.
void begin_journey(World& world, Request& request) {
  const Scenario& scenario = request.scenario;
  request.journey_waits = !scenario.callback_before_response && !scenario.lost_or_late();
  if (request.journey_waits) return;
  world.callbacks.begin_journey(request.row.message, scenario);
  if (!scenario.callback_before_response) return;
  world.pauses.hold_until([&] { return !world.callbacks.is_travelling(request.row.message); },
                          kLongestJourneyMs);
}

// Twilio's answer, or the one in its place. False if a create is refused.
bool compose(World& world, Request& request) {
  const bool creates = request.row.kind == Kind::kCreate;
  if (request.scenario.denies()) {
    answer_fault(request.answer, request.scenario);
    settle(world, request, Outcome::kFaulted, static_cast<int>(request.scenario.code));
  } else if (!world.options.opens(request.authorization, request.account)) {
    refuse(world, request, {401, 20003, "Authenticate"});
  } else if (!creates) {
    const auto refusal = serve_read(world, request);
    if (refusal) answer_error(request.answer, *refusal);
    settle(world, request, Outcome::kServed, refusal ? refusal->code : 0);
  } else if (const auto refusal = serve_create(world, request)) {
    refuse(world, request, *refusal);
    return false;
  } else {
    settle(world, request, Outcome::kAccepted, 0);
    begin_journey(world, request);
  }
  return true;
}

Verdict hold(World& world, Request& request) {
  const Scenario& scenario = request.scenario;
  if (scenario.reset_after) return Verdict::kReset;
  const bool goes_on = scenario.stall ? world.pauses.stall(request.socket)
                                      : world.pauses.hold(scenario.accept_then_delay_ms);
  return goes_on ? Verdict::kAnswer : Verdict::kClose;
}

}  // namespace

void begin(World& world, Request& request) {
  request.row.received = now();
  read_path(request);
  if (request.row.kind == Kind::kControl) return;
  request.row.number = world.records.request_arrived(request.row);
}

Verdict serve(World& world, Request& request) {
  if (request.row.kind == Kind::kControl) {
    request.form.parse(request.body);
    serve_control(world, request);
    return Verdict::kAnswer;
  }
  try {
    read_scenario(world, request);
  } catch (const BadMarker& bad) {
    refuse(world, request, {400, 0, bad.what()});
    return Verdict::kAnswer;
  }
  if (const auto verdict = meet_faults(world, request)) return *verdict;
  if (!compose(world, request)) return Verdict::kAnswer;
  spoil(request.answer, request.scenario);
  return hold(world, request);
}

void end(World& world, Request& request, bool answered) {
  if (request.row.kind == Kind::kControl) return;
  world.records.request_ended(request.row, answered);
  if (request.journey_waits) world.callbacks.begin_journey(request.row.message, request.scenario);
}

}  // namespace fake_twilio
