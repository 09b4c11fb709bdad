#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/webhook/form.hpp"

namespace coach_sms {

// X-Twilio-Signature: base64 of an HMAC-SHA1, keyed with the account's auth token, over the URL and
// the decoded form parameters (Twilio docs, "Webhooks Security"). No time is signed, so a caught
// request can be replayed: whoever acts on one must do so only once.

// What Twilio sends with a form POST of these params to this URL; a fragment is left out.
std::string sign(std::string_view auth_token, std::string_view url, const FormParams& params);

// Whether the text can be a signature at all: base64 of 20 bytes.
bool is_signature(std::string_view text);

// Whether a shared key made it in place of the token (Twilio docs, "Sign webhooks with shared
// keys"): base64 of the 32 bytes of an HMAC-SHA256, or in its place the header that says so, as
// "X-Twilio-Webhooks-Signature-Settings: key=...,algorithm=HMAC_SHA256".
bool is_shared_key_signature(std::string_view text);

// The steps of validate_signature, for whoever has several tokens to try: the texts that may have
// been signed (at most six for a URL; none where it cannot be), and whether one of them was.
std::vector<std::string> signable_texts(std::string_view url, std::string_view body,
                                        std::string_view content_type);
bool is_signed_with(std::string_view auth_token, const std::vector<std::string>& texts,
                    std::string_view signature);

// Whether Twilio signed this request. The URL is the public one, as Twilio called it (cut a
// fragment off with without_fragment; with one the answer is false). The body is raw; content_type
// is that of the request: for application/json the hash of the body in the URL's bodySHA256 counts,
// all else (empty included) is a form. A bad argument of any kind, an empty token included, is
// false and never an error. The comparison takes constant time; at most six HMACs are made, and
// none at all for a signature of the wrong length, a URL above kMaxUrlSize or a body above
// FormLimits.
bool validate_signature(std::string_view auth_token, std::string_view url, std::string_view body,
                        std::string_view signature, std::string_view content_type);

}  // namespace coach_sms
