#include "pg/sender/storable_text.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

char* storable(char* text) {
  if (text == nullptr || GetDatabaseEncoding() == PG_UTF8) return text;
  for (char* byte = text; *byte != '\0'; ++byte)
    if (IS_HIGHBIT_SET(*byte)) *byte = '?';
  return text;
}

}  // namespace coach_sms
