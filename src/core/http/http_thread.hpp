#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "core/http/descriptor.hpp"
#include "core/http/http_pool.hpp"

namespace coach_sms {

// Makes HTTP requests in a thread of its own, so that they go on while the caller does something
// else. The thread alone has the HttpPool. The two sides share an inbox and an outbox: a request
// belongs to the caller until drive(), then to the thread, and its result to the caller again. All
// public functions are for the caller's thread, and none of them waits but stop().
//
// HttpPool's checks at the first byte run in the thread: the time, the recall, the connection.
// It has only copies of the caller's values, and calls only the functions of HttpOptions and the
// WallClock, which must be safe in a thread. All signals are blocked in it.
class HttpThread {
 public:
  // Starts the thread. Throws Error (kInternal) where the system has no thread, descriptor or
  // memory left.
  HttpThread(HttpOptions options, WallClock now_us);
  ~HttpThread() { stop(); }
  HttpThread(const HttpThread&) = delete;
  HttpThread& operator=(const HttpThread&) = delete;

  // Sets the options of requests added from now on.
  void configure(HttpOptions options);
  // Adds a request, as HttpPool::add() does. It starts after the next drive(). After an exception
  // (no memory), it never does.
  void add(std::uint64_t tag, HttpRequest request, std::int64_t send_before_us);

  // Call drive() once descriptor() is readable, or after timeout_ms() (0: now; -1: never).
  int descriptor() const noexcept { return to_caller_.get(); }
  int timeout_ms() const noexcept { return added_.empty() ? -1 : 0; }
  // Gives the added requests to the thread.
  void drive();
  // Returns the results since the last call, and forgets them. Without any, throws the exception
  // that ended the thread, if one did. Then the outcome of the requests under way is unknown.
  std::vector<HttpResult> take_finished();

  // Ends the thread, and waits for its end: a few milliseconds. Nothing leaves afterwards. Drops
  // requests under way without a result; their outcome is unknown. May be called again.
  void stop() noexcept;

 private:
  using Clock = std::chrono::steady_clock;
  struct Request {
    std::uint64_t tag;
    HttpRequest request;
    std::int64_t send_before_us;
  };
  using Order = std::variant<Request, HttpOptions>;

  void start();
  // The thread's.
  void run() noexcept;
  void work();
  bool take_orders();
  void carry_out(Order order);
  void hand_back();
  void wait();
  void fail() noexcept;

  std::vector<Order> added_;  // the caller's

  HttpPool pool_;                // the thread's while it runs
  bool results_wait_ = false;    // the thread's: the caller does not know yet of some
  Clock::time_point wait_ends_;  // the thread's: then the caller must know of them

  Descriptor to_thread_;  // eventfds: each is readable when there may be something in the box
  Descriptor to_caller_;

  std::mutex mutex_;  // of all below
  std::vector<Order> inbox_;
  std::vector<HttpResult> outbox_;
  std::exception_ptr failure_;
  bool caller_knows_ = false;  // that there are results in the outbox
  bool stop_ = false;

  std::thread thread_;
};

}  // namespace coach_sms
