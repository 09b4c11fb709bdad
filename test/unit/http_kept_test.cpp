#include <sys/socket.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <semaphore>
#include <string>
#include <utility>
#include <vector>

#include "http2_server.hpp"
#include "http_fixture.hpp"

namespace coach_sms::test {
namespace {

using HttpKeptTest = HttpTest;

// Never twice

TEST_F(HttpKeptTest, ARequestWhoseKeptConnectionIsResetIsNotSentAgain) {
  LoopbackServer server([](Peer& peer, const SeenRequest& request) {
    request.body == "first" ? created(peer, request) : peer.reset();
  });
  HttpPool pool(options(), &now_us);
  EXPECT_EQ(result_of(pool, post(server.url(), "first")).status, 201);
  const HttpResult second = result_of(pool, post(server.url(), "second"));
  EXPECT_EQ(second.progress, HttpProgress::kUnanswered);
  EXPECT_EQ(second.error, "connection died before an answer came");
  EXPECT_EQ(times_seen(server, "second"), 1U);
}

TEST_F(HttpKeptTest, ARequestWhoseKeptConnectionIsClosedIsNotSentAgain) {
  LoopbackServer server([](Peer& peer, const SeenRequest& request) {
    request.body == "first" ? created(peer, request) : peer.close();
  });
  HttpPool pool(options(), &now_us);
  EXPECT_EQ(result_of(pool, post(server.url(), "first")).status, 201);
  EXPECT_EQ(result_of(pool, post(server.url(), "second")).progress, HttpProgress::kUnanswered);
  EXPECT_EQ(times_seen(server, "second"), 1U);
}

TEST_F(HttpKeptTest, ARequestWhoseServerVanishesAfterTakingItIsUnanswered) {
  std::promise<void> gone;
  auto server = std::make_unique<LoopbackServer>([&](Peer& peer, const SeenRequest& request) {
    if (request.body == "first") return created(peer, request);
    gone.set_value();
    peer.wait_until_closed();
  });
  HttpPool pool(options(), &now_us);
  EXPECT_EQ(result_of(pool, post(server->url(), "first")).status, 201);
  pool.add(2, post(server->url(), "second"), kNoLease);
  pool.drive();
  gone.get_future().wait();
  server.reset();  // a second connection would be refused, which alone would look like unsent
  EXPECT_EQ(results(pool, 1).front().progress, HttpProgress::kUnanswered);
}

// Returns whether the server's last act has reached the client's end of a connection: it is not
// established any more, or has bytes to read. Loopback delivers a moment later on a busy host.
bool client_has_news(int client_port) {
  std::ifstream connections("/proc/self/net/tcp");
  std::string line;
  std::getline(connections, line);
  while (std::getline(connections, line)) {
    unsigned port = 0;
    unsigned state = 0;
    unsigned unread = 0;
    if (std::sscanf(line.c_str(), " %*d: %*x:%x %*x:%*x %x %*x:%x", &port, &state, &unread) == 3 &&
        port == static_cast<unsigned>(client_port))
      return state != 1 || unread > 0;  // 1: established
  }
  return true;
}

void wait_for_news(int client_port) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!client_has_news(client_port))
    if (std::chrono::steady_clock::now() > deadline) FAIL() << "nothing reached the client";
}

// An act of the server on its first connection, when the next request is about to leave on it,
// after libcurl's own look. The server's thread does it, since two threads may not use one TLS
// connection.
class Interruption {
 public:
  using Act = void (*)(Peer&);

  static void arm(Act wanted) {
    client_port = 0;
    act = wanted;
    while (asked.try_acquire()) {
    }
  }

  // Runs in the server's thread: answers, and waits for the moment.
  template <typename Answer>
  static void around(Peer& peer, Answer answer) {
    const Act wanted = act.exchange(nullptr);
    if (wanted != nullptr) client_port = peer.client_port();
    answer();
    if (wanted != nullptr && asked.try_acquire_for(std::chrono::seconds(10))) wanted(peer);
  }

  static void before_send() {
    const int port = client_port.exchange(0);
    if (port == 0) return;
    asked.release();
    wait_for_news(port);
  }

 private:
  inline static std::atomic<Act> act;
  inline static std::atomic<int> client_port;  // of the connection that waits
  inline static std::counting_semaphore<> asked{0};
};

class EndingConnection {
 public:
  explicit EndingConnection(Interruption::Act end, SSL_CTX* tls = nullptr)
      : server(
            [](Peer& peer, const SeenRequest& request) {
              Interruption::around(peer, [&] { created(peer, request); });
            },
            tls) {
    Interruption::arm(end);
  }

  static HttpOptions prepared(HttpOptions options) {
    options.before_send = Interruption::before_send;
    return options;
  }

  LoopbackServer server;
};

