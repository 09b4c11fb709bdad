#include "gateway/call_queue.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace coach_sms {
namespace {

using namespace std::chrono_literals;

// Counts how often a call's connection was resumed.
void count(void* connection) {
  ++*static_cast<std::atomic<int>*>(connection);
}

class CallQueueTest : public testing::Test {
 protected:
  std::shared_ptr<Call> new_call(const char* body = "body") {
    return std::make_shared<Call>("url", body, "signature", begin_ + 8s, count, &resumed_);
  }

  std::atomic<int> resumed_ = 0;
  Clock::time_point begin_ = Clock::now();
  CallQueue queue_{3, 100};
};

TEST_F(CallQueueTest, GivesCallsInTheirOrderAndAtMostSoMany) {
  const auto first = new_call();
  const auto second = new_call();
  const auto third = new_call();
  for (const auto& call : {first, second, third})
    EXPECT_TRUE(queue_.add(call));
  EXPECT_EQ(queue_.take(2), (Calls{first, second}));
  EXPECT_EQ(queue_.take(2), (Calls{third}));
}

TEST_F(CallQueueTest, HasRoomForSoManyCallsUntilTheyAreAnswered) {
  const auto call = new_call();
  EXPECT_TRUE(queue_.add(call));
  EXPECT_TRUE(queue_.add(new_call()));
  EXPECT_TRUE(queue_.add(new_call()));
  EXPECT_FALSE(queue_.add(new_call()));
  (void)queue_.take(1);
  EXPECT_FALSE(queue_.add(new_call())) << "a worker has it, and it is not answered";
  queue_.answer(*call, {200});
  EXPECT_EQ(queue_.held(), 2U);
  EXPECT_TRUE(queue_.add(new_call()));
}

TEST_F(CallQueueTest, HasRoomForSoManyBytes) {
  const std::string large(80, 'x');
  EXPECT_TRUE(queue_.add(new_call(large.c_str())));
  EXPECT_FALSE(queue_.add(new_call()));
}

TEST_F(CallQueueTest, AnswersACallOnce) {
  const auto call = new_call();
  queue_.add(call);
  queue_.answer(*call, {200});
  queue_.answer(*call, {503});
  EXPECT_EQ(call->answer()->status, 200);
  EXPECT_EQ(resumed_, 1);
  EXPECT_EQ(queue_.held(), 0U);
}

TEST_F(CallQueueTest, AnswersLateCallsWhoeverHasThem) {
  const auto taken = new_call();
  const auto waiting = new_call();
  queue_.add(taken);
  queue_.add(waiting);
  (void)queue_.take(1);
  EXPECT_EQ(queue_.expire(begin_ + 7s), 0);
  EXPECT_EQ(queue_.expire(begin_ + 8s), 2);
  EXPECT_EQ(taken->answer()->status, 503);
  EXPECT_EQ(waiting->answer()->status, 503);
  EXPECT_EQ(queue_.held(), 0U);
  queue_.answer(*taken, {200});
  EXPECT_EQ(resumed_, 2) << "a worker that comes too late answers nothing";
}

TEST_F(CallQueueTest, FreesLateCallsThatNoWorkerTakes) {
  auto call = new_call();
  const std::weak_ptr<Call> known = call;
  queue_.add(call);
  call.reset();
  EXPECT_EQ(queue_.expire(begin_ + 8s), 1);
  EXPECT_TRUE(known.expired());
}

TEST_F(CallQueueTest, GivesCallsBackInFrontAndNoneThatIsAnswered) {
  const auto first = new_call();
  const auto second = new_call();
  const auto third = new_call();
  for (const auto& call : {first, second, third})
    queue_.add(call);
  const Calls taken = queue_.take(2);
  queue_.answer(*first, {503});
  queue_.give_back(taken);
  EXPECT_EQ(queue_.take(3), (Calls{second, third}));
}

TEST_F(CallQueueTest, EndsForTheWorkersOnceItIsClosedAndEmpty) {
  const auto call = new_call();
  queue_.add(call);
  queue_.close();
  EXPECT_FALSE(queue_.add(new_call()));
  EXPECT_EQ(queue_.take(1), (Calls{call}));
  EXPECT_TRUE(queue_.take(1).empty());
}

TEST_F(CallQueueTest, WakesAWorkerThatWaits) {
  const auto call = new_call();
  Calls taken;
  std::thread worker([&] { taken = queue_.take(1); });
  queue_.add(call);
  worker.join();
  EXPECT_EQ(taken, (Calls{call}));
}

}  // namespace
}  // namespace coach_sms
