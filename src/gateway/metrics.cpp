#include "gateway/metrics.hpp"

#include <utility>

#include "core/base/rapidjson.hpp"
#include "gateway/log.hpp"
#include "gateway/process_figures.hpp"

namespace coach_sms {

namespace {

using namespace std::chrono_literals;

constexpr auto kStatementTimeout = 4s;
constexpr auto kAnswerWithin = 5s;  // Prometheus waits for 10

constexpr char kAsk[] = "SELECT family, type, help, name, labels, value FROM $schema.sms_metrics";
constexpr char kAskByOrg[] =
    "SELECT family, type, help, name, labels, value FROM $schema.sms_metrics_by_org";

// Reads the labels, a flat JSON object of texts.
MetricLabels labels_of(const char* json) {
  rapidjson::Document document;
  document.Parse(json);
  MetricLabels labels;
  if (!document.IsObject()) return labels;
  for (const auto& member : document.GetObject())
    if (member.value.IsString())
      labels.emplace_back(member.name.GetString(), member.value.GetString());
  return labels;
}

void add_rows(const PGresult* rows, MetricText* text) {
  for (int row = 0; row < PQntuples(rows); ++row) {
    const auto column = [&](int number) { return PQgetvalue(rows, row, number); };
    text->begin(column(0), column(1), column(2));
    text->add(column(3), labels_of(column(4)), column(5));
  }
}

}  // namespace

Metrics::Metrics(std::string conninfo, bool by_org, Own own)
    : by_org_(by_org), own_(std::move(own)), database_(std::move(conninfo), kStatementTimeout) {}

Answer Metrics::answer() {
  return kept_.get([this] { return ask(); });
}

Answer Metrics::ask() {
  MetricText text;
  const bool is_up = ask_database(&text);
  text.add_one("coach_sms_database_up", "gauge",
               "1 where the database's figures could be read, 0 where not.", is_up ? 1 : 0);
  own_(&text);
  add_process_figures(&text);
  return {200, "text/plain; version=0.0.4; charset=utf-8", text.text()};
}

// Adds all samples of the database, or none.
bool Metrics::ask_database(MetricText* text) {
  const Clock::time_point deadline = Clock::now() + kAnswerWithin;
  Rows rows;
  Rows rows_by_org;
  const auto ask = [&](const char* statement, Rows* result) {
    return database_.run(statement, {}, deadline, result) == Ending::kDone;
  };
  if (!(database_.is_connected() || database_.connect(deadline)) || !ask(kAsk, &rows) ||
      (by_org_ && !ask(kAskByOrg, &rows_by_org))) {
    if (could_ask_) log_line("the figures of the database cannot be read: " + database_.error());
    could_ask_ = false;
    database_.disconnect();
    return false;
  }
  could_ask_ = true;
  add_rows(rows.get(), text);
  if (by_org_) add_rows(rows_by_org.get(), text);
  return true;
}

}  // namespace coach_sms
