#include "core/http/http_pool.hpp"

#include <future>
#include <memory>
#include <semaphore>
#include <set>
#include <string>

#include "http_fixture.hpp"

namespace coach_sms::test {
namespace {

using HttpPoolTest = HttpTest;

TEST_F(HttpPoolTest, EachRequestHasOneResultWithItsTag) {
  LoopbackServer server(
      [](Peer& peer, const SeenRequest& request) { peer.send(answer(201, request.body)); });
  HttpPool pool(options(), &now_us);
  std::set<std::uint64_t> seen;
  std::uint64_t next = 0;
  while (seen.size() < 2'000) {
    while (next < 2'000 && pool.in_flight() < 16) {
      pool.add(next, post(server.url(), std::to_string(next)), kNoLease);
      ++next;
    }
    turn(pool);
    for (const HttpResult& result : pool.take_finished()) {
      EXPECT_EQ(result.body, std::to_string(result.tag));
      EXPECT_TRUE(seen.insert(result.tag).second);
    }
  }
  EXPECT_EQ(server.seen().size(), 2'000U);
}

TEST_F(HttpPoolTest, AThousandRefusedConnectionsEndAsUnsent) {
  RefusingPort nobody;
  HttpPool pool(options(), &now_us);
  for (std::uint64_t tag = 0; tag < 1'000; ++tag) {
    pool.add(tag, post("http://" + nobody.address() + "/"), kNoLease);
  }
  for (const HttpResult& result : results(pool, 1'000)) {
    EXPECT_EQ(result.progress, HttpProgress::kUnsent);
  }
  LoopbackServer server(created);
  EXPECT_EQ(result_of(pool, post(server.url())).status, 201);
}

TEST_F(HttpPoolTest, TheDescriptorIsReadableWhenAnAnswerIsThere) {
  std::promise<void> let_go;
  LoopbackServer server([&](Peer& peer, const SeenRequest& request) {
    let_go.get_future().wait();
    created(peer, request);
  });
  HttpPool pool(options(), &now_us);
  pool.add(1, post(server.url()), kNoLease);
  while (server.seen().empty())
    pool.drive();
  pollfd readable{pool.descriptor(), POLLIN, 0};
  EXPECT_EQ(poll(&readable, 1, 0), 0);
  let_go.set_value();
  EXPECT_EQ(poll(&readable, 1, 10'000), 1);
}

TEST_F(HttpPoolTest, AnIdlePoolAsksForNothing) {
  HttpPool pool(options(), &now_us);
  EXPECT_EQ(pool.timeout_ms(), -1);
  LoopbackServer server(created);
  result_of(pool, post(server.url()));
  EXPECT_EQ(pool.timeout_ms(), -1);
  pool.drive();
  EXPECT_TRUE(pool.take_finished().empty());
}

TEST_F(HttpPoolTest, NewOptionsHoldForLaterRequestsOnly) {
  LoopbackServer server(
      [](Peer& peer, const SeenRequest& request) { peer.send(answer(201, request.body)); });
  HttpPool pool(options(), &now_us);
  pool.add(1, post(server.url(), "before"), kNoLease);
  HttpOptions small = options();
  small.max_response_bytes = 3;
  pool.configure(small);
  EXPECT_EQ(results(pool, 1).front().body, "before");
  EXPECT_EQ(result_of(pool, post(server.url(), "after")).body, "aft");
  EXPECT_EQ(server.connections(), 1U);
}

TEST_F(HttpPoolTest, APoolClosedWithRequestsInFlightClosesTheirConnections) {
  std::counting_semaphore<> closed(0);
  LoopbackServer server([&](Peer& peer, const SeenRequest&) {
    peer.wait_until_closed();
    closed.release();
  });
  auto pool = std::make_unique<HttpPool>(options(), &now_us);
  for (std::uint64_t tag = 0; tag < 8; ++tag)
    pool->add(tag, post(server.url()), kNoLease);
  while (server.seen().size() < 8)
    pool->drive();
  pool->add(9, post("http://" + std::string(64, 'a') + ".invalid/"), kNoLease);
  pool->drive();  // a thread looks for that name now
  pool.reset();
  for (int i = 0; i < 8; ++i)
    EXPECT_TRUE(closed.try_acquire_for(std::chrono::seconds(10)));
}

}  // namespace
}  // namespace coach_sms::test
