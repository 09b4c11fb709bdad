#include "core/http/http_pool.hpp"

#include <chrono>
#include <csignal>
#include <future>
#include <memory>
#include <semaphore>
#include <set>
#include <string>
#include <utility>

#include "http_fixture.hpp"

namespace coach_sms::test {
namespace {

using HttpPoolTest = HttpTest;

HttpOptions one_connection(HttpOptions options) {
  options.max_connections_per_host = 1;
  return options;
}

// A host of which nobody knows what it speaks

class TlsHost {
 public:
  explicit TlsHost(LoopbackServer::Handler handler)
      : server(std::move(handler), identity.server_context()) {}
  HttpOptions trusted(HttpOptions options) const {
    options.ca_file = identity.certificate_file();
    return options;
  }

  const SelfSigned identity;
  LoopbackServer server;
};

TEST_F(HttpPoolTest, TheFirstRequestsDoNotWaitForOneAnswer) {
  std::promise<void> let_go;
  TlsHost host([&](Peer& peer, const SeenRequest& request) {
    if (request.body == "0") let_go.get_future().wait();
    created(peer, request);
  });
  HttpPool pool(host.trusted(options()), &now_us);
  for (std::uint64_t tag = 0; tag < 20; ++tag)
    pool.add(tag, post(host.server.url(), std::to_string(tag)), kNoLease);
  EXPECT_EQ(pool.in_flight(), 20U);
  for (const HttpResult& result : results(pool, 19))
    EXPECT_EQ(result.status, 201) << result.tag;
  EXPECT_EQ(pool.in_flight(), 1U);
  let_go.set_value();
  EXPECT_EQ(results(pool, 1).front().tag, 0U);
}

TEST_F(HttpPoolTest, NorForOneHandshakeForLong) {
  std::promise<void> let_go;
  TlsHost host(created);
  host.server.greet = [&](std::size_t number) {
    if (number == 1) let_go.get_future().wait();
  };
  HttpPool pool(host.trusted(options()), &now_us);
  for (std::uint64_t tag = 0; tag < 20; ++tag)
    pool.add(tag, post(host.server.url()), kNoLease);
  pool.drive();
  EXPECT_LE(pool.timeout_ms(), 501);
  clock_us += 500'000;
  for (const HttpResult& result : results(pool, 19))
    EXPECT_EQ(result.status, 201) << result.error;
  let_go.set_value();
  EXPECT_EQ(results(pool, 1).front().status, 201);
}

TEST_F(HttpPoolTest, RequestsThatWaitForAHandshakeThatFailsFailByThemselves) {
  RefusingPort nobody;
  HttpPool pool(options(), &now_us);
  for (std::uint64_t tag = 0; tag < 20; ++tag)
    pool.add(tag, post("https://" + nobody.address() + "/"), kNoLease);
  for (const HttpResult& result : results(pool, 20))
    EXPECT_EQ(result.progress, HttpProgress::kUnsent);
}

TEST_F(HttpPoolTest, ARequestThatWaitsForAHandshakeHasItsLease) {
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

// The lease

TEST_F(HttpPoolTest, ALeaseThatIsOverWhenAddedSendsNothing) {
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

TEST_F(HttpPoolTest, ALeaseThatRunsOutBeforeTheFirstByteSendsNothing) {
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

TEST_F(HttpPoolTest, ALeaseThatRunsOutWhileConnectingSendsNothing) {
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

TEST_F(HttpPoolTest, ALeaseThatRunsOutAfterTheSendingChangesNothing) {
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

// Waiting for a connection

// One connection, which the request "slow" holds until it is let go.
class BusyServer {
 public:
  BusyServer()
      : server([this](Peer& peer, const SeenRequest& request) {
          if (request.body == "slow") let_go.get_future().wait();
          if (request.body == "stall") return peer.wait_until_closed();
          created(peer, request);
        }) {}

  std::promise<void> let_go;
  LoopbackServer server;
};

TEST_F(HttpPoolTest, ARequestThatWaitsTooLongForAConnectionSendsNothing) {
  BusyServer busy;
  HttpPool pool(one_connection(options()), &now_us);
  pool.add(1, post(busy.server.url(), "slow"), kNoLease);
  while (busy.server.seen().empty())
    pool.drive();
  pool.add(2, post(busy.server.url(), "waits"), kNoLease);
  pool.drive();
  EXPECT_EQ(pool.in_flight(), 2U);
  clock_us += 15'000'000;
  pool.add(3, post(busy.server.url(), "waits less"), kNoLease);
  clock_us += 6'000'000;  // the second waits for 21 s of 20 s now; the first is overdue as well
  pool.drive();
  const auto finished = results(pool, 2);
  EXPECT_EQ(finished[0].progress, HttpProgress::kUnanswered);
  EXPECT_EQ(finished[0].error, "no answer in time");
  EXPECT_EQ(finished[1].progress, HttpProgress::kUnsent);
  EXPECT_EQ(finished[1].error, "no connection in time");
  busy.let_go.set_value();
  EXPECT_EQ(results(pool, 1).front().status, 201);
  EXPECT_EQ(times_seen(busy.server, "waits"), 0U);
}

TEST_F(HttpPoolTest, ARequestThatWaitedHasNoMoreTimeForItsAnswerThanTheOthers) {
  BusyServer busy;
  HttpPool pool(one_connection(options()), &now_us);
  pool.add(1, post(busy.server.url(), "slow"), kNoLease);
  while (busy.server.seen().empty())
    pool.drive();
  pool.add(2, post(busy.server.url(), "stall"), kNoLease);
  clock_us += 19'000'000;
  busy.let_go.set_value();
  EXPECT_EQ(results(pool, 1).front().status, 201);
  while (times_seen(busy.server, "stall") == 0)
    turn(pool);
  EXPECT_LE(pool.timeout_ms(), 1'100);  // of the 20 s that libcurl counts from the sending
  clock_us += 1'100'000;
  EXPECT_EQ(results(pool, 1).front().progress, HttpProgress::kUnanswered);
}

TEST_F(HttpPoolTest, NoMoreConnectionsThanAllowedAreOpened) {
  LoopbackServer server(created);
  HttpOptions four = options();
  four.max_connections_per_host = 4;
  HttpPool pool(four, &now_us);
  for (std::uint64_t tag = 0; tag < 100; ++tag)
    pool.add(tag, post(server.url()), kNoLease);
  EXPECT_EQ(pool.in_flight(), 100U);
  for (const HttpResult& result : results(pool, 100))
    EXPECT_EQ(result.status, 201);
  EXPECT_EQ(server.connections(), 4U);
  EXPECT_EQ(pool.in_flight(), 0U);
}

// The pool as a whole

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

TEST_F(HttpPoolTest, DrivingLeavesTheSignalMaskAsItWas) {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGUSR2);
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, &wanted, &before);
  HttpPool pool(options(), &now_us);
  pool.drive();
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, &before, &after);
  for (int signal = 1; signal < NSIG; ++signal) {
    EXPECT_EQ(sigismember(&after, signal), sigismember(&wanted, signal)) << signal;
  }
}

}  // namespace
}  // namespace coach_sms::test
