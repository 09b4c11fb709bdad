#pragma once

#include <functional>
#include <string>

#include "gateway/database.hpp"
#include "gateway/kept_answer.hpp"
#include "gateway/metric_text.hpp"

namespace coach_sms {

// The answer to /metrics, in Prometheus's text format: the samples of sms_metrics, on demand those
// of sms_metrics_by_org, and the gateway's own. The database is asked once a second at most, over a
// connection of its own. Where that fails, coach_sms_database_up is 0, and its samples are missing.
// May be called from any thread.
class Metrics {
 public:
  // The gateway's own figures, added to the text.
  using Own = std::function<void(MetricText*)>;

  Metrics(std::string conninfo, bool by_org, Own own);
  Answer answer();
  // Lets a question under way end at once.
  void give_up() noexcept { database_.give_up(); }

 private:
  Answer ask();
  bool ask_database(MetricText* text);

  bool by_org_;
  Own own_;
  Database database_;
  bool could_ask_ = true;  // the last time; the log has each change to the worse
  KeptAnswer kept_;
};

}  // namespace coach_sms
