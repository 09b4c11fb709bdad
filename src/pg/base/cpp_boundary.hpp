#pragma once

// The boundary between C++ and PostgreSQL. ereport(ERROR) is a longjmp that runs no destructor, and
// an exception that reaches the backend ends the server. So:
//   * C++ with destructors runs only inside run_cpp(), which turns every exception into plain data;
//   * nothing inside run_cpp() calls PostgreSQL except copy_out() and copy_out_text(), which cannot
//     jump;
//   * raise_if() raises the error after run_cpp() has returned, when no C++ object is alive.

#include <cstring>
#include <exception>
#include <new>
#include <string_view>

#include "core/base/error.hpp"
#include "pg/base/pg_api.hpp"
#include "pg/base/sqlstates.hpp"

namespace coach_sms {

// An error as plain data, so that it may stay on the stack across any PostgreSQL call. The texts
// are UTF-8. A text that is too long is cut after a whole character.
struct Failure {
  bool failed = false;
  int sqlstate = 0;
  char message[512] = "";
  char detail[1024] = "";
  char hint[512] = "";
};

// Fills `failure` from a core error, or from a SQLSTATE and a message. Never allocates, never
// throws. An internal error gets a hint to report it.
void describe(Failure* failure, const Error& error) noexcept;
void describe(Failure* failure, int sqlstate, const char* message) noexcept;

// Fills `failure` from texts in the database's encoding; the message is formatted as by printf. May
// raise an error when it converts them.
void fail(Failure* failure, int sqlstate, const char* detail, const char* hint, const char* format,
          ...) pg_attribute_printf(5, 6);

// Returns a palloc'ed copy of the first `bytes` bytes of a text in the database's encoding, cut
// between characters. PostgreSQL cannot convert a message that ends within a character: the client
// would get the conversion's error instead.
const char* clipped(const char* text, int bytes);

// Raises `failure` as an ERROR if it failed. No C++ object with a destructor may be alive.
void raise_if(const Failure& failure);

// Runs C++ that may throw. Returns whatever was thrown as a Failure.
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

// Copies `text` into the current memory context, with a final NUL. May be called inside run_cpp():
// it throws std::bad_alloc instead of jumping.
inline char* copy_out(std::string_view text) {
  auto* copy = text.size() < MaxAllocSize
                   ? static_cast<char*>(palloc_extended(text.size() + 1, MCXT_ALLOC_NO_OOM))
                   : nullptr;
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return copy;
}

// Copies `value` into a new text datum, as copy_out() does.
inline text* copy_out_text(std::string_view value) {
  auto* copy = value.size() < MaxAllocSize - VARHDRSZ
                   ? static_cast<text*>(palloc_extended(value.size() + VARHDRSZ, MCXT_ALLOC_NO_OOM))
                   : nullptr;
  if (copy == nullptr) throw std::bad_alloc();
  SET_VARSIZE(copy, value.size() + VARHDRSZ);
  std::memcpy(VARDATA(copy), value.data(), value.size());
  return copy;
}

// Returns the value as UTF-8, whatever the database's encoding. The view is of `value` itself or of
// a palloc'ed copy. A text must be detoasted already (PG_GETARG_TEXT_PP). Call it before run_cpp():
// the conversion may raise an error.
std::string_view utf8_view(text* value);
std::string_view utf8_view(const char* value);

// Returns a palloc'ed text datum in the database's encoding, from UTF-8. May raise an error.
text* text_from_utf8(const char* value);

}  // namespace coach_sms
