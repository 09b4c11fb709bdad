#include "gateway/called_url.hpp"

#include "fuzz.hpp"

// Of a request to the gateway: the header Host and the target, a line each.
FUZZ_TARGET(called_url) {
  return coach_sms::fuzz_one(data, size, [](std::string_view request) {
    const std::string_view host = coach_sms::take_line(&request);
    const std::string url = coach_sms::called_url(host, "https", request);
    coach_sms::require(url.size() <= host.size() + request.size() + 8);
    coach_sms::require(coach_sms::path_of(url).size() <= url.size());
  });
}
