#pragma once

#include <string_view>

#include "core/http/http_message.hpp"
#include "core/twilio/twilio_request.hpp"

namespace coach_sms {

// Returns the answer that Twilio would give to this message, made up in this process. settle()
// reads it like Twilio's, so a database in sandbox needs no account and no network. The magic
// numbers of Twilio's page "Test Credentials" give their errors; every other message is accepted.
// sid_seed holds the SID's 32 hex digits, which differ for each attempt; any other seed throws
// kInvalidArgument.
HttpResult sandbox_answer(const OutgoingMessage& message, std::string_view sid_seed);

}  // namespace coach_sms
