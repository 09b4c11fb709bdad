#pragma once

#include <exception>
#include <string>
#include <utility>

namespace coach_sms {

// What went wrong, for those who must react to it. The PostgreSQL side gives each kind its
// SQLSTATE in one table (src/pg/base/cpp_boundary.cpp); doc/reference.md lists them.
enum class ErrorKind {
  kInvalidPhone,      // not a number that could be dialled
  kInvalidTemplate,   // a placeholder that never ends, a name that is no name
  kMissingVariable,   // the template names a variable that was not given
  kInvalidVariables,  // not an object of plain values
  kInvalidBody,       // empty, or above Twilio's 1,600 units
  kInvalidText,       // NUL or bytes that are not UTF-8
  kInvalidKey,        // a key file that is not 64 hex digits and a newline
  kNotSealed,         // not a sealed value, or one that this key and this org do not open
  kInvalidArgument,   // anything else that the caller can correct
  kInternal,          // a library refused to work: not the caller's fault
};

// The one exception that leaves the core. Message: lower case, no full stop, names the value.
// Detail and hint are whole sentences and may be empty. No secret is ever put into any of them.
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
