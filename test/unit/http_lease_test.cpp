#include "core/http/http_pool.hpp"

#include <chrono>
#include <future>

#include "http_fixture.hpp"

namespace coach_sms::test {
namespace {

using HttpLeaseTest = HttpTest;

TEST_F(HttpLeaseTest, ARequestThatWaitsForAHandshakeHasItsLease) {
  LoopbackServer silent([](Peer&, const SeenRequest&) {});
  HttpPool pool(options(), &now_us);
  pool.add(1, post("https://" + silent.address() + "/"), kNoLease);
  pool.add(2, post("https://" + silent.address() + "/"), clock_us + 1'000);
  pool.drive();
  clock_us += 1'000;
  pool.drive();
  const auto finished = pool.take_finished();
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(finished[0].tag, 2U);
  EXPECT_EQ(finished[0].error, "lease over");
}

TEST_F(HttpLeaseTest, ALeaseThatIsOverWhenAddedSendsNothing) {
  LoopbackServer server(created);
  HttpPool pool(options(), &now_us);
  pool.add(7, post(server.url()), clock_us);
  EXPECT_EQ(pool.in_flight(), 0U);
  EXPECT_EQ(pool.timeout_ms(), 0);
  const HttpResult result = results(pool, 1).front();
  EXPECT_EQ(result.tag, 7U);
  EXPECT_EQ(result.progress, HttpProgress::kUnsent);
  EXPECT_EQ(result.error, "lease over");
  EXPECT_EQ(server.connections(), 0U);
}

TEST_F(HttpLeaseTest, ALeaseThatRunsOutBeforeTheFirstByteSendsNothing) {
  LoopbackServer server(created);
  HttpPool pool(options(), &now_us);
  EXPECT_EQ(result_of(pool, post(server.url(), "first")).status, 201);
  pool.add(2, post(server.url(), "late"), clock_us + 1);
  clock_us += 1;  // the kept connection would take it at once
  const HttpResult result = results(pool, 1).front();
  EXPECT_EQ(result.progress, HttpProgress::kUnsent);
  EXPECT_EQ(result.error, "lease over");
  EXPECT_EQ(times_seen(server, "late"), 0U);
}

TEST_F(HttpLeaseTest, ALeaseThatRunsOutWhileConnectingSendsNothing) {
  LoopbackServer silent([](Peer&, const SeenRequest&) {});
  HttpPool pool(options(), &now_us);
  pool.add(1, post("https://" + silent.address() + "/"), clock_us + 1'000);
  pool.drive();
  EXPECT_EQ(pool.in_flight(), 1U);
  clock_us += 1'000;
  pool.drive();
  const auto finished = pool.take_finished();
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(finished[0].progress, HttpProgress::kUnsent);
  EXPECT_EQ(finished[0].error, "lease over");
}

TEST_F(HttpLeaseTest, ALeaseThatRunsOutAfterTheSendingChangesNothing) {
  std::promise<void> taken;
  std::promise<void> late;
  LoopbackServer server([&](Peer& peer, const SeenRequest& request) {
    taken.set_value();
    late.get_future().wait();
    created(peer, request);
  });
  HttpPool pool(options(), &now_us);
  pool.add(1, post(server.url()), clock_us + 1'000);
  auto arrived = taken.get_future();
  while (arrived.wait_for(std::chrono::seconds(0)) != std::future_status::ready)
    pool.drive();
  clock_us += 2'000;
  pool.drive();
  late.set_value();
  EXPECT_EQ(results(pool, 1).front().status, 201);
}

}  // namespace
}  // namespace coach_sms::test
