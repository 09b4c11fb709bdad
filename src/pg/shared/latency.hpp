#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace coach_sms {

// A histogram of times from a sixteenth of a millisecond to two minutes. Its buckets split each
// power of two, in milliseconds, into eight, so a time is exact to 12.5 %. It counts from the
// server's start on, and its percentiles are those of the last few thousand times. It is plain data
// of fixed size in shared memory. One process writes it without a lock; others may read a count
// that is one behind, and percentiles that mix two times.
class LatencyHistogram {
 public:
  void add(int64_t microseconds) {
    if (total_ - mark_.total >= kRecent) {
      begin_ = mark_;
      memcpy(mark_.buckets, buckets_, sizeof buckets_);
      mark_.total = total_;
    }
    buckets_[bucket_of(microseconds)]++;
    sum_ += microseconds < 0 ? 0 : static_cast<uint64_t>(microseconds);
    total_++;
  }

  // Returns the time in milliseconds that this share (0 to 1) of the last times (4,096 to 8,192 of
  // them) did not exceed; 0 where there is none.
  double percentile_ms(double share) const {
    auto wanted =
        static_cast<uint64_t>(std::ceil(share * static_cast<double>(total_ - begin_.total)));
    int64_t edge = 0;
    for (int i = 0; i < kBuckets; i++) {
      const uint64_t count = buckets_[i] - begin_.buckets[i];
      if (count == 0) continue;
      edge = upper_edge(i);
      if (count >= wanted) break;
      wanted -= count;
    }
    return static_cast<double>(edge) / kUnits;
  }

  // The edges of Prometheus's buckets: 1 ms, and each power of two of it below two minutes.
  static constexpr int kEdges = 17;
  static double edge_seconds(int edge) { return static_cast<double>(1 << edge) / 1000; }
  // Returns how many times did not exceed the edge.
  uint64_t count_up_to(int edge) const {
    return count_below((kPowerOfMillisecond + edge - kLowestPower) << kSubBits);
  }
  uint64_t count() const { return count_below(kBuckets); }
  double sum_seconds() const { return static_cast<double>(sum_) / 1e6; }

 private:
  // A time is counted in units of 1/1024 ms.
  static constexpr int64_t kUnits = 1024;
  static constexpr int kPowerOfMillisecond = 10;
  static constexpr int kSubBits = 3;
  static constexpr int kLowestPower = 6;
  static constexpr int kPowers = 21;
  static constexpr int kBuckets = kPowers << kSubBits;
  static constexpr uint64_t kRecent = 4096;
  static constexpr int64_t kLongest = int64_t{1} << 31;  // in microseconds; longer than any bucket

  // What had been counted at some time.
  struct Counted {
    uint64_t total;
    uint64_t buckets[kBuckets];
  };

  uint64_t count_below(int bucket) const {
    uint64_t count = 0;
    for (int i = 0; i < bucket; i++)
      count += buckets_[i];
    return count;
  }

  // Returns the bucket whose upper edge is the first that the time does not exceed.
  static int bucket_of(int64_t microseconds) {
    if (microseconds <= 0) return 0;
    const int64_t time = microseconds < kLongest ? microseconds : kLongest;
    const auto value = static_cast<uint64_t>((time * kUnits + 999) / 1000 - 1);
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

  uint64_t total_;
  uint64_t sum_;  // in microseconds
  uint64_t buckets_[kBuckets];
  Counted mark_;   // the last times begin here once as many have come again
  Counted begin_;  // the last times begin here
};

}  // namespace coach_sms
