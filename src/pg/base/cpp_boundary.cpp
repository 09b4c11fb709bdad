#include "pg/base/cpp_boundary.hpp"

namespace coach_sms {

namespace {

int sqlstate_of(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::kInvalidPhone:
      return kBadPhone;
    case ErrorKind::kInvalidTemplate:
      return kBadTemplate;
    case ErrorKind::kMissingVariable:
      return kMissingVariable;
    case ErrorKind::kInvalidVariables:
      return kBadVariables;
    case ErrorKind::kInvalidBody:
    case ErrorKind::kInvalidText:
      return kBadBody;
    case ErrorKind::kInvalidKey:
      return kKeyFile;
    case ErrorKind::kNotSealed:
      return kNotSealed;
    case ErrorKind::kInvalidArgument:
      return kBadArgument;
    case ErrorKind::kInternal:
      break;
  }
  return ERRCODE_INTERNAL_ERROR;
}

// Copies `text` into `target` with a final NUL, cut at the last whole UTF-8 character that fits
// into `size` bytes.
void copy_cut(char* target, std::size_t size, std::string_view text) noexcept {
  std::size_t length = text.size();
  if (length >= size) {
    length = size - 1;
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80)
      --length;
  }
  std::memcpy(target, text.data(), length);
  target[length] = '\0';
}

const char* from_utf8(const char* text) {
  return pg_any_to_server(text, static_cast<int>(strlen(text)), PG_UTF8);
}

}  // namespace

void describe(Failure* failure, const Error& error) noexcept {
  failure->failed = true;
  failure->sqlstate = sqlstate_of(error.kind());
  copy_cut(failure->message, sizeof failure->message, error.message());
  copy_cut(failure->detail, sizeof failure->detail, error.detail());
  copy_cut(failure->hint, sizeof failure->hint, error.hint());
}

void describe(Failure* failure, int sqlstate, const char* message) noexcept {
  failure->failed = true;
  failure->sqlstate = sqlstate;
  copy_cut(failure->message, sizeof failure->message, message);
  if (sqlstate == ERRCODE_INTERNAL_ERROR)
    copy_cut(failure->hint, sizeof failure->hint,
             "This is a fault of coach_sms: please report it.");
}

void fail(Failure* failure, int sqlstate, const char* detail, const char* hint, const char* format,
          ...) {
  char message[sizeof failure->message];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  // vsnprintf may have cut a character in two, which the conversion to UTF-8 would refuse.
  const int length = static_cast<int>(strlen(message));
  message[pg_mbcliplen(message, length, length)] = '\0';
  failure->failed = true;
  failure->sqlstate = sqlstate;
  copy_cut(failure->message, sizeof failure->message, utf8_view(message));
  copy_cut(failure->detail, sizeof failure->detail, utf8_view(detail));
  copy_cut(failure->hint, sizeof failure->hint, utf8_view(hint));
}

const char* clipped(const char* text, int bytes) {
  return pnstrdup(text,
                  static_cast<Size>(pg_mbcliplen(text, static_cast<int>(strlen(text)), bytes)));
}

void raise_if(const Failure& failure) {
  if (!failure.failed) return;
  ereport(ERROR, (errcode(failure.sqlstate), errmsg("%s", from_utf8(failure.message)),
                  failure.detail[0] != '\0' ? errdetail("%s", from_utf8(failure.detail)) : 0,
                  failure.hint[0] != '\0' ? errhint("%s", from_utf8(failure.hint)) : 0));
}

std::string_view utf8_view(text* value) {
  char* data = VARDATA_ANY(value);
  const int length = static_cast<int>(VARSIZE_ANY_EXHDR(value));
  char* converted = pg_server_to_any(data, length, PG_UTF8);
  if (converted == data) return {data, static_cast<std::size_t>(length)};
  return {converted, strlen(converted)};
}

std::string_view utf8_view(const char* value) {
  const char* converted = pg_server_to_any(value, static_cast<int>(strlen(value)), PG_UTF8);
  return {converted, strlen(converted)};
}

text* text_from_utf8(const char* value) {
  return cstring_to_text(from_utf8(value));
}

}  // namespace coach_sms
