#include "core/text/template_variables.hpp"

#include <cstdint>
#include <utility>

#include "core/base/error.hpp"
#include "core/base/rapidjson.hpp"
#include "core/base/utf8.hpp"

namespace coach_sms {
namespace {

using Values = std::map<std::string, std::string, std::less<>>;

constexpr const char* kObjectHint =
    "Pass a JSON object with one plain value for each name, such as {\"client_name\": \"Sam\"}.";

[[noreturn]] void refuse(std::string message, std::string detail, std::string hint) {
  throw Error(ErrorKind::kInvalidVariables, std::move(message), std::move(detail), std::move(hint));
}

// Returns the text. Throws kInvalidText for NUL and for bytes that are not UTF-8, into which
// RapidJSON decodes an escaped lone surrogate.
std::string checked_text(const char* text, rapidjson::SizeType length) {
  const std::string_view view(text, length);
  if (view.find('\0') != std::string_view::npos)
    throw Error(ErrorKind::kInvalidText, "variables contain the character NUL",
                "Neither PostgreSQL nor an SMS can hold it.", "Remove \\u0000 from the variables.");
  check_utf8(view);
  return std::string(view);
}

// Receives RapidJSON's events. Throws at the first value that is not plain, so the parser never
// recurses: a megabyte of open brackets costs no stack.
class ObjectReader {
 public:
  explicit ObjectReader(Values& values) : values_(values) {}

  bool StartObject() {
    if (inside_) refuse_nested("an object");
    inside_ = true;
    return true;
  }
  bool EndObject(rapidjson::SizeType) { return true; }
  bool StartArray() {
    refuse_outside("an array");
    refuse_nested("an array");
  }
  bool EndArray(rapidjson::SizeType) { return true; }
  bool Key(const char* text, rapidjson::SizeType length, bool) {
    name_ = checked_text(text, length);
    return true;
  }
  bool String(const char* text, rapidjson::SizeType length, bool) {
    refuse_outside("a string");
    values_.insert_or_assign(name_, checked_text(text, length));
    return true;
  }
  bool RawNumber(const char* text, rapidjson::SizeType length, bool) {
    refuse_outside("a number");
    values_.insert_or_assign(name_, std::string(text, length));
    return true;
  }
  bool Bool(bool value) {
    refuse_outside("a boolean");
    values_.insert_or_assign(name_, value ? "true" : "false");
    return true;
  }
  bool Null() {
    refuse_outside("null");
    values_.erase(name_);
    return true;
  }

  // RapidJSON requires these, but calls none of them: numbers come as text.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }

 private:
  void refuse_outside(const char* what) const {
    if (!inside_)
      refuse(std::string("variables are ") + what + ", not an object",
             "A template finds its values by their names.", kObjectHint);
  }
  [[noreturn]] void refuse_nested(const char* what) const {
    refuse("variable " + excerpt(name_) + " is " + what,
           "Only strings, numbers and booleans can stand in a text.",
           "Pass its values as variables of their own.");
  }

  Values& values_;
  std::string name_;
  bool inside_ = false;
};

[[noreturn]] void raise_not_json(const rapidjson::ParseResult& result) {
  if (result.Code() == rapidjson::kParseErrorStringUnicodeSurrogateInvalid)
    throw Error(ErrorKind::kInvalidText, "variables contain half a surrogate pair",
                "A character beyond U+FFFF is written as two \\u escapes, one after the other.",
                "Write both halves as \\u escapes, or the character itself.");
  refuse("variables are not JSON",
         std::string(rapidjson::GetParseError_En(result.Code())) + " This is at byte " +
             std::to_string(result.Offset() + 1) + ".",
         kObjectHint);
}

}  // namespace

Variables Variables::parse(std::string_view json) {
  // RapidJSON takes a NUL byte for the end and would ignore the rest.
  if (json.find('\0') != std::string_view::npos)
    throw Error(ErrorKind::kInvalidText, "variables contain a NUL byte");

  Variables variables;
  ObjectReader handler(variables.values_);
  rapidjson::MemoryStream stream(json.data(), json.size());
  rapidjson::Reader reader;
  const rapidjson::ParseResult result =
      reader.Parse<rapidjson::kParseNumbersAsStringsFlag>(stream, handler);
  if (result.IsError()) raise_not_json(result);
  return variables;
}

const std::string* Variables::find(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

}  // namespace coach_sms
