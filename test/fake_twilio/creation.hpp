#pragma once

#include <optional>
#include <string>

#include "form.hpp"
#include "message.hpp"

namespace fake_twilio {

// Why Twilio would not make a message: the error's HTTP status, code (0: none) and title.
struct Refusal {
  int status;
  int code;
  const char* message;
};

// Twilio's checks on the parameters of a create, in the README's order. Fills `order` with views
// into the form (and into `odd`, where names that Twilio would ignore are put, by comma). With
// `magic` the rules of test credentials hold too.
std::optional<Refusal> read_order(const Form& form, bool magic, Order& order, std::string& odd);

}  // namespace fake_twilio
