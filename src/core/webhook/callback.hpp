#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/twilio/status_callback.hpp"
#include "core/webhook/form.hpp"

namespace coach_sms {

// The contents of Twilio's calls to our webhook (Twilio docs, "Track the Message Status of Outbound
// Messages" and "Twilio's request to your incoming message Webhook URL"). Twilio promises the
// message's SID and its status only: every other field may be empty. All text is clean in the sense
// of clean_text.

struct StatusCallback {
  std::string message_sid;
  std::string messaging_service_sid;
  std::string message_status;  // Twilio's word
  std::string error_code;      // digits; empty for 0
  std::string error_message;   // one line; for a code without a text, its title in our table
  std::string to;
  std::string from;
  std::string raw_dlr_done_date;  // YYMMDDhhmm; Twilio does not document the time zone
};

struct InboundMessage {
  std::string message_sid;
  std::string messaging_service_sid;
  std::string from;
  std::string to;
  std::string body;
  std::string opt_out_type;  // Twilio's verdict: STOP, START, HELP or empty
};

enum class WebhookKind {
  kStatus,
  kInbound,
  kOther,   // no SID, or neither a status nor a text: we do not act on it
  kUnsure,  // may be another cut of the signed text (form_cut.hpp): we do not act on it
};

struct Webhook {
  WebhookKind kind = WebhookKind::kOther;
  std::string account_sid;
  StatusCallback status;   // filled for kStatus
  InboundMessage inbound;  // filled for kInbound
  std::string why_other;   // filled for kOther and kUnsure: half a sentence for the log
};

// Returns the kind and content of a call. It does not check the signature.
Webhook read_webhook(const FormParams& params);

// Returns the key of a call; a repeated call has the same key. Twilio may report the same event
// twice, and says itself to compare SID and status.
std::string dedupe_key(const StatusCallback& callback);
std::string dedupe_key(const InboundMessage& message);

// Returns the target that status_callback_url() wrote into the URL, or nullopt. The last parameter
// of a name counts, because ours come last.
std::optional<CallbackTarget> read_callback_target(std::string_view url);

}  // namespace coach_sms
