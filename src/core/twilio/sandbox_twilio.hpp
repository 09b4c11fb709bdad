#pragma once

#include <string_view>

#include "core/http/http_message.hpp"
#include "core/twilio/twilio_request.hpp"

namespace coach_sms {

// What Twilio would answer to this message, made up in-process and read by the same settle(): a new
// database is in sandbox and needs no account and no network. The magic numbers are those of
// Twilio's page "Test Credentials" and give their errors; everything else is accepted. sid_seed is
// the sid's 32 hex digits, random ones from the caller; anything else is Error kInvalidArgument.
HttpResult sandbox_answer(const OutgoingMessage& message, std::string_view sid_seed);

}  // namespace coach_sms
