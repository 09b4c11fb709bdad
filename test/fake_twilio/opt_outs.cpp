#include "opt_outs.hpp"

#include <algorithm>
#include <array>

namespace fake_twilio {

namespace {

constexpr std::array<std::string_view, 8> kStopWords = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL",
                                                        "END",  "QUIT",    "REVOKE",      "OPTOUT"};
constexpr std::array<std::string_view, 3> kStartWords = {"START", "YES", "UNSTOP"};

// OptOutType if there is one, else the body, in capitals and without blanks around it.
std::string word_of(const InboundText& text) {
  std::string word = text.opt_out_type.empty() ? text.body : text.opt_out_type;
  word.erase(0, word.find_first_not_of(" \r\n\t"));
  word.erase(word.find_last_not_of(" \r\n\t") + 1);
  std::transform(word.begin(), word.end(), word.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return word;
}

template <class Words>
bool is_one_of(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

void OptOuts::hear(const InboundText& text) {
  const std::string word = word_of(text);
  const bool stop = is_one_of(kStopWords, word);
  if (!stop && !is_one_of(kStartWords, word)) return;
  const std::lock_guard lock(mutex_);
  for (const std::string& sender : {text.to, text.service}) {
    if (sender.empty()) continue;
    if (stop)
      blocked_.emplace(sender, text.from);
    else
      blocked_.erase({sender, text.from});
  }
}

bool OptOuts::blocks(const Order& order) const {
  const std::lock_guard lock(mutex_);
  const std::string_view sender = order.service.empty() ? order.from : order.service;
  return blocked_.count({std::string(sender), std::string(order.to)}) != 0;
}

void OptOuts::forget_all() {
  const std::lock_guard lock(mutex_);
  blocked_.clear();
}

}  // namespace fake_twilio
