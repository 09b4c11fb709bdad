#include "pg/tables/definitions.hpp"

namespace coach_sms {

namespace {

constexpr bool kInternal = true;
constexpr bool kPublic = false;

}  // namespace

TableDefinition messages::table{kPublic,
                                "sms_messages",
                                {{"id", UUIDOID},
                                 {"org_id", UUIDOID},
                                 {"client_id", UUIDOID},
                                 {"to_phone", TEXTOID},
                                 {"from_phone", TEXTOID},
                                 {"template_id", UUIDOID},
                                 {"template_key", TEXTOID},
                                 {"body", TEXTOID},
                                 {"variables", JSONBOID},
                                 {"related_entity_type", TEXTOID},
                                 {"related_entity_id", UUIDOID},
                                 {"status", TEXTOID},
                                 {"scheduled_for", TIMESTAMPTZOID},
                                 {"sent_at", TIMESTAMPTZOID},
                                 {"delivered_at", TIMESTAMPTZOID},
                                 {"failed_at", TIMESTAMPTZOID},
                                 {"idempotency_key", TEXTOID},
                                 {"error_code", TEXTOID},
                                 {"error_message", TEXTOID},
                                 {"metadata", JSONBOID},
                                 {"created_at", TIMESTAMPTZOID},
                                 {"updated_at", TIMESTAMPTZOID},
                                 {"provider_message_id", TEXTOID},
                                 {"segments", INT4OID},
                                 {"encoding", TEXTOID},
                                 {"priority", INT2OID},
                                 {"expires_at", TIMESTAMPTZOID},
                                 {"attempt_count", INT4OID},
                                 {"sandbox", BOOLOID},
                                 {"payload_hash", BYTEAOID}}};

bool messages::is_waiting(const Row& message) {
  return message.text_is(kStatus, "pending") || message.text_is(kStatus, "queued");
}

bool messages::is_in_flight(const Row& message) {
  return message.text_is(kStatus, "sending") || message.text_is(kStatus, "unknown");
}

TableDefinition queue::table{kInternal,
                             "sms_queue",
                             {{"message_id", UUIDOID},
                              {"org_id", UUIDOID},
                              {"zone", TEXTOID},
                              {"priority", INT2OID},
                              {"failures", INT2OID},
                              {"due_at", TIMESTAMPTZOID},
                              {"expires_at", TIMESTAMPTZOID},
                              {"held_for", TEXTOID}}};

TableDefinition in_flight::table{kInternal,
                                 "sms_in_flight",
                                 {{"message_id", UUIDOID},
                                  {"org_id", UUIDOID},
                                  {"fence", INT8OID},
                                  {"state", TEXTOID},
                                  {"attempt_number", INT4OID},
                                  {"failures", INT2OID},
                                  {"priority", INT2OID},
                                  {"claimed_at", TIMESTAMPTZOID},
                                  {"lease_until", TIMESTAMPTZOID},
                                  {"account_sid", TEXTOID},
                                  {"client_key", TEXTOID},
                                  {"segments", INT4OID},
                                  {"settlement", JSONBOID},
                                  {"next_look_at", TIMESTAMPTZOID}}};

TableDefinition events::table{kPublic,
                              "sms_events",
                              {{"id", UUIDOID},
                               {"message_id", UUIDOID},
                               {"org_id", UUIDOID},
                               {"provider", TEXTOID},
                               {"provider_message_id", TEXTOID},
                               {"event_type", TEXTOID},
                               {"event_status", TEXTOID},
                               {"error_code", TEXTOID},
                               {"error_message", TEXTOID},
                               {"event_payload", JSONBOID},
                               {"dedupe_key", TEXTOID},
                               {"processed_at", TIMESTAMPTZOID}}};

TableDefinition attempts::table{kPublic,
                                "sms_attempts",
                                {{"message_id", UUIDOID},
                                 {"attempt_number", INT4OID},
                                 {"provider", TEXTOID},
                                 {"provider_message_id", TEXTOID},
                                 {"request_payload", JSONBOID},
                                 {"response_payload", JSONBOID},
                                 {"response_status", INT4OID},
                                 {"status", TEXTOID},
                                 {"error_code", TEXTOID},
                                 {"error_message", TEXTOID},
                                 {"created_at", TIMESTAMPTZOID},
                                 {"org_id", UUIDOID},
                                 {"client_key", TEXTOID},
                                 {"segments", INT4OID},
                                 {"duration_ms", INT4OID}}};

TableDefinition suppression::table{
    kPublic, "sms_suppression", {{"org_id", UUIDOID}, {"phone", TEXTOID}}};

TableDefinition opt_outs::table{
    kPublic, "sms_opt_outs", {{"phone", TEXTOID}, {"account_sid", TEXTOID}, {"sender", TEXTOID}}};

TableDefinition pruned_keys::table{kPublic,
                                   "sms_idempotency_keys",
                                   {{"org_id", UUIDOID},
                                    {"idempotency_key", TEXTOID},
                                    {"message_id", UUIDOID},
                                    {"payload_hash", BYTEAOID}}};

TableDefinition org_settings::table{kPublic,
                                    "sms_settings",
                                    {{"org_id", UUIDOID},
                                     {"twilio_account_sid", TEXTOID},
                                     {"twilio_auth_token_encrypted", TEXTOID},
                                     {"twilio_second_auth_token_encrypted", TEXTOID},
                                     {"twilio_messaging_service_sid", TEXTOID},
                                     {"twilio_phone_number", TEXTOID},
                                     {"enabled", BOOLOID},
                                     {"default_region", TEXTOID},
                                     {"max_segments", INT4OID},
                                     {"max_sms_per_client_per_day", INT4OID},
                                     {"paused_until", TIMESTAMPTZOID}}};

TableDefinition templates::table{kPublic,
                                 "sms_templates",
                                 {{"org_id", UUIDOID},
                                  {"template_key", TEXTOID},
                                  {"version", INT4OID},
                                  {"id", UUIDOID},
                                  {"body", TEXTOID},
                                  {"is_active", BOOLOID}}};

TableDefinition server::table{
    kInternal,
    "sms_server",
    {{"singleton", BOOLOID}, {"mode", TEXTOID}, {"paused_until", TIMESTAMPTZOID}}};

TableDefinition phone_salt::table{
    kPublic, "sms_phone_salt", {{"singleton", BOOLOID}, {"salt", BYTEAOID}}};

}  // namespace coach_sms
