#include "core/http/http_thread.hpp"

#include <atomic>
#include <csignal>
#include <future>
#include <new>
#include <stdexcept>
#include <thread>

#include "core/base/error.hpp"
#include "http_fixture.hpp"

namespace coach_sms::test {
namespace {

constexpr int kRecalled = 1;

// What the thread's callbacks see and do.
std::atomic<bool> recalled;
std::atomic<int> unblocked_signals;

enum class Trouble { kNone, kError, kNoMemory, kOther };
std::atomic<Trouble> trouble;
std::atomic<bool> has_thrown;

bool is_recalled(const RecallMark& mark) {
  return mark.counter == kRecalled && recalled;
}

int count_unblocked_signals() {
  sigset_t blocked;
  pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  int count = 0;
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD, SIGQUIT})
    count += sigismember(&blocked, signal) == 1 ? 0 : 1;
  return count;
}

std::int64_t watching_clock() {
  unblocked_signals += count_unblocked_signals();
  return clock_us;
}

std::int64_t failing_clock() {
  has_thrown = trouble != Trouble::kNone;
  switch (trouble) {
    case Trouble::kNone:
      break;
    case Trouble::kError:
      throw Error(ErrorKind::kInternal, "libcurl refused");
    case Trouble::kNoMemory:
      throw std::bad_alloc();
    case Trouble::kOther:
      throw std::runtime_error("no clock");
  }
  return clock_us;
}

// A server that answers no request before open().
class Gate {
 private:
  std::promise<void> open_;  // before the server, whose threads wait for it to their end
  std::shared_future<void> opened_ = open_.get_future().share();

 public:
  LoopbackServer server{[this](Peer& peer, const SeenRequest& request) {
    opened_.wait();
    created(peer, request);
  }};
  void open() { open_.set_value(); }
};

class HttpThreadTest : public HttpTest {
 protected:
  void SetUp() override {
    HttpTest::SetUp();
    recalled = false;
    trouble = Trouble::kNone;
    unblocked_signals = 0;
    has_thrown = false;
  }

  static void wait_until_seen(const LoopbackServer& server, std::size_t count) {
    while (server.seen().size() < count)
      std::this_thread::yield();
  }

  // The result of a request that is handed over, and whose handshake ends after meanwhile(). It
  // does not leave.
  static HttpResult result_of_slow_handshake(HttpRequest request, std::int64_t send_before,
                                             void (*meanwhile)()) {
    const SelfSigned certificate;
    std::promise<void> handshake;
    LoopbackServer server(created, certificate.server_context());
    server.greet = [&](std::size_t) { handshake.get_future().wait(); };
    HttpOptions watched = options();
    watched.ca_file = certificate.certificate_file();
    watched.is_recalled = &is_recalled;
    HttpThread http(watched, &now_us);
    request.url = server.url();
    http.add(1, std::move(request), send_before);
    http.drive();
    while (server.connections() == 0)
      std::this_thread::yield();
    meanwhile();
    handshake.set_value();
    HttpResult result = results(http, 1).front();
    EXPECT_EQ(result.progress, HttpProgress::kUnsent);
    EXPECT_TRUE(server.seen().empty());
    return result;
  }

  static void expect_failure(Trouble kind) {
    LoopbackServer server(created);
    trouble = Trouble::kNone;
    HttpThread http(options(), &failing_clock);
    http.add(1, post(server.url()), kNoLease);
    EXPECT_EQ(results(http, 1).front().status, 201);
    http.add(2, post(server.url()), kNoLease);
    trouble = kind;
    while (true) {
      turn(http);
      EXPECT_TRUE(http.take_finished().empty());
    }
  }
};

TEST_F(HttpThreadTest, ARequestEndsInOneResult) {
  LoopbackServer server(created);
  HttpThread http(options(), &now_us);
  http.add(7, post(server.url()), kNoLease);
  const HttpResult result = results(http, 1).front();
  EXPECT_EQ(result.tag, 7U);
  EXPECT_EQ(result.status, 201);
  EXPECT_TRUE(http.take_finished().empty());
  EXPECT_EQ(server.seen().size(), 1U);
}

TEST_F(HttpThreadTest, ARequestGoesOnWhileTheCallerDoesSomethingElse) {
  LoopbackServer server(created);
  HttpThread http(options(), &now_us);
  http.add(1, post(server.url()), kNoLease);
  http.drive();
  wait_until_seen(server, 1);  // nobody drives
  EXPECT_EQ(results(http, 1).front().status, 201);
}

TEST_F(HttpThreadTest, ARequestDoesNotStartBeforeItIsDriven) {
  LoopbackServer server(created);
  HttpThread http(options(), &now_us);
  EXPECT_EQ(http.timeout_ms(), -1);
  http.add(1, post(server.url(), "kept"), kNoLease);
  EXPECT_EQ(http.timeout_ms(), 0);
  http.stop();
  EXPECT_EQ(server.connections(), 0U);
}

TEST_F(HttpThreadTest, AResultDoesNotWaitForARequestThatIsStillUnderWay) {
  Gate gate;
  LoopbackServer server(created);
  HttpThread http(options(), &now_us);
  http.add(1, post(gate.server.url()), kNoLease);
  http.add(2, post(server.url()), kNoLease);
  EXPECT_EQ(results(http, 1).front().tag, 2U);
  gate.open();
  EXPECT_EQ(results(http, 1).front().tag, 1U);
}

