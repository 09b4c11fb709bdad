// The yardstick of `make bench`: the plainest fast libcurl-multi loop (its sockets in one epoll
// descriptor, handles used again), with nothing of ours in it.
// Posts one form over and over and prints how many answers a second came back.
//
//   bare_loop URL IN_FLIGHT COUNT [--ca FILE] [--user USER:PASSWORD] [--body-file FILE]
//   bare_loop --version

#include <curl/curl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

struct Plan {
  std::string url;
  long in_flight = 0;
  long count = 0;
  std::string ca_file;
  std::string user;
  std::string body =  // 190 bytes, as Twilio's Messages resource takes them
      "To=%2B61412345678&MessagingServiceSid=MG0123456789abcdef0123456789abcdef"
      "&Body=Hi+Alex%2C+your+session+is+confirmed+for+Tuesday+at+9%3A30.+"
      "Reply+STOP+to+opt+out.&StatusCallback=https%3A%2F%2Fx.test";
};

struct Tally {
  long started = 0;
  long answered = 0;
  long failed = 0;
};

struct Loop {
  CURLM* multi;
  int epoll;
};

int usage() {
  std::fputs(
      "usage: bare_loop URL IN_FLIGHT COUNT [--ca FILE] [--user USER:PASSWORD]"
      " [--body-file FILE]\n",
      stderr);
  return 2;
}

bool read_file(const char* path, std::string* text) {
  std::ifstream file(path, std::ios::binary);
  text->assign(std::istreambuf_iterator<char>(file), {});
  return file.good() || file.eof();
}

bool read_plan(int argc, char** argv, Plan* plan) {
  if (argc < 4 || argc % 2 != 0) return false;
  plan->url = argv[1];
  plan->in_flight = std::atol(argv[2]);
  plan->count = std::atol(argv[3]);
  for (int i = 4; i < argc; i += 2) {
    if (std::strcmp(argv[i], "--ca") == 0) {
      plan->ca_file = argv[i + 1];
    } else if (std::strcmp(argv[i], "--user") == 0) {
      plan->user = argv[i + 1];
    } else if (std::strcmp(argv[i], "--body-file") != 0 || !read_file(argv[i + 1], &plan->body)) {
      return false;
    }
  }
  return plan->in_flight > 0 && plan->count > 0;
}

std::size_t drop(char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}

CURL* make_handle(const Plan& plan) {
  CURL* easy = curl_easy_init();
  curl_easy_setopt(easy, CURLOPT_URL, plan.url.c_str());
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(plan.body.size()));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, plan.body.c_str());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &drop);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, plan.url.rfind("https:", 0) == 0 ? 1L : 0L);
  if (!plan.user.empty()) curl_easy_setopt(easy, CURLOPT_USERPWD, plan.user.c_str());
  if (!plan.ca_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, plan.ca_file.c_str());
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  }
  return easy;
}

void start(CURLM* multi, CURL* easy, Tally* tally) {
  ++tally->started;
  curl_multi_add_handle(multi, easy);
}

// Counts what has finished and lets its handle go again while there is more to send.
void collect(CURLM* multi, const Plan& plan, Tally* tally) {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    CURL* easy = message->easy_handle;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    const bool good = message->data.result == CURLE_OK && status >= 200 && status < 300;
    ++(good ? tally->answered : tally->failed);
    curl_multi_remove_handle(multi, easy);
    if (tally->started < plan.count) start(multi, easy, tally);
  }
}

int watch(CURL*, curl_socket_t socket, int what, void* data, void* known) {
  const auto* loop = static_cast<const Loop*>(data);
  epoll_event event{};
  event.data.fd = socket;
  event.events = (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
  const int change = known != nullptr ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  epoll_ctl(loop->epoll, what == CURL_POLL_REMOVE ? EPOLL_CTL_DEL : change, socket, &event);
  if (what != CURL_POLL_REMOVE) curl_multi_assign(loop->multi, socket, data);
  return 0;
}

void turn(const Loop& loop) {
  long timeout_ms = -1;
  curl_multi_timeout(loop.multi, &timeout_ms);
  std::array<epoll_event, 256> ready;
  const int wait_ms = timeout_ms < 0 ? 1'000 : static_cast<int>(std::min(timeout_ms, 1'000L));
  const int count = epoll_wait(loop.epoll, ready.data(), static_cast<int>(ready.size()), wait_ms);
  int running = 0;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = ready[static_cast<std::size_t>(i)];
    const int events = (event.events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                       (event.events & ~EPOLLOUT ? CURL_CSELECT_IN : 0);
    curl_multi_socket_action(loop.multi, event.data.fd, events, &running);
  }
  curl_multi_socket_action(loop.multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

Tally run(const Plan& plan) {
  Loop loop{curl_multi_init(), epoll_create1(EPOLL_CLOEXEC)};
  curl_multi_setopt(loop.multi, CURLMOPT_MAXCONNECTS, plan.in_flight);
  curl_multi_setopt(loop.multi, CURLMOPT_SOCKETFUNCTION, &watch);
  curl_multi_setopt(loop.multi, CURLMOPT_SOCKETDATA, &loop);
  Tally tally;
  std::vector<CURL*> handles;
  for (long i = 0; i < plan.in_flight && i < plan.count; ++i) {
    handles.push_back(make_handle(plan));
    start(loop.multi, handles.back(), &tally);
  }
  while (tally.answered + tally.failed < plan.count) {
    turn(loop);
    collect(loop.multi, plan, &tally);
  }
  for (CURL* easy : handles) {
    curl_multi_remove_handle(loop.multi, easy);
    curl_easy_cleanup(easy);
  }
  curl_multi_cleanup(loop.multi);
  close(loop.epoll);
  return tally;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0) return std::puts(curl_version()) < 0;
  Plan plan;
  if (!read_plan(argc, argv, &plan)) return usage();
  curl_global_init(CURL_GLOBAL_DEFAULT);
  const auto begin = std::chrono::steady_clock::now();
  const Tally tally = run(plan);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  curl_global_cleanup();
  std::printf("requests_per_second %.0f\n", static_cast<double>(tally.answered) / taken.count());
  if (tally.failed == 0) return 0;
  std::fprintf(stderr, "bare_loop: %ld of %ld requests failed\n", tally.failed, plan.count);
  return 1;
}
