#pragma once

// The boundary between C++ and PostgreSQL. ereport(ERROR) is a longjmp that runs no destructor, and
// an exception that reaches the backend ends the server. So:
//   * C++ with destructors runs only inside run_cpp(), which turns every exception into plain data;
//   * nothing inside run_cpp() calls PostgreSQL, but for copy_out(), which cannot jump;
//   * errors are raised after run_cpp() has returned, when no C++ object is alive.

#include <cstring>
#include <exception>
#include <new>
#include <string_view>

#include "core/base/error.hpp"
#include "pg/base/pg_api.hpp"
#include "pg/base/sqlstates.hpp"

namespace coach_sms {

// An error as plain data: may be kept on the stack across any PostgreSQL call. Texts are UTF-8, and
// cut at a character where they are too long.
struct Failure {
  bool failed = false;
  int sqlstate = 0;
  char message[512] = "";
  char detail[1024] = "";
  char hint[512] = "";
};

// Fills `failure` from a core error; never allocates, never throws.
void describe(Failure* failure, const Error& error) noexcept;
void describe(Failure* failure, int sqlstate, const char* message) noexcept;

// Fills `failure` with texts in the database's encoding, the message formatted as by psprintf.
void fail(Failure* failure, int sqlstate, const char* detail, const char* hint, const char* format,
          ...) pg_attribute_printf(5, 6);

// At most so many bytes of a text in the database's encoding, cut between characters; palloc'ed. A
// message with half a character in it is refused on its way out, and its own error lost.
const char* clipped(const char* text, int bytes);

// Raises what failed, if anything did. Must be called with no C++ object alive.
void raise_if(const Failure& failure);

// Runs C++ that may throw. Everything thrown comes back as a Failure.
template <typename Work>
Failure run_cpp(Work&& work) noexcept {
  Failure failure;
  try {
    work();
  } catch (const Error& error) {
    describe(&failure, error);
  } catch (const std::bad_alloc&) {
    describe(&failure, ERRCODE_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    describe(&failure, ERRCODE_INTERNAL_ERROR, error.what());
  } catch (...) {
    describe(&failure, ERRCODE_INTERNAL_ERROR, "unknown C++ exception");
  }
  return failure;
}

// Copies text into the current memory context, with a final NUL. The one PostgreSQL call allowed
// inside run_cpp(): it throws std::bad_alloc instead of jumping.
inline char* copy_out(std::string_view text) {
  auto* copy = text.size() < MaxAllocSize
                   ? static_cast<char*>(palloc_extended(text.size() + 1, MCXT_ALLOC_NO_OOM))
                   : nullptr;
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return copy;
}

// The same as a text datum.
inline text* copy_out_text(std::string_view value) {
  auto* copy = value.size() < MaxAllocSize - VARHDRSZ
                   ? static_cast<text*>(palloc_extended(value.size() + VARHDRSZ, MCXT_ALLOC_NO_OOM))
                   : nullptr;
  if (copy == nullptr) throw std::bad_alloc();
  SET_VARSIZE(copy, value.size() + VARHDRSZ);
  std::memcpy(VARDATA(copy), value.data(), value.size());
  return copy;
}

// A text datum as UTF-8, whatever the database's encoding; valid as long as its memory context.
// Call before run_cpp(): it detoasts and converts, and so may raise.
std::string_view utf8_view(text* value);
std::string_view utf8_view(const char* value);

// The way back: UTF-8 into the database's encoding.
text* text_from_utf8(const char* value);

}  // namespace coach_sms
