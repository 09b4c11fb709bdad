#pragma once

#include <cstdint>

#include "core/base/moments.hpp"

namespace coach_sms {

// Spreads the messages that waited at the end of quiet hours evenly over a span of time. Of `total`
// messages, the i-th, from 0, may go at from + i * (until - from) / total. Microseconds.
class BacklogRamp {
 public:
  BacklogRamp(std::int64_t from, std::int64_t until, int total)
      : from_(from), until_(until), total_(total) {}

  // Returns how many messages may go now.
  int room(std::int64_t now) const;
  void took(int messages) { taken_ += messages; }
  // Returns when the next message may go; kNever where all have gone.
  std::int64_t next_room_at(std::int64_t now) const;
  // Returns whether all have gone, or the span is over and the rest need no spreading.
  bool is_over(std::int64_t now) const { return taken_ >= total_ || now >= until_; }

 private:
  std::int64_t from_;
  std::int64_t until_;
  int total_;
  int taken_ = 0;
};

}  // namespace coach_sms
