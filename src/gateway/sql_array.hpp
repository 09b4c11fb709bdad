#pragma once

#include <string>
#include <string_view>

namespace coach_sms {

// Builds the text form of a one-dimensional text[] ("{...}", PostgreSQL's manual, 8.15.6).
class SqlArray {
 public:
  void add(std::string_view element);
  // Returns the array. The object is used up.
  std::string take();

 private:
  std::string text_ = "{";
};

}  // namespace coach_sms
