#pragma once

#include "core/sending/dispatch.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "http_fixture.hpp"

namespace coach_sms::test {

inline Uuid uuid(int kind, int number) {
  Uuid id;
  id.bytes[0] = static_cast<std::uint8_t>(kind);
  id.bytes[14] = static_cast<std::uint8_t>(number >> 8);
  id.bytes[15] = static_cast<std::uint8_t>(number & 255);
  return id;
}
inline Uuid org_id(int number) {
  return uuid(0xa0, number);
}
inline Uuid message_id(int number) {
  return uuid(0xb0, number);
}

inline std::string created(const std::string& sid = "SM1") {
  return answer(201, R"({"sid":")" + sid + R"(","status":"queued","num_segments":"1"})");
}
inline void create(Peer& peer, const SeenRequest&) {
  peer.send(created());
}

inline int attempts_at(const LoopbackServer& server) {
  return static_cast<int>(server.seen().size());
}

class DispatchTest : public HttpTest {
 protected:
  Lanes lanes;
  Holds holds{&now_us};

  static constexpr std::int64_t kSecond = 1'000'000;
  static constexpr const char* kAccountSid = "AC0123456789abcdef0123456789abcdef";

  static DispatchOptions options_for(const std::string& address) {
    DispatchOptions options;
    options.http = HttpTest::options();
    options.http.http2 = false;
    options.api_url = "http://" + address;
    options.public_url = "https://hooks.example/sms";
    return options;
  }
  static DispatchOptions options_for(const LoopbackServer& server) {
    return options_for(server.address());
  }

  static Task task(int number, int org = 1) {
    Task task;
    task.message = message_id(number);
    task.org = org_id(org);
    task.fence = 70 + number;
    task.attempt = 1;
    task.to = "+61400000001";
    task.body = "text " + std::to_string(number);
    task.claimed_at = clock_us;
    task.lease_until = clock_us + 600 * kSecond;
    return task;
  }
  static Task sandbox_task(int number) {
    Task made = task(number);
    made.sandbox = true;
    return made;
  }
  static Route route(const std::string& account_sid = kAccountSid) {
    return {account_sid, Secret("hush-hush"), {}, "+61411111111"};
  }
  static ClaimOrder order(int org, int limit = 10) { return {{org_id(org), "", 0}, {}, limit}; }

  static void turn(Dispatch& dispatch) {
    pollfd readable{dispatch.twilio().descriptor(), POLLIN, 0};
    poll(&readable, 1, dispatch.twilio().timeout_ms());
    dispatch.drive();
  }
  static void drive_until_finished(Dispatch& dispatch, std::size_t count) {
    while (dispatch.finished().size() < count)
      turn(dispatch);
    EXPECT_EQ(dispatch.finished().size(), count);
  }
  // As the sender does when the record was committed.
  static std::vector<FinishedTask> take(Dispatch& dispatch) {
    std::vector<FinishedTask> taken;
    for (FinishedTask& one : dispatch.finished()) {
      dispatch.let_go(one.task.message);
      taken.push_back(std::move(one));
    }
    dispatch.finished().clear();
    return taken;
  }
  static FinishedTask finished_of(Dispatch& dispatch, Task task, const Route& route) {
    dispatch.send(std::move(task), route);
    drive_until_finished(dispatch, 1);
    return take(dispatch).front();
  }
  static ListSearchResult searched(Dispatch& dispatch, ListSearch search, const Route& route) {
    dispatch.search_list(std::move(search), route);
    while (dispatch.search_results().empty())
      turn(dispatch);
    EXPECT_EQ(dispatch.search_results().size(), 1U);
    EXPECT_EQ(dispatch.in_flight(), 0U);
    ListSearchResult result = dispatch.search_results().front();
    dispatch.forget_first_result();
    return result;
  }
  static PolledStatus polled(Dispatch& dispatch, const StatusPoll& poll, const Route& route) {
    EXPECT_TRUE(dispatch.poll_status(poll, route));
    EXPECT_EQ(dispatch.polls_under_way(), 1U);
    while (dispatch.polled().empty())
      turn(dispatch);
    EXPECT_EQ(dispatch.in_flight(), 0U);
    PolledStatus status = dispatch.polled().front();
    dispatch.polled().clear();
    return status;
  }
};

}  // namespace coach_sms::test
