#include "scenario.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "text.hpp"

namespace fake_twilio {

namespace {

constexpr std::string_view kOpening = "[fake:";

// Takes the next blank-separated word; a part of it in double quotes may hold blanks.
std::string take_word(std::string_view& rest) {
  std::string word;
  bool quoted = false;
  std::size_t i = rest.find_first_not_of(' ');
  if (i == std::string_view::npos) i = rest.size();
  for (; i < rest.size() && (quoted || rest[i] != ' '); ++i) {
    if (rest[i] == '"') {
      quoted = !quoted;
    } else {
      word += rest[i];
    }
  }
  rest.remove_prefix(i);
  return word;
}

[[noreturn]] void refuse(std::string_view word) {
  throw BadMarker("fake_twilio knows no fault '" + std::string(word) + "'");
}

long number_in(std::string_view name, std::string_view value, long at_most) {
  const auto number = parse_number(value);
  if (!number || *number > at_most) refuse(std::string(name) + "=" + std::string(value));
  return static_cast<long>(*number);
}

std::vector<Status> statuses_in(std::string_view list) {
  std::vector<Status> statuses;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const auto status = status_named(list.substr(0, comma));
    if (!status) refuse(list.substr(0, comma));
    statuses.push_back(*status);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return statuses;
}

// "date:5" is the HTTP date five seconds from now; anything else goes out as it is.
std::string retry_after_of(std::string_view value) {
  if (value.substr(0, 5) != "date:") return std::string(value);
  return http_date(Clock::now() + number_in("date", value.substr(5), 1'000'000) * kSecond);
}

struct Switch {
  std::string_view name;
  bool Scenario::*flag;
};
constexpr Switch kSwitches[] = {
    {"reset-before", &Scenario::reset_before},
    {"reset-after", &Scenario::reset_after},
    {"stall-before", &Scenario::stall_before},
    {"stall", &Scenario::stall},
    {"html", &Scenario::html},
    {"accept-html", &Scenario::accept_html},
    {"empty", &Scenario::empty},
    {"cut", &Scenario::cut},
    {"cut-wire", &Scenario::cut_wire},
    {"callback-before-response", &Scenario::callback_before_response},
    {"callback-twice", &Scenario::callback_twice},
    {"no-callback", &Scenario::no_callback},
};

struct Amount {
  std::string_view name;
  long Scenario::*value;
};
constexpr Amount kAmounts[] = {
    {"delay", &Scenario::delay_ms}, {"accept-then-delay", &Scenario::accept_then_delay_ms},
    {"drip", &Scenario::drip_ms},   {"callback-delay", &Scenario::callback_delay_ms},
    {"times", &Scenario::times},    {"huge", &Scenario::huge},
};

struct Code {
  std::string_view name;
  int Scenario::*value;
};
constexpr Code kCodes[] = {
    {"status", &Scenario::status},
    {"accept-status", &Scenario::accept_status},
    {"code", &Scenario::code},
    {"undelivered", &Scenario::undelivered_code},
};

bool add_switch(Scenario& scenario, std::string_view name) {
  for (const Switch& known : kSwitches) {
    if (known.name == name) return scenario.*known.flag = true;
  }
  return false;
}

bool add_number(Scenario& scenario, std::string_view name, std::string_view value) {
  for (const Amount& known : kAmounts) {
    if (known.name != name) continue;
    scenario.*known.value = number_in(name, value, 100'000'000);
    return true;
  }
  for (const Code& known : kCodes) {
    if (known.name != name) continue;
    scenario.*known.value = static_cast<int>(number_in(name, value, 99'999));
    return true;
  }
  return false;
}

bool add_text(Scenario& scenario, std::string_view name, std::string_view value) {
  if (name == "retry-after") {
    scenario.retry_after = retry_after_of(value);
  } else if (name == "redirect") {
    scenario.redirect = value;
  } else if (name == "to-as") {
    scenario.to_as = value;
  } else if (name == "callback" || name == "callback-order") {
    scenario.callbacks = statuses_in(value);
  } else {
    return false;
  }
  return true;
}

// All that stands between "[fake:" and "]" in a body, joined by blanks.
std::string markers_in(std::string_view body) {
  std::string markers;
  for (std::size_t at = body.find(kOpening); at != std::string_view::npos;) {
    const std::size_t begin = at + kOpening.size();
    const std::size_t end = std::min(body.find(']', begin), body.size());
    markers.append(body, begin, end - begin).append(" ");
    at = body.find(kOpening, end);
  }
  return markers;
}

}  // namespace

void add_words(Scenario& scenario, std::string_view marker) {
  while (true) {
    const std::string word = take_word(marker);
    if (word.empty()) return;
    const std::size_t equals = word.find('=');
    const std::string_view name = std::string_view(word).substr(0, equals);
    const bool known =
        equals == std::string::npos
            ? add_switch(scenario, name)
            : add_number(scenario, name, std::string_view(word).substr(equals + 1)) ||
                  add_text(scenario, name, std::string_view(word).substr(equals + 1));
    if (!known) refuse(word);
  }
}

void Scenarios::set_default(std::string_view marker) {
  Scenario parsed;
  add_words(parsed, marker);
  const std::lock_guard lock(mutex_);
  default_ = marker;
  parsed_default_ = std::move(parsed);
  any_set_ = !default_.empty() || !by_number_.empty();
}

void Scenarios::set_for_number(std::string_view to, std::string_view marker) {
  Scenario parsed;
  add_words(parsed, marker);
  const std::lock_guard lock(mutex_);
  if (marker.empty()) {
    by_number_.erase(std::string(to));
  } else {
    by_number_[std::string(to)] = marker;
  }
  any_set_ = !default_.empty() || !by_number_.empty();
}

void Scenarios::set_for_lists(std::string_view marker) {
  Scenario parsed;
  add_words(parsed, marker);
  const std::lock_guard lock(mutex_);
  lists_ = marker;
}

void Scenarios::forget_all() {
  const std::lock_guard lock(mutex_);
  default_.clear();
  lists_.clear();
  parsed_default_ = {};
  by_number_.clear();
  uses_.clear();
  any_set_ = false;
}

void Scenarios::add_layer(Scenario& scenario, std::string_view to, std::string_view marker) {
  Scenario alone;
  add_words(alone, marker);
  if (alone.times != 0) {
    std::string key(to);
    key.append(" ").append(marker);
    if (++uses_[key] > alone.times) return;
  }
  add_words(scenario, marker);
}

void Scenarios::resolve(std::string_view to, std::string_view body, Scenario& scenario) {
  const bool marked = body.find(kOpening) != std::string_view::npos;
  const bool set = any_set_.load(std::memory_order_acquire);
  scenario = {};
  if (!marked && !set) return;
  const std::lock_guard lock(mutex_);
  if (parsed_default_.times != 0) {
    add_layer(scenario, to, default_);
  } else {
    scenario = parsed_default_;  // parsed once: a benchmark's delay applies to every request
  }
  const auto attached = by_number_.find(std::string(to));
  if (attached != by_number_.end()) add_layer(scenario, to, attached->second);
  if (marked) add_layer(scenario, to, markers_in(body));
}

void Scenarios::resolve_list(std::string_view to, Scenario& scenario) {
  scenario = {};
  const std::lock_guard lock(mutex_);
  if (!lists_.empty()) add_layer(scenario, to, lists_);
}

}  // namespace fake_twilio
