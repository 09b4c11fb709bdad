#pragma once

namespace coach_sms {

// Whether there are unknown messages, and events that are not applied yet. Both are as of the
// latest count; note_unknown() adds a message that became unknown since.

// Counts them. Needs SPI.
void count_unsettled();
void note_unknown();
bool has_unknown();
bool events_wait();
bool has_unsettled();

}  // namespace coach_sms
