#include "core/webhook/signature.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "core/base/rapidjson.hpp"

namespace coach_sms {
namespace {

constexpr std::string_view kToken = "f00dfacecafe0123456789abcdef4242";
constexpr std::string_view kUrl = "https://hooks.coach.example/sms/status?tenant=7";
constexpr std::string_view kBody = "MessageSid=SM1&MessageStatus=delivered&To=%2B447700900123";

std::string signature_of(std::string_view url, std::string_view body) {
  return sign(kToken, url, parse_form(body));
}

rapidjson::Document read_vectors() {
  const auto path =
      std::filesystem::path(__FILE__).parent_path() / "../vectors/signature-vectors.json";
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  rapidjson::Document document;
  document.Parse(text.str());
  return document;
}

std::string text_of(const rapidjson::Value& vector, const char* member) {
  return {vector[member].GetString(), vector[member].GetStringLength()};
}

TEST(Signature, AgreesWithEveryVectorOfTwiliosLibrary) {
  const rapidjson::Document document = read_vectors();
  ASSERT_TRUE(document.IsObject());
  int forms = 0;
  int json_bodies = 0;
  for (const rapidjson::Value& vector : document["vectors"].GetArray()) {
    const bool is_json = vector["json_body"].IsString();
    (is_json ? json_bodies : forms) += 1;
    EXPECT_EQ(validate_signature(text_of(vector, "auth_token"), text_of(vector, "url"),
                                 text_of(vector, is_json ? "json_body" : "form_body"),
                                 text_of(vector, "signature"), is_json ? "application/json" : ""),
              vector["valid"].GetBool())
        << text_of(vector, "id") << ": " << text_of(vector, "why");
  }
  EXPECT_EQ(forms, 77);
  EXPECT_EQ(json_bodies, 13);
}

TEST(Signature, IsTheOneThatTwiliosLibraryMakes) {
  const rapidjson::Document document = read_vectors();
  int compared = 0;
  for (const rapidjson::Value& vector : document["vectors"].GetArray()) {
    if (!vector["valid"].GetBool() || !vector["form_body"].IsString()) continue;
    const FormParams params = parse_form(text_of(vector, "form_body"));
    EXPECT_EQ(sign(text_of(vector, "auth_token"), text_of(vector, "signed_url"), params),
              text_of(vector, "signature"))
        << text_of(vector, "id");
    ++compared;
  }
  EXPECT_EQ(compared, 55);
}

TEST(Signature, LeavesTheFragmentOutAsTwilioDoes) {
  const std::string with_fragment = std::string(kUrl) + "#rc=5&rp=all";
  const std::string signature = signature_of(with_fragment, kBody);
  EXPECT_EQ(signature, signature_of(kUrl, kBody));
  EXPECT_TRUE(validate_signature(kToken, kUrl, kBody, signature, ""));
  EXPECT_FALSE(validate_signature(kToken, with_fragment, kBody, signature, ""));
}

TEST(Signature, IsTakenForAFormOfAnyNonJsonType) {
  const std::string signature = signature_of(kUrl, kBody);
  for (const char* type : {"", "application/x-www-form-urlencoded", "text/plain",
                           "application/x-www-form-urlencoded; charset=UTF-8"}) {
    EXPECT_TRUE(validate_signature(kToken, kUrl, kBody, signature, type)) << type;
  }
}

TEST(Signature, OfAJsonBodyNeedsItsHashHoweverTheTypeIsWritten) {
  // sha256sum of {}
  const std::string url =
      "https://h.example/"
      "?bodySHA256=44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
  const std::string signature = sign(kToken, url, {});
  for (const char* type : {"application/json", "Application/JSON", "application/json;charset=utf-8",
                           "application/json ; charset=utf-8"}) {
    EXPECT_TRUE(validate_signature(kToken, url, "{}", signature, type)) << type;
    EXPECT_FALSE(validate_signature(kToken, url, "{ }", signature, type)) << type;
    EXPECT_FALSE(validate_signature(kToken, url, "", signature, type)) << type;
  }
  EXPECT_FALSE(validate_signature(kToken, url, "{}", signature, "application/jsonx"));
  EXPECT_FALSE(validate_signature(kToken, url, "{}", signature, "application/jso"));
}

TEST(Signature, OfAFormWhoseUrlHoldsAHashCoversTheForm) {
  const std::string url =
      "https://h.example/"
      "?bodySHA256=44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
  EXPECT_FALSE(validate_signature(kToken, url, "a=1", sign(kToken, url, {}), ""));
  EXPECT_TRUE(validate_signature(kToken, url, "a=1", sign(kToken, url, {{"a", "1"}}), ""));
}

TEST(Signature, IsRefusedWithoutAToken) {
  const std::string signature = sign("", kUrl, parse_form(kBody));
  EXPECT_FALSE(validate_signature("", kUrl, kBody, signature, ""));
  const std::string long_token(1025, 'x');
  const std::string other = sign(long_token, kUrl, parse_form(kBody));
  EXPECT_FALSE(validate_signature(long_token, kUrl, kBody, other, ""));
}

TEST(Signature, IsRefusedWhenAnyCharacterOfItDiffers) {
  const std::string signature = signature_of(kUrl, kBody);
  ASSERT_TRUE(validate_signature(kToken, kUrl, kBody, signature, ""));
  for (std::size_t i = 0; i < signature.size(); ++i) {
    std::string changed = signature;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(validate_signature(kToken, kUrl, kBody, changed, "")) << i;
  }
}

TEST(Signature, IsRefusedWhenMissingCutOrPadded) {
  const std::string signature = signature_of(kUrl, kBody);
  for (const std::string& other :
       {std::string(), signature.substr(0, 27), signature + "=", signature + '\0',
        signature + signature, " " + signature, std::string(1 << 20, 'A')}) {
    EXPECT_FALSE(validate_signature(kToken, kUrl, kBody, other, ""));
  }
}

TEST(Signature, IsFalseForBadInputAndNeverAnError) {
  const std::string big(1 << 20, 'a');
  const std::string many_params(60000, '&');
  const std::string signature = signature_of(kUrl, kBody);
  std::string over_count;
  for (int i = 0; i < 1001; ++i)
    over_count += "a&";
  EXPECT_FALSE(validate_signature(kToken, "", kBody, signature, ""));
  EXPECT_FALSE(validate_signature(kToken, "nonsense", kBody, sign(kToken, "nonsense", {}), ""));
  EXPECT_FALSE(validate_signature(kToken, big, kBody, signature, ""));
  EXPECT_FALSE(validate_signature(kToken, "https://h.example/" + big, kBody, signature, ""));
  EXPECT_FALSE(validate_signature(kToken, kUrl, big, signature, ""));
  EXPECT_FALSE(validate_signature(kToken, kUrl, big, signature, "application/json"));
  EXPECT_FALSE(validate_signature(kToken, kUrl, many_params, signature, ""));
  EXPECT_FALSE(validate_signature(kToken, kUrl, over_count, signature, ""));
  EXPECT_FALSE(validate_signature(kToken, kUrl, "%00%FF=%", signature, big));
}

TEST(Signature, CoversEveryByteOfTheBody) {
  for (const char* body : {"Body=%00", "Body=%FF%FE", "Body=%EF%BF%BD", "Body=+x+", "Body=%"}) {
    const std::string signature = signature_of(kUrl, body);
    EXPECT_TRUE(validate_signature(kToken, kUrl, body, signature, "")) << body;
    EXPECT_FALSE(validate_signature(kToken, kUrl, "Body=", signature, "")) << body;
  }
  EXPECT_FALSE(
      validate_signature(kToken, kUrl, "Body=%EF%BF%BD", signature_of(kUrl, "Body=%FF"), ""));
}

TEST(SharedKeySignature, IsKnownByItsLengthOrItsHeader) {
  const std::string sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
  EXPECT_TRUE(is_shared_key_signature(sha256));
  EXPECT_TRUE(
      is_shared_key_signature("X-Twilio-Webhooks-Signature-Settings: key=K,algorithm=HMAC_SHA256"));
  EXPECT_FALSE(is_shared_key_signature("AAAAAAAAAAAAAAAAAAAAAAAAAAA="));
  EXPECT_FALSE(is_shared_key_signature(std::string(44, 'x')));
  EXPECT_FALSE(is_shared_key_signature(""));
  EXPECT_FALSE(is_signature(sha256));
}

}  // namespace
}  // namespace coach_sms
