#pragma once

namespace coach_sms {

// A database in another encoding than UTF-8 gets what it can hold: an answer of Twilio's must not
// be able to make a record fail. Changes the text in its place.
char* storable(char* text);

}  // namespace coach_sms
