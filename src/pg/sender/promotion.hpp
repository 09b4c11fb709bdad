#pragma once

namespace coach_sms {

// Due messages that are not claimed yet (paused, held, behind a backlog) must still show as queued,
// and end where they have waited too long. Walks on over the queue, a part at a time and the whole
// of it once a minute. Needs SPI.
void promote_next();

// The walk begins at the first message, at once.
void promote_anew();

}  // namespace coach_sms
