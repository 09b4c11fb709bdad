#pragma once

#include "pg/tables/table.hpp"

namespace coach_sms {

// The tables that C++ reads and writes without a plan, with the columns that it uses. The columns
// are explained where the tables are made: sql/install/10_tables.

namespace messages {
enum Columns {
  kId,
  kOrgId,
  kClientId,
  kToPhone,
  kFromPhone,
  kTemplateId,
  kTemplateKey,
  kBody,
  kVariables,
  kRelatedEntityType,
  kRelatedEntityId,
  kStatus,
  kScheduledFor,
  kSentAt,
  kDeliveredAt,
  kFailedAt,
  kIdempotencyKey,
  kErrorCode,
  kErrorMessage,
  kMetadata,
  kCreatedAt,
  kUpdatedAt,
  kProviderMessageId,
  kSegments,
  kEncoding,
  kPriority,
  kExpiresAt,
  kAttemptCount,
  kSandbox,
  kPayloadHash,
};
extern TableDefinition table;

// Whether the message waits, and whether it was claimed and its outcome is not settled.
bool is_waiting(const Row& message);
bool is_in_flight(const Row& message);
}  // namespace messages

namespace queue {
enum Columns { kMessageId, kOrgId, kZone, kPriority, kFailures, kDueAt, kExpiresAt, kHeldFor };
extern TableDefinition table;
}  // namespace queue

namespace in_flight {
enum Columns {
  kMessageId,
  kOrgId,
  kFence,
  kState,
  kAttemptNumber,
  kFailures,
  kPriority,
  kClaimedAt,
  kLeaseUntil,
  kAccountSid,
  kClientKey,
  kSegments,
  kSettlement,
  kNextLookAt,
};
extern TableDefinition table;
}  // namespace in_flight

namespace events {
enum Columns {
  kId,
  kMessageId,
  kOrgId,
  kProvider,
  kProviderMessageId,
  kEventType,
  kEventStatus,
  kErrorCode,
  kErrorMessage,
  kEventPayload,
  kDedupeKey,
  kProcessedAt,
};
extern TableDefinition table;
}  // namespace events

namespace attempts {
enum Columns {
  kMessageId,
  kAttemptNumber,
  kProvider,
  kProviderMessageId,
  kRequestPayload,
  kResponsePayload,
  kResponseStatus,
  kStatus,
  kErrorCode,
  kErrorMessage,
  kCreatedAt,
  kOrgId,
  kClientKey,
  kSegments,
  kDurationMs,
};
extern TableDefinition table;
}  // namespace attempts

namespace suppression {
enum Columns { kOrgId, kPhone };
extern TableDefinition table;
}  // namespace suppression

namespace opt_outs {
enum Columns { kPhone, kAccountSid, kSender };
extern TableDefinition table;
}  // namespace opt_outs

namespace pruned_keys {
enum Columns { kOrgId, kIdempotencyKey, kMessageId, kPayloadHash };
extern TableDefinition table;
}  // namespace pruned_keys

namespace org_settings {
enum Columns {
  kOrgId,
  kTwilioAccountSid,
  kTwilioAuthTokenEncrypted,
  kTwilioSecondAuthTokenEncrypted,
  kTwilioMessagingServiceSid,
  kTwilioPhoneNumber,
  kEnabled,
  kDefaultRegion,
  kMaxSegments,
  kMaxSmsPerClientPerDay,
  kPausedUntil,
};
extern TableDefinition table;
}  // namespace org_settings

namespace templates {
enum Columns { kOrgId, kTemplateKey, kVersion, kId, kBody, kIsActive };
extern TableDefinition table;
}  // namespace templates

namespace server {
enum Columns { kSingleton, kMode, kPausedUntil };
extern TableDefinition table;
}  // namespace server

namespace phone_salt {
enum Columns { kSingleton, kSalt };
extern TableDefinition table;
}  // namespace phone_salt

}  // namespace coach_sms
