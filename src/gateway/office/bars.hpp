#pragma once

#include <libpq-fe.h>

#include <string>
#include <string_view>

namespace coach_sms {

// Returns a picture with a bar for each row, which has a label and a number. A screen reader reads
// the rows whose number is not 0; empty where there is none.
std::string bars_of(const PGresult* rows, std::string_view caption);

}  // namespace coach_sms
