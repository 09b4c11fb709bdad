#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace coach_sms {

// A histogram of request times from 64 microseconds to two minutes. Its buckets split each power of
// two into eight, so a time is exact to 12.5 %. It is plain data of fixed size in shared memory.
// One process writes it; others may read a count that is one behind.
class LatencyHistogram {
 public:
  void add(int64_t microseconds) {
    if (total_ >= kForgetAt) halve();
    buckets_[bucket_of(microseconds)]++;
    total_++;
  }

  // Returns the time in milliseconds that this share (0 to 1) of the requests did not exceed; 0
  // without requests.
  double percentile_ms(double share) const {
    auto wanted = static_cast<uint32_t>(std::ceil(share * total_));
    int64_t edge = 0;
    for (int i = 0; i < kBuckets; i++) {
      if (buckets_[i] == 0) continue;
      edge = upper_edge(i);
      if (buckets_[i] >= wanted) break;
      wanted -= buckets_[i];
    }
    return static_cast<double>(edge) / 1000.0;
  }

 private:
  static constexpr int kSubBits = 3;
  static constexpr int kLowestPower = 6;
  static constexpr int kPowers = 21;
  static constexpr int kBuckets = kPowers << kSubBits;
  static constexpr uint32_t kForgetAt = 8192;  // the total from which older requests count half

  static int bucket_of(int64_t microseconds) {
    const auto value = static_cast<uint64_t>(microseconds < 0 ? 0 : microseconds);
    if (value < (1U << kLowestPower)) return 0;
    const int power = static_cast<int>(std::bit_width(value)) - 1;
    if (power >= kLowestPower + kPowers) return kBuckets - 1;
    const int sub = static_cast<int>(value >> (power - kSubBits)) & ((1 << kSubBits) - 1);
    return ((power - kLowestPower) << kSubBits) + sub;
  }

  static int64_t upper_edge(int bucket) {
    const int power = kLowestPower + (bucket >> kSubBits);
    const int64_t sub = bucket & ((1 << kSubBits) - 1);
    return ((int64_t{1} << kSubBits) + sub + 1) << (power - kSubBits);
  }

  void halve() {
    uint32_t total = 0;
    for (uint32_t& bucket : buckets_)
      total += bucket /= 2;
    total_ = total;
  }

  uint32_t total_;
  uint32_t buckets_[kBuckets];
};

}  // namespace coach_sms
