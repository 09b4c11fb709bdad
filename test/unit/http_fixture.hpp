#pragma once

#include "core/http/http_pool.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "loopback_server.hpp"

namespace coach_sms::test {

constexpr std::int64_t kNoLease = std::numeric_limits<std::int64_t>::max();

// The pool's wall clock stands still unless a test moves it; libcurl's own clock runs.
inline std::atomic<std::int64_t> clock_us = 0;

inline void created(Peer& peer, const SeenRequest&) {
  peer.send(answer(201, "{}"));
}

inline std::size_t times_seen(const LoopbackServer& server, const std::string& body) {
  std::size_t times = 0;
  for (const SeenRequest& request : server.seen())
    times += request.body == body ? 1 : 0;
  return times;
}

class HttpTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    signal(SIGPIPE, SIG_IGN);  // as in every process of PostgreSQL
    http_global_init();
  }
  void SetUp() override { clock_us = 1'000'000; }

  static std::int64_t now_us() { return clock_us; }

  static HttpOptions options() {
    HttpOptions options;
    options.connect_timeout = std::chrono::milliseconds(10'000);
    options.request_timeout = std::chrono::milliseconds(20'000);
    return options;
  }

  static HttpRequest post(const std::string& url, const std::string& body = "To=%2B61&Body=Hi") {
    return HttpRequest{"POST", url, "AC123", Secret("hush-hush"), body};
  }

  // `client` is an HttpPool or an HttpThread.
  template <typename Client>
  static void turn(Client& client) {
    pollfd readable{client.descriptor(), POLLIN, 0};
    poll(&readable, 1, client.timeout_ms());
    client.drive();
  }

  // Until that many results are there, in the order of their tags.
  template <typename Client>
  static std::vector<HttpResult> results(Client& client, std::size_t count) {
    std::vector<HttpResult> all;
    while (all.size() < count) {
      turn(client);
      for (HttpResult& result : client.take_finished())
        all.push_back(std::move(result));
    }
    EXPECT_EQ(all.size(), count);
    std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.tag < b.tag; });
    return all;
  }

  static HttpResult result_of(HttpPool& pool, HttpRequest request) {
    pool.add(1, std::move(request), kNoLease);
    return results(pool, 1).front();
  }

  static HttpResult result_of(const HttpOptions& options, HttpRequest request) {
    HttpPool pool(options, &now_us);
    return result_of(pool, std::move(request));
  }
};

}  // namespace coach_sms::test
