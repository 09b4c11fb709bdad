#include "core/sending/endings.hpp"

#include "pg/base/statement.hpp"
#include "pg/shared/shared_state.hpp"

#include "pg/base/pg_api.hpp"

// The counters and histograms in shared memory, for the view sms_metrics.

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_counters);
}

using namespace coach_sms;

namespace {

// Adds rows (family, name, labels, value) to a result.
class Samples {
 public:
  explicit Samples(ReturnSetInfo* result) : result_(result) {}

  // `labels` is JSON. `suffix` is what the name has behind the family's.
  void add(const char* family, const char* labels, double value, const char* suffix = "") {
    Datum values[] = {
        CStringGetTextDatum(family), CStringGetTextDatum(psprintf("%s%s", family, suffix)),
        DirectFunctionCall1(jsonb_in, CStringGetDatum(labels)), Float8GetDatum(value)};
    bool nulls[] = {false, false, false, false};
    tuplestore_putvalues(result_->setResult, result_->setDesc, values, nulls);
  }

  void add(const char* family, const LatencyHistogram& histogram) {
    for (int i = 0; i < LatencyHistogram::kEdges; ++i)
      add(family, psprintf(R"({"le": "%.3f"})", LatencyHistogram::edge_seconds(i)),
          static_cast<double>(histogram.count_up_to(i)), "_bucket");
    const auto count = static_cast<double>(histogram.count());
    add(family, R"({"le": "+Inf"})", count, "_bucket");
    add(family, "{}", histogram.sum_seconds(), "_sum");
    add(family, "{}", count, "_count");
  }

 private:
  ReturnSetInfo* result_;
};

void add_requests(Samples* samples, const SenderInfo& info) {
  constexpr struct {
    const char* outcome;
    Counter counter;
  } kOutcomes[] = {{"accepted", Counter::kAccepted},
                   {"rejected", Counter::kRejected},
                   {"retried", Counter::kRetried},
                   {"unknown", Counter::kUnknown}};
  for (const auto& each : kOutcomes)
    samples->add("coach_sms_requests_total", psprintf(R"({"outcome": "%s"})", each.outcome),
                 static_cast<double>(info.counters[static_cast<int>(each.counter)]));
}

void add_endings(Samples* samples, const SenderInfo& info) {
  for (int i = 0; i < kEndingCount; ++i)
    samples->add("coach_sms_messages_final_total",
                 psprintf(R"({"status": "%s", "error_class": "%s"})", kEndings[i].status,
                          kEndings[i].error_class),
                 static_cast<double>(info.counts.endings[i]));
}

void add_webhook_calls(Samples* samples, const SenderInfo& info) {
  for (int i = 0; i < kWebhookStatusCount; ++i)
    samples->add("coach_sms_webhook_calls_total",
                 psprintf(R"({"status": "%d"})", kWebhookStatuses[i]),
                 static_cast<double>(info.counts.webhook_calls[i]));
}

}  // namespace

// sms_counters() → (family, name, labels, value): this database's counters since the server's
// start; no row where the library is not preloaded, or the launcher has not read the database yet
Datum coach_sms_counters(PG_FUNCTION_ARGS) {
  Samples samples(init_materialized_srf(fcinfo));
  SenderInfo info;
  if (!read_sender(MyDatabaseId, &info)) return Datum{0};
  add_requests(&samples, info);
  samples.add("coach_sms_request_duration_seconds", read_latency(MyDatabaseId, Latency::kRequest));
  samples.add("coach_sms_commit_to_request_seconds",
              read_latency(MyDatabaseId, Latency::kCommitToRequest));
  add_endings(&samples, info);
  add_webhook_calls(&samples, info);
  samples.add("coach_sms_segments_total", "{}", static_cast<double>(info.counts.segments));
  samples.add("coach_sms_counters_begin_seconds", "{}",
              static_cast<double>(timestamptz_to_time_t(info.counting_since)));
  samples.add("coach_sms_sender_restarts_total", "{}", info.starts > 0 ? info.starts - 1.0 : 0);
  return Datum{0};
}
