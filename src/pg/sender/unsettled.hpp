#pragma once

namespace coach_sms {

// Whether there are unknown messages, and callbacks that are not applied yet: as of the latest
// count, or of a message that has become unknown since.

// Counts them. Needs SPI.
void count_unsettled();
void note_unknown();
bool has_unknown();
bool events_wait();
bool has_unsettled();

}  // namespace coach_sms
