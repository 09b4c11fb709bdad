#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/twilio/status_callback.hpp"
#include "core/webhook/form.hpp"

namespace coach_sms {

// What Twilio says in a call to our webhook (Twilio docs, "Track the Message Status of Outbound
// Messages" and "Twilio's request to your incoming message Webhook URL"). Nothing but the message's
// SID and its status is promised: everything else may be empty. All text is clean in the sense of
// clean_text.

struct StatusCallback {
  std::string message_sid;
  std::string messaging_service_sid;
  std::string message_status;  // Twilio's word
  std::string error_code;      // digits; empty for 0
  std::string error_message;   // one line; where Twilio gives a code alone, its title in our table
  std::string to;
  std::string from;
  std::string raw_dlr_done_date;  // YYMMDDhhmm in a time zone nobody tells
};

struct InboundMessage {
  std::string message_sid;
  std::string messaging_service_sid;
  std::string from;
  std::string to;
  std::string body;
  std::string opt_out_type;  // STOP, START or HELP where Twilio recognised one, else empty
};

enum class WebhookKind {
  kStatus,
  kInbound,
  kOther,   // no SID, or neither a status nor a text: nothing to act on
  kUnsure,  // may be another cut of what Twilio signed (core/webhook/form_cut.hpp): not to act on
};

struct Webhook {
  WebhookKind kind = WebhookKind::kOther;
  std::string account_sid;
  StatusCallback status;   // filled for kStatus
  InboundMessage inbound;  // filled for kInbound
  std::string why_other;   // filled for kOther and kUnsure: half a sentence for the log
};

Webhook read_webhook(const FormParams& params);

// Twilio may call twice with the same news, and says itself to tell it by SID and status.
std::string dedupe_key(const StatusCallback& callback);
std::string dedupe_key(const InboundMessage& message);

// What status_callback_url wrote, or nothing. The last parameter of a name counts, since ours come
// last.
std::optional<CallbackTarget> read_callback_target(std::string_view url);

}  // namespace coach_sms
