#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/webhook/form.hpp"

namespace coach_sms {

// X-Twilio-Signature is the base64 of an HMAC-SHA1, keyed with the account's auth token, over the
// URL and the decoded form parameters (Twilio docs, "Webhooks Security"). No time is signed, so a
// caught request can be replayed: act on each request only once.
//
// A failure of OpenSSL throws kInternal.

// Returns the signature that Twilio sends with a form POST of these params to this URL; a fragment
// is left out.
std::string sign(std::string_view auth_token, std::string_view url, const FormParams& params);

// Returns whether the text can be a signature at all: base64 of 20 bytes.
bool is_signature(std::string_view text);

// Returns whether a shared key made the signature in place of the token (Twilio docs, "Sign
// webhooks with shared keys"). It is then base64 of the 32 bytes of an HMAC-SHA256, or in its place
// the header that says so, such as "X-Twilio-Webhooks-Signature-Settings:
// key=...,algorithm=HMAC_SHA256".
bool is_shared_key_signature(std::string_view text);

// Returns the texts that may have been signed: at most six for a URL, none where the URL or the
// body cannot be the signed one. This and is_signed_with() are the steps of validate_signature(),
// for callers with several tokens to try.
std::vector<std::string> signable_texts(std::string_view url, std::string_view body,
                                        std::string_view content_type);
// Returns whether the token gives this signature for one of the texts.
bool is_signed_with(std::string_view auth_token, const std::vector<std::string>& texts,
                    std::string_view signature);

// Returns whether Twilio signed this request. `url` is the public one, as Twilio called it; with a
// fragment the answer is false (without_fragment() cuts it off). `body` is raw. `content_type` is
// the request's. For application/json, the URL's bodySHA256 must be the hash of the body. Any other
// type, empty included, is a form.
//
// A bad argument of any kind, an empty token included, gives false and no error. The comparison
// takes constant time. At most six HMACs are made, and none for a signature of the wrong length, a
// URL above kMaxUrlSize or a body above FormLimits.
bool validate_signature(std::string_view auth_token, std::string_view url, std::string_view body,
                        std::string_view signature, std::string_view content_type);

}  // namespace coach_sms
