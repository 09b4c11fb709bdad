#include "core/twilio/delivery_status.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

namespace coach_sms {
namespace {

std::string ours(const char* provider_status) {
  const char* status = our_status(provider_status);
  return status ? status : "";
}

TEST(DeliveryStatusTest, EveryStatusOfTwiliosEnumIsKnown) {
  for (const char* name :
       {"queued", "sending", "sent", "failed", "delivered", "undelivered", "receiving", "received",
        "accepted", "scheduled", "read", "partially_delivered", "canceled"}) {
    ASSERT_NE(find_delivery_status(name), nullptr) << name;
    EXPECT_STREQ(find_delivery_status(name)->name, name);
  }
  for (const char* name : {"", "Sent", "sent ", "delivery_unknown", "cancelled"}) {
    EXPECT_EQ(find_delivery_status(name), nullptr) << name;
    EXPECT_EQ(our_status(name), nullptr) << name;
  }
}

TEST(DeliveryStatusTest, ThereIsAnOrderOnTheWay) {
  const std::vector<const char*> way = {"scheduled", "accepted",  "queued", "sending",
                                        "sent",      "delivered", "read"};
  for (std::size_t i = 1; i < way.size(); ++i) {
    EXPECT_LT(find_delivery_status(way[i - 1])->rank, find_delivery_status(way[i])->rank) << way[i];
  }
  for (const char* end : {"delivered", "undelivered", "failed", "canceled", "read"}) {
    EXPECT_TRUE(find_delivery_status(end)->is_final) << end;
  }
  for (const char* on_the_way : {"scheduled", "accepted", "queued", "sending", "sent"}) {
    EXPECT_FALSE(find_delivery_status(on_the_way)->is_final) << on_the_way;
  }
}

TEST(DeliveryStatusTest, TwiliosWordsBecomeOurs) {
  for (const char* name :
       {"scheduled", "accepted", "queued", "sending", "sent", "partially_delivered"}) {
    EXPECT_EQ(ours(name), "sent") << name;
  }
  EXPECT_EQ(ours("delivered"), "delivered");
  EXPECT_EQ(ours("read"), "delivered");
  for (const char* name : {"undelivered", "failed", "canceled"})
    EXPECT_EQ(ours(name), "failed");
  EXPECT_EQ(ours("receiving"), "");
  EXPECT_EQ(ours("received"), "");
}

TEST(DeliveryStatusTest, AnyNewsTakesAMessageOutOfTheStatesBeforeSent) {
  for (const char* current : {"pending", "queued", "sending", "unknown"}) {
    for (const char* news : {"queued", "sent", "delivered", "undelivered", "failed"}) {
      EXPECT_TRUE(moves_forward(current, news)) << current << " " << news;
    }
  }
}

TEST(DeliveryStatusTest, SentMovesToAnEndAndNowhereElse) {
  for (const char* news : {"delivered", "read", "undelivered", "failed", "canceled"}) {
    EXPECT_TRUE(moves_forward("sent", news)) << news;
  }
  for (const char* news : {"queued", "accepted", "sending", "sent", "received", "nonsense", ""}) {
    EXPECT_FALSE(moves_forward("sent", news)) << news;
  }
}

TEST(DeliveryStatusTest, TheFirstEndStays) {
  for (const char* current : {"delivered", "failed", "cancelled"}) {
    for (const char* news : {"queued", "sent", "delivered", "undelivered", "failed", "read"}) {
      EXPECT_FALSE(moves_forward(current, news)) << current << " " << news;
      EXPECT_FALSE(moves_forward(current, news, "30003")) << current << " " << news;
    }
  }
}

TEST(DeliveryStatusTest, GivingUpWithoutKnowingIsCorrectedByALateCallback) {
  for (const char* news : {"sent", "delivered", "undelivered"}) {
    EXPECT_TRUE(moves_forward("failed", news, "outcome_unknown")) << news;
  }
  EXPECT_FALSE(moves_forward("failed", "nonsense", "outcome_unknown"));
  EXPECT_FALSE(moves_forward("cancelled", "delivered", "outcome_unknown"));
}

}  // namespace
}  // namespace coach_sms
