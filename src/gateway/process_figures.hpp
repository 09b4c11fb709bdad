#pragma once

#include "gateway/metric_text.hpp"

namespace coach_sms {

// Adds the metrics of this process, under the names that Prometheus's client libraries give them
// (prometheus.io/docs/instrumenting/writing_clientlibs). What /proc does not show is left out.
void add_process_figures(MetricText* text);

}  // namespace coach_sms