// Where a side looked into its box before it forgot the event, this would hang sooner or later.
TEST_F(HttpThreadTest, NoWakeUpIsLost) {
  LoopbackServer server(created);
  HttpThread http(options(), &now_us);
  std::uint64_t added = 0;
  std::size_t missing = 0;
  for (int round = 0; round < 2'000; ++round) {
    for (int i = round % 3; i >= 0; --i, ++missing) {
      http.add(++added, post(server.url()), kNoLease);
      http.drive();
    }
    while (missing > (round % 2 == 0 ? 1U : 0U)) {
      pollfd readable{http.descriptor(), POLLIN, 0};
      poll(&readable, 1, http.timeout_ms());
      http.drive();
      missing -= http.take_finished().size();
    }
  }
  results(http, missing);
  EXPECT_EQ(server.seen().size(), added);
}

TEST_F(HttpThreadTest, OptionsCountForTheRequestsBehindThem) {
  LoopbackServer server([](Peer& peer, const SeenRequest& request) {
    const auto at = request.head.find("User-Agent: ");
    peer.send(answer(201, at == std::string::npos ? "" : request.head.substr(at + 12, 3)));
  });
  HttpOptions first = options();
  first.user_agent = "one";
  HttpOptions second = options();
  second.user_agent = "two";
  HttpThread http(first, &now_us);
  http.add(1, post(server.url()), kNoLease);
  http.configure(second);
  http.add(2, post(server.url()), kNoLease);
  const auto finished = results(http, 2);
  EXPECT_EQ(finished[0].body, "one");
  EXPECT_EQ(finished[1].body, "two");
}

TEST_F(HttpThreadTest, AMessageThatIsRecalledAfterItsHandOverDoesNotLeave) {
  HttpRequest request = post("");
  request.recall = RecallMark{kRecalled, 0};
  const HttpResult result =
      result_of_slow_handshake(std::move(request), kNoLease, [] { recalled = true; });
  EXPECT_TRUE(result.recalled);
}

TEST_F(HttpThreadTest, AMessageWhoseTimeIsOverAfterItsHandOverDoesNotLeave) {
  const HttpResult result =
      result_of_slow_handshake(post(""), clock_us + 5'000'000, [] { clock_us += 5'000'000; });
  EXPECT_EQ(result.error, "lease over");
}

TEST_F(HttpThreadTest, SignalsAreBlockedInTheThreadOnly) {
  LoopbackServer server(created);
  const int before = count_unblocked_signals();
  HttpThread http(options(), &watching_clock);
  EXPECT_EQ(count_unblocked_signals(), before);
  http.add(1, post(server.url()), kNoLease);
  results(http, 1);
  EXPECT_EQ(unblocked_signals, 0);
}

TEST_F(HttpThreadTest, StopDropsRequestsUnderWay) {
  Gate gate;
  HttpThread http(options(), &now_us);
  http.add(1, post(gate.server.url()), kNoLease);
  http.drive();
  wait_until_seen(gate.server, 1);
  http.add(2, post(gate.server.url()), kNoLease);
  http.stop();
  gate.open();
  http.drive();
  EXPECT_TRUE(http.take_finished().empty());
  EXPECT_EQ(gate.server.seen().size(), 1U);
  http.stop();
}

TEST_F(HttpThreadTest, AnErrorInTheThreadIsTheCallers) {
  EXPECT_THROW(expect_failure(Trouble::kError), Error);
  EXPECT_THROW(expect_failure(Trouble::kNoMemory), std::bad_alloc);
  EXPECT_THROW(expect_failure(Trouble::kOther), std::runtime_error);
}

TEST_F(HttpThreadTest, AThreadThatFailedCanBeStopped) {
  HttpThread http(options(), &failing_clock);
  trouble = Trouble::kNoMemory;
  http.add(1, post("http://127.0.0.1:1/"), kNoLease);
  EXPECT_THROW(
      while (true) {
        turn(http);
        http.take_finished();
      },
      std::bad_alloc);
  http.stop();
}

TEST_F(HttpThreadTest, AThreadThatFailedGivesItsResultsAndWakesItsCaller) {
  LoopbackServer server(created);
  HttpThread http(options(), &failing_clock);
  std::size_t taken = 0;
  const auto take_all = [&] {
    for (;;) {
      pollfd readable{http.descriptor(), POLLIN, 0};
      ASSERT_EQ(poll(&readable, 1, 10'000), 1) << "the failure makes the descriptor readable";
      taken += http.take_finished().size();
    }
  };
  http.add(1, post(server.url()), kNoLease);
  http.drive();
  pollfd answered{http.descriptor(), POLLIN, 0};
  ASSERT_EQ(poll(&answered, 1, 10'000), 1);
  trouble = Trouble::kNoMemory;
  http.add(2, post(server.url()), kNoLease);
  http.drive();
  while (!has_thrown)
    std::this_thread::yield();
  http.stop();  // waits until the thread has noted its failure
  EXPECT_THROW(take_all(), std::bad_alloc);
  EXPECT_EQ(taken, 1U);
}

}  // namespace
}  // namespace coach_sms::test
