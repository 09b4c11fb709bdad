#pragma once

#include <exception>
#include <string>
#include <utility>

namespace coach_sms {

// The kinds of failure that callers distinguish. The PostgreSQL side gives each kind its SQLSTATE
// in one table (src/pg/base/cpp_boundary.cpp); doc/reference.md lists them.
enum class ErrorKind {
  kInvalidPhone,      // not a possible phone number or sender
  kInvalidTemplate,   // an unclosed placeholder, or a malformed name
  kMissingVariable,   // the template has a variable that was not given
  kInvalidVariables,  // not a JSON object of plain values
  kInvalidBody,       // blank, or above Twilio's 1,600 UTF-16 units
  kInvalidText,       // NUL or bytes that are not UTF-8
  kInvalidKey,        // a key file that is not 64 hex digits and a newline
  kNotSealed,         // not a sealed value, or sealed with another key or for another org
  kInvalidArgument,   // anything else that the caller can correct
  kInternal,          // a library failed, or Twilio's answer cannot be read
};

// The only exception type that the core itself throws. The message is in lower case, has no full
// stop and names the value. Detail and hint are whole sentences and may be empty. None of the three
// ever holds a secret.
class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string message, std::string detail = {}, std::string hint = {})
      : kind_(kind),
        message_(std::move(message)),
        detail_(std::move(detail)),
        hint_(std::move(hint)) {}

  ErrorKind kind() const noexcept { return kind_; }
  const char* what() const noexcept override { return message_.c_str(); }
  const std::string& message() const noexcept { return message_; }
  const std::string& detail() const noexcept { return detail_; }
  const std::string& hint() const noexcept { return hint_; }

 private:
  ErrorKind kind_;
  std::string message_;
  std::string detail_;
  std::string hint_;
};

}  // namespace coach_sms
