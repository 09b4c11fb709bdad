#pragma once

#include <cstdint>

#include "core/sending/lanes.hpp"

namespace coach_sms {

// What waited when quiet hours ended, spread evenly over a while: of `total` messages the i-th,
// from 0, may go at from + i * (until - from) / total. Microseconds.
class BacklogRamp {
 public:
  BacklogRamp(std::int64_t from, std::int64_t until, int total)
      : from_(from), until_(until), total_(total) {}

  // How many may go now.
  int room(std::int64_t now) const;
  void took(int messages) { taken_ += messages; }
  // When the next one may go; kNever where all have gone.
  std::int64_t next_room_at(std::int64_t now) const;
  // All have gone, or the while is over and the rest need not be spread.
  bool is_over(std::int64_t now) const { return taken_ >= total_ || now >= until_; }

 private:
  std::int64_t from_;
  std::int64_t until_;
  int total_;
  int taken_ = 0;
};

}  // namespace coach_sms
