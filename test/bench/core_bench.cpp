// What the core costs a message, without PostgreSQL, on one core: built and run by `make bench`.

#include <benchmark/benchmark.h>

#include <string>
#include <string_view>

#include "core/crypto/sealing.hpp"
#include "core/text/message_template.hpp"
#include "core/text/phone_number.hpp"
#include "core/text/segments.hpp"
#include "core/text/template_variables.hpp"
#include "core/webhook/form.hpp"
#include "core/webhook/signature.hpp"

namespace coach_sms {
namespace {

constexpr std::string_view kToken = "0123456789abcdef0123456789abcdef";
constexpr std::string_view kOrg = "11111111-1111-4111-8111-111111111111";
constexpr std::string_view kUrl = "https://coach.example/functions/v1/twilio-webhook?attempt=1";
constexpr std::string_view kCallback =
    "AccountSid=AC00000000000000000000000000000000&MessageSid=SM00000000000000000000000000000000"
    "&MessageStatus=delivered&To=%2B61491570006&From=%2B61491570156&ApiVersion=2010-04-01";

// The argument is the number of characters, every tenth of them a rarer one.
void segments(benchmark::State& state, std::string_view character) {
  std::string text;
  for (int i = 0; i < state.range(0); ++i)
    text += i % 10 == 9 ? character : "a";
  for (auto _ : state)
    benchmark::DoNotOptimize(count_segments(text));
}
BENCHMARK_CAPTURE(segments, gsm7, "\u20ac")->Arg(160)->Arg(1600);
BENCHMARK_CAPTURE(segments, ucs2, "\u4f60")->Arg(70)->Arg(1600);

void render(benchmark::State& state) {
  for (auto _ : state) {
    const Variables variables =
        Variables::parse(R"({"client_name": "Ann", "session_datetime": "Tuesday 9:30 am"})");
    benchmark::DoNotOptimize(render_template(
        "Hi {{client_name}}, your session is confirmed for {{session_datetime}}.", variables));
  }
}
BENCHMARK(render);

void normalize(benchmark::State& state, std::string_view phone) {
  for (auto _ : state)
    benchmark::DoNotOptimize(normalize_phone(phone, "AU"));
}
BENCHMARK_CAPTURE(normalize, e164, "+61491570006");
BENCHMARK_CAPTURE(normalize, national, "0491 570 006");

void validate(benchmark::State& state) {
  const std::string signature = sign(kToken, kUrl, parse_form(kCallback));
  if (!validate_signature(kToken, kUrl, kCallback, signature, "")) {
    state.SkipWithError("the signature does not fit");
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(validate_signature(kToken, kUrl, kCallback, signature, ""));
  }
}
BENCHMARK(validate);

void seal_token(benchmark::State& state) {
  const SealingKey key = SealingKey::parse(new_key_file_contents().view());
  for (auto _ : state)
    benchmark::DoNotOptimize(seal(key, kToken, kOrg));
}
BENCHMARK(seal_token);

void open_token(benchmark::State& state) {
  const SealingKey key = SealingKey::parse(new_key_file_contents().view());
  const std::string sealed = seal(key, kToken, kOrg);
  for (auto _ : state)
    benchmark::DoNotOptimize(open(key, sealed, kOrg));
}
BENCHMARK(open_token);

}  // namespace
}  // namespace coach_sms

BENCHMARK_MAIN();
