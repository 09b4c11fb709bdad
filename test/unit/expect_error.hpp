#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "core/base/error.hpp"

namespace coach_sms {

// Runs `action`, which must raise an Error of this kind, and gives it back for a closer look.
template <typename Action>
Error expect_error(ErrorKind kind, Action&& action) {
  try {
    std::forward<Action>(action)();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.message();
    return error;
  }
  ADD_FAILURE() << "nothing was raised";
  return Error(kind, "nothing was raised");
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace coach_sms
