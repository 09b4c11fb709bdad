#pragma once

#include <cstdint>

namespace coach_sms {

// A token bucket for a sender's rate in segments a second. It fills at that rate and holds one
// second's worth, but at least one segment. A message with more segments than it holds puts it into
// debt. Microseconds.
class TokenBucket {
 public:
  explicit TokenBucket(double per_second) { configure(per_second); }

  // Sets the rate; the bucket keeps its content, up to the new size.
  void configure(double per_second);

  // Returns how many messages may go now, each of at least one segment.
  int room(std::int64_t now);
  // Takes the segments of a message that goes now.
  void took(int segments, std::int64_t now);
  // Returns when there is room: now, or later.
  std::int64_t next_room_at(std::int64_t now);

 private:
  void fill(std::int64_t now);

  double per_second_ = 1;
  double most_ = 1;
  double held_ = 1;
  std::int64_t filled_at_ = 0;
};

}  // namespace coach_sms
