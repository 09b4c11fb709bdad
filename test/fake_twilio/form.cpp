#include "form.hpp"

#include <cstdlib>
#include <cstring>

namespace fake_twilio {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Decoding never makes a text longer, so it can be written over itself.
std::string_view decode_in_place(char* begin, char* end) {
  char* out = begin;
  for (char* in = begin; in != end; ++in) {
    if (*in == '+') {
      *out++ = ' ';
    } else if (*in == '%' && end - in > 2 && hex_value(in[1]) >= 0 && hex_value(in[2]) >= 0) {
      *out++ = static_cast<char>(hex_value(in[1]) * 16 + hex_value(in[2]));
      in += 2;
    } else {
      *out++ = *in;
    }
  }
  return {begin, static_cast<std::size_t>(out - begin)};
}

char* find_or_end(char* begin, char* end, char wanted) {
  void* found = std::memchr(begin, wanted, static_cast<std::size_t>(end - begin));
  return found ? static_cast<char*>(found) : end;
}

}  // namespace

void Form::parse(std::string& text) {
  char* at = text.data();
  char* const end = at + text.size();
  while (at < end) {
    char* const field_end = find_or_end(at, end, '&');
    char* const name_end = find_or_end(at, field_end, '=');
    const std::string_view name = decode_in_place(at, name_end);
    const std::string_view value =
        name_end == field_end ? std::string_view() : decode_in_place(name_end + 1, field_end);
    if (field_end != at) add(name, value);
    at = field_end + 1;
  }
}

std::optional<std::string_view> Form::find(std::string_view name) const {
  for (const Field& field : fields_) {
    if (field.first == name) return field.second;
  }
  return {};
}

}  // namespace fake_twilio
