#include "core/base/rapidjson.hpp"

#include <gtest/gtest.h>

#include "expect_error.hpp"

namespace coach_sms {
namespace {

TEST(Json, MisuseRaisesInsteadOfEndingTheProcess) {
  rapidjson::Document document;
  document.Parse(R"({"number": 1})");
  expect_error(ErrorKind::kInternal, [&] { document["number"].GetString(); });
  expect_error(ErrorKind::kInternal, [&] { document["absent"].GetString(); });
}

}  // namespace
}  // namespace coach_sms
