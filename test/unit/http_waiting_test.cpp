#include "core/http/http_pool.hpp"

#include <future>
#include <string>
#include <utility>

#include "http_fixture.hpp"

namespace coach_sms::test {
namespace {

using HttpWaitingTest = HttpTest;

// A host of which nobody knows what it speaks.
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

TEST_F(HttpWaitingTest, TheFirstRequestsDoNotWaitForOneAnswer) {
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

TEST_F(HttpWaitingTest, NorForOneHandshakeForLong) {
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

TEST_F(HttpWaitingTest, RequestsThatWaitForAHandshakeThatFailsFailByThemselves) {
  RefusingPort nobody;
  HttpPool pool(options(), &now_us);
  for (std::uint64_t tag = 0; tag < 20; ++tag)
    pool.add(tag, post("https://" + nobody.address() + "/"), kNoLease);
  for (const HttpResult& result : results(pool, 20))
    EXPECT_EQ(result.progress, HttpProgress::kUnsent);
}

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

HttpOptions one_connection(HttpOptions options) {
  options.max_connections_per_host = 1;
  return options;
}

TEST_F(HttpWaitingTest, ARequestThatWaitsTooLongForAConnectionSendsNothing) {
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

TEST_F(HttpWaitingTest, ARequestThatWaitedHasNoMoreTimeForItsAnswerThanTheOthers) {
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

TEST_F(HttpWaitingTest, NoMoreConnectionsThanAllowedAreOpened) {
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

}  // namespace
}  // namespace coach_sms::test