TEST_F(HttpKeptTest, AKeptConnectionThatHasEndedIsNotUsed) {
  const SelfSigned identity;
  HttpOptions trusting = options();
  trusting.ca_file = identity.certificate_file();
  const std::vector<Interruption::Act> ends = {
      [](Peer& peer) { peer.close(); }, [](Peer& peer) { peer.reset(); },
      [](Peer& peer) { peer.send("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"); },
      [](Peer& peer) {
        peer.send("bye");
        peer.close();
      }};
  for (SSL_CTX* tls : {static_cast<SSL_CTX*>(nullptr), identity.server_context()}) {
    // Without TLS, which no request to Twilio is, earlier releases do not say which socket it is.
    if (tls == nullptr && curl_version_info(CURLVERSION_NOW)->version_num < 0x081700) continue;
    for (const Interruption::Act end : ends) {
      EndingConnection ending(end, tls);
      HttpPool pool(EndingConnection::prepared(trusting), &now_us);
      EXPECT_EQ(result_of(pool, post(ending.server.url(), "first")).status, 201);
      const HttpResult second = result_of(pool, post(ending.server.url(), "second"));
      EXPECT_EQ(second.status, 201) << second.error;
      EXPECT_EQ(times_seen(ending.server, "second"), 1U);
      EXPECT_EQ(ending.server.connections(), 2U);
      EXPECT_EQ(result_of(pool, post(ending.server.url(), "third")).status, 201);
      EXPECT_EQ(ending.server.connections(), 2U) << "the fresh one is kept";
    }
  }
}

TEST_F(HttpKeptTest, AFreshConnectionIsUsedWithinTheLeaseOnly) {
  const SelfSigned identity;
  EndingConnection ending(
      [](Peer& peer) {
        peer.close();
        clock_us += 2;
      },
      identity.server_context());
  HttpOptions trusting = options();
  trusting.ca_file = identity.certificate_file();
  HttpPool pool(EndingConnection::prepared(trusting), &now_us);
  EXPECT_EQ(result_of(pool, post(ending.server.url(), "first")).status, 201);
  pool.add(2, post(ending.server.url(), "late"), clock_us + 3);
  pool.drive();
  clock_us += 1;
  const HttpResult late = results(pool, 1).front();
  EXPECT_EQ(late.progress, HttpProgress::kUnsent);
  EXPECT_EQ(late.error, "lease over");
  EXPECT_EQ(times_seen(ending.server, "late"), 0U);
}

// Over HTTP/2

class Interrupted {
 public:
  explicit Interrupted(Interruption::Act act) {
    server.around_answer = [](Peer& peer, const std::function<void()>& answer) {
      Interruption::around(peer, answer);
    };
    Interruption::arm(act);
  }

  HttpOptions prepared(HttpOptions options) const {
    options.ca_file = server.identity.certificate_file();
    options.before_send = Interruption::before_send;
    return options;
  }

  Http2Server server;
};

TEST_F(HttpKeptTest, AnIdleHttp2ConnectionThatBringsAnythingIsNotUsed) {
  const std::vector<Interruption::Act> acts = {[](Peer& peer) { peer.close(); },
                                               [](Peer& peer) { peer.reset(); },
                                               [](Peer& peer) { peer.send(http2_goaway()); }};
  for (const Interruption::Act& act : acts) {
    Interrupted interrupted(act);
    HttpPool pool(interrupted.prepared(options()), &now_us);
    EXPECT_EQ(result_of(pool, post(interrupted.server.url(), "first")).status, 201);
    const HttpResult second = result_of(pool, post(interrupted.server.url(), "second"));
    EXPECT_EQ(second.status, 201) << second.error;
    EXPECT_EQ(interrupted.server.connections(), 2U);
    EXPECT_EQ(result_of(pool, post(interrupted.server.url(), "third")).status, 201);
    EXPECT_EQ(interrupted.server.connections(), 2U) << "the fresh one is kept";
    EXPECT_EQ(interrupted.server.bodies(), (std::vector<std::string>{"first", "second", "third"}));
  }
}

TEST_F(HttpKeptTest, TheInputOfABusyHttp2ConnectionIsNotItsEnd) {
  Interrupted interrupted([](Peer& peer) { peer.send(http2_ping()); });
  HttpPool pool(interrupted.prepared(options()), &now_us);
  pool.add(1, post(interrupted.server.url(), "unanswered"), kNoLease);
  while (interrupted.server.bodies().empty())
    turn(pool);
  EXPECT_EQ(result_of(pool, post(interrupted.server.url(), "second")).status, 201);
  EXPECT_EQ(interrupted.server.connections(), 1U);
}

// Connections that are kept

TEST_F(HttpKeptTest, RequestsOneAfterTheOtherShareAConnection) {
  LoopbackServer server(created);
  HttpPool pool(options(), &now_us);
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(result_of(pool, post(server.url())).status, 201);
  EXPECT_EQ(server.connections(), 1U);
}

TEST_F(HttpKeptTest, TlsConnectionsAreKeptToo) {
  const SelfSigned identity;
  LoopbackServer server(created, identity.server_context());
  HttpOptions trusting = options();
  trusting.ca_file = identity.certificate_file();
  HttpPool pool(trusting, &now_us);
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(result_of(pool, post(server.url())).status, 201);
  EXPECT_EQ(server.connections(), 1U);
}

TEST_F(HttpKeptTest, AServerThatClosesIdleConnectionsIsConnectedToAnew) {
  std::counting_semaphore<> closed(0);
  LoopbackServer server([&](Peer& peer, const SeenRequest&) {
    peer.send(answer(201, "{}"));
    peer.close();
    closed.release();
  });
  HttpPool pool(options(), &now_us);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(result_of(pool, post(server.url())).status, 201);
    ASSERT_TRUE(closed.try_acquire_for(std::chrono::seconds(10)));
  }
  EXPECT_EQ(server.connections(), 10U);
}

}  // namespace
}  // namespace coach_sms::test
