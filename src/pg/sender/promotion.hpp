#pragma once

namespace coach_sms {

// Promotes and expires due messages of the next part of the queue; the whole queue takes a minute
// at least. Due messages that are not claimed (paused, held, behind a backlog) must still show as
// queued. They must also end after coach_sms.max_wait. Needs SPI.
void promote_next();

// Begins again at the first message, at once.
void promote_anew();

}  // namespace coach_sms
