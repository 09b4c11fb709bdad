#include <atomic>
#include <random>
#include <set>

#include "core/http/http_thread.hpp"
#include "http_fixture.hpp"
#include "random_seed.hpp"

// Many requests from the caller's side, in random order with everything else that it does. Run by
// `make test-tsan` with ThreadSanitizer.

namespace coach_sms::test {
namespace {

std::atomic<std::uint32_t> recalls;

bool is_recalled(const RecallMark& mark) {
  return recalls != mark.seen;
}

class HttpThreadStress : public HttpTest {
 protected:
  std::mt19937 random{random_seed()};
  LoopbackServer server{created};
  std::set<std::uint64_t> missing;
  std::uint64_t last_tag = 0;

  bool one_in(unsigned count) { return random() % count == 0; }

  HttpOptions any_options() {
    HttpOptions any = options();
    any.is_recalled = &is_recalled;
    any.max_connections_per_host = 1 + static_cast<int>(random() % 16);
    any.user_agent = std::string(1 + random() % 40, 'u');
    return any;
  }

  void add(HttpThread& http) {
    HttpRequest request = post(server.url(), std::string(1 + random() % 200, 'b'));
    request.recall = RecallMark{0, recalls};
    http.add(++last_tag, std::move(request), one_in(50) ? clock_us.load() : kNoLease);
    missing.insert(last_tag);
  }

  void take(HttpThread& http) {
    for (const HttpResult& result : http.take_finished())
      EXPECT_EQ(missing.erase(result.tag), 1U) << result.tag;
  }

  static void wait(HttpThread& http) {
    pollfd readable{http.descriptor(), POLLIN, 0};
    poll(&readable, 1, http.timeout_ms());
  }

  void do_anything(HttpThread& http) {
    for (auto count = random() % 40; count > 0; --count)
      add(http);
    if (one_in(10)) http.configure(any_options());
    http.drive();
    if (one_in(5)) ++recalls;
    if (one_in(5)) clock_us += 1'000;
    if (one_in(3)) take(http);
    if (missing.size() > 100) wait(http);
  }
};

TEST_F(HttpThreadStress, EachRequestEndsInOneResult) {
  HttpThread http(any_options(), &now_us);
  for (int i = 0; i < 150; ++i)
    do_anything(http);
  while (!missing.empty()) {
    wait(http);
    http.drive();
    take(http);
  }
  EXPECT_LE(server.seen().size(), last_tag);
  // How many arrive is a matter of speed: on a slow machine many run into their timeouts.
  EXPECT_GT(server.seen().size(), 0U);
}

TEST_F(HttpThreadStress, ItEndsAtAnyMoment) {
  for (int i = 0; i < 60; ++i) {
    HttpThread http(any_options(), &now_us);
    missing.clear();
    for (auto turns = random() % 8; turns > 0; --turns)
      do_anything(http);
    const bool stops_first = one_in(2);
    if (stops_first) http.stop();
  }
  EXPECT_LE(server.seen().size(), last_tag);
}

}  // namespace
}  // namespace coach_sms::test
