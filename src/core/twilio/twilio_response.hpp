#pragma once

#include <cstdint>
#include <string>

#include "core/http/http_message.hpp"
#include "core/twilio/outcome.hpp"
#include "core/twilio/twilio_message.hpp"

namespace coach_sms {

// Returns the outcome of a send_request for its message.
//
//   never left                      retry, an attempt
//   never left, and none can        retry, no attempt, account_trouble: this server lacks its CA
//                                     bundle or the like
//   left, no answer                 unknown
//   2xx with a message SID          accepted; rejected if Twilio made it and it failed at once
//   2xx without                     unknown
//   429                             retry, no attempt, slow_down, Retry-After
//   401; 403, 404, or the code of   retry, no attempt, account_trouble: the messages are held until
//     bad credentials or account      a person corrects the account, and do not fail one by one; a
//                                     403 or 404 without a code is only guessed to be the account's
//   other 4xx but 408               by Twilio's code: rejected, or retry (rate_limited as 429)
//   408, 1xx, 3xx, 5xx              unknown, whatever the body says; a 503 asks to slow down too
//
// It is our reading that only a 4xx (but 408) proves that nothing was queued; no page of Twilio's
// says so. Twilio did not process a request that it answers with 429 (page "Error 20429").
// now_epoch_s (seconds since 1970) turns a Retry-After date into a duration. A Retry-After above 24
// hours counts as 24 hours, a malformed one as none.
Settlement settle(const HttpResult& result, std::int64_t now_epoch_s);

// Returns the meaning of a list_request's answer for its account: kAccepted for a 200, else kRetry.
// Refused credentials and a 429 hold the account, as they do for a message. A list that cannot be
// read for another reason does not.
Settlement settle_listing(const HttpResult& result, std::int64_t now_epoch_s);

// Returns the outcome of a message of which Twilio has a Message: accepted, or rejected if it
// failed. Use it for answers to a send or to fetch_request, and for the one match of a list search.
Settlement settle_message(const ListedMessage& message);

// Returns the answer's SID, status, code, message and request id as a JSON object, for
// sms_attempts.response_payload. Empty where no answer came.
std::string response_payload_json(const HttpResult& result, const Settlement& settlement);

}  // namespace coach_sms
