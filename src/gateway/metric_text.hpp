#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coach_sms {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;  // names and values

// Prometheus's text format, version 0.0.4
// (prometheus.io/docs/instrumenting/exposition_formats). Texts are UTF-8.
class MetricText {
 public:
  // Begins a metric, unless it is the one that the last sample belongs to.
  void begin(std::string_view family, std::string_view type, std::string_view help);
  // Adds a sample. `value` is a number in digits, NaN, Infinity or -Infinity.
  void add(std::string_view name, const MetricLabels& labels, std::string_view value);
  // Adds a metric with one sample.
  void add_one(std::string_view family, std::string_view type, std::string_view help, double value);

  const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
  std::string family_;
};

}  // namespace coach_sms
