#pragma once

#include <cstdint>
#include <string>

#include "core/http/http_message.hpp"
#include "core/twilio/outcome.hpp"
#include "core/twilio/twilio_message.hpp"

namespace coach_sms {

// What became of the message that a send_request carried.
//
//   never left                      retry, an attempt
//   never left, and none can        retry, no attempt, account_trouble: this server lacks its CA
//                                     bundle or the like
//   left, no answer                 unknown
//   2xx with a message SID          accepted; rejected if Twilio made it and it failed at once
//   2xx without                     unknown
//   429                             retry, no attempt, slow_down, Retry-After
//   401; 403, 404, or the code of   retry, no attempt, account_trouble: the rows are held for a
//     bad credentials or account      person to mend the account, not failed one by one; a 403 or
//                                     404 without a code is only guessed to be the account's
//   other 4xx but 408               by Twilio's code: rejected, or retry (rate_limited as 429)
//   408, 1xx, 3xx, 5xx              unknown, whatever the body says; a 503 asks to slow down too
//
// That only a 4xx (but 408) proves that nothing was queued is our reading; no page of Twilio's says
// so. A 429 was not processed (page "Error 20429"). now_epoch_s turns a Retry-After date into a
// duration; a Retry-After above 24 hours counts as 24 hours and one that is garbage as none.
Settlement settle(const HttpResult& result, std::int64_t now_epoch_s);

// What the answer to a list_request means for its account: refused credentials and a 429 hold it,
// as they do for a message. A list that cannot be read for another reason does not; the outcome is
// then kRetry.
Settlement settle_listing(const HttpResult& result, std::int64_t now_epoch_s);

// What a Message that Twilio has means for ours: accepted, or rejected if it failed. For answers to
// fetch_request and for the one match of a reconciliation.
Settlement settle_message(const ListedMessage& message);

// What the answer said of the message as a JSON object, for sms_attempts.response_payload. Empty
// where none came.
std::string response_payload_json(const HttpResult& result, const Settlement& settlement);

}  // namespace coach_sms
