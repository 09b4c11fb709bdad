#include "scenario.hpp"

#include <algorithm>
#include <cstddef>

namespace fake_twilio {

namespace {

constexpr std::string_view kOpening = "[fake:";

[[noreturn]] void refuse(std::string_view word) {
  throw BadMarker("fake_twilio knows no fault '" + std::string(word) + "'");
}

// Takes the next blank-separated word; a part of it in double quotes may hold blanks.
std::string take_word(std::string_view& rest) {
  std::string word;
  bool quoted = false;
  std::size_t i = std::min(rest.find_first_not_of(' '), rest.size());
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

std::vector<Status> statuses_in(std::string_view list) {
  std::vector<Status> statuses;
  while (!list.empty()) {
    const std::string_view name = list.substr(0, list.find(','));
    const auto status = status_named(name);
    if (!status) refuse(name);
    statuses.push_back(*status);
    list.remove_prefix(std::min(name.size() + 1, list.size()));
  }
  return statuses;
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
    {"delay", &Scenario::delay_ms},
    {"accept-then-delay", &Scenario::accept_then_delay_ms},
    {"drip", &Scenario::drip_ms},
    {"times", &Scenario::times},
    {"huge", &Scenario::huge},
    {"status", &Scenario::status},
    {"code", &Scenario::code},
    {"accept-status", &Scenario::accept_status},
    {"undelivered", &Scenario::undelivered_code},
};

void add_switch(Scenario& scenario, std::string_view name) {
  for (const Switch& known : kSwitches) {
    if (known.name == name) return void(scenario.*known.flag = true);
  }
  refuse(name);
}

void add_amount(Scenario& scenario, std::string_view word, std::string_view name,
                std::string_view value) {
  const auto number = parse_number(value);
  for (const Amount& known : kAmounts) {
    if (known.name == name && number && *number <= 100'000'000)
      return void(scenario.*known.value = *number);
  }
  refuse(word);
}

// Returns the HTTP date S seconds from now for "date:S"; anything else goes out as it is.
std::string retry_after_of(const std::string& value) {
  if (!value.starts_with("date:")) return value;
  const auto seconds = parse_number(std::string_view(value).substr(5));
  if (!seconds) refuse("retry-after=" + value);
  return date(now() + *seconds * kSecond, "GMT");
}

// Adds the words of `marker` ("delay=50 status=503") to a scenario.
void add_words(Scenario& scenario, std::string_view marker) {
  for (std::string word = take_word(marker); !word.empty(); word = take_word(marker)) {
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
    if (equals == std::string::npos) {
      add_switch(scenario, name);
    } else if (name == "retry-after") {
      scenario.retry_after = retry_after_of(value);
    } else if (name == "redirect") {
      scenario.redirect = value;
    } else if (name == "to-as") {
      scenario.to_as = value;
    } else if (name == "callback") {
      scenario.callbacks = statuses_in(value);
    } else {
      add_amount(scenario, word, name, value);
    }
  }
}

void check(std::string_view marker) {
  Scenario ignored;
  add_words(ignored, marker);
}

// Returns all that stands between "[fake:" and "]" in a body, joined by blanks.
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

void Scenarios::set_default(std::string_view marker) {
  check(marker);
  const std::lock_guard lock(mutex_);
  default_ = marker;
}

void Scenarios::set_for_lists(std::string_view marker) {
  check(marker);
  const std::lock_guard lock(mutex_);
  lists_ = marker;
}

void Scenarios::set_for_number(std::string_view to, std::string_view marker) {
  check(marker);
  const std::lock_guard lock(mutex_);
  by_number_[std::string(to)] = marker;
}

void Scenarios::forget_all() {
  const std::lock_guard lock(mutex_);
  default_.clear();
  lists_.clear();
  by_number_.clear();
  uses_.clear();
}

void Scenarios::add_layer(Scenario& scenario, std::string_view to, const std::string& marker) {
  if (marker.empty()) return;
  Scenario alone;
  add_words(alone, marker);
  if (alone.times != 0 && ++uses_[std::string(to) + " " + marker] > alone.times) return;
  add_words(scenario, marker);
}

Scenario Scenarios::of_create(std::string_view to, std::string_view body) {
  const std::lock_guard lock(mutex_);
  Scenario scenario;
  add_layer(scenario, to, default_);
  const auto attached = by_number_.find(to);
  if (attached != by_number_.end()) add_layer(scenario, to, attached->second);
  if (body.find(kOpening) != std::string_view::npos) add_layer(scenario, to, markers_in(body));
  return scenario;
}

Scenario Scenarios::of_list(std::string_view to) {
  const std::lock_guard lock(mutex_);
  Scenario scenario;
  add_layer(scenario, to, lists_);
  return scenario;
}

}  // namespace fake_twilio
