#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace fake_twilio {

// A growing row of values that never move, so that the millionth costs no more than the first
// (std::vector copies all of them now and then, and a benchmark would see it).
template <typename T>
class Blocks {
 public:
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return blocks_[i / kBlock][i % kBlock]; }
  const T& operator[](std::size_t i) const { return blocks_[i / kBlock][i % kBlock]; }

  T& append(const T& value) {
    if (size_ == blocks_.size() * kBlock) blocks_.push_back(std::make_unique<T[]>(kBlock));
    T& place = (*this)[size_++];
    place = value;
    return place;
  }

  void clear() {
    blocks_.clear();
    size_ = 0;
  }

 private:
  static constexpr std::size_t kBlock = 4096;
  std::vector<std::unique_ptr<T[]>> blocks_;
  std::size_t size_ = 0;
};

// Text kept until the program ends: views into it stay valid whoever holds them.
class Arena {
 public:
  std::string_view keep(std::string_view text) {
    if (text.empty()) return {};
    if (text.size() > left_) grow(text.size());
    char* const place = next_;
    std::memcpy(place, text.data(), text.size());
    next_ += text.size();
    left_ -= text.size();
    return {place, text.size()};
  }

 private:
  void grow(std::size_t wanted) {
    constexpr std::size_t kChunk = 1 << 20;
    left_ = wanted > kChunk ? wanted : kChunk;
    chunks_.emplace_back(new char[left_]);
    next_ = chunks_.back().get();
  }

  std::vector<std::unique_ptr<char[]>> chunks_;
  char* next_ = nullptr;
  std::size_t left_ = 0;
};

}  // namespace fake_twilio
