#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// The keys under which a person may be listed.
struct SuppressionKeys {
  static constexpr int kMost = 4;
  Datum keys[kMost];  // text
  int count;

  const Datum* begin() const { return keys; }
  const Datum* end() const { return keys + count; }
};

// Returns all keys under which the person of a number (E.164) may be listed, in the current memory
// context. They are the number, its other form (core/text/phone_forms.hpp) and, after the first
// erasure, the salted hash of each. The salt is cached as in facts.hpp: the sender's pre-send check
// reads it anew, and decides.
SuppressionKeys suppression_keys(text* phone);

// Returns the number's shortest form, by which limits count, in the current memory context.
char* phone_key_of(const text* phone);

}  // namespace coach_sms
