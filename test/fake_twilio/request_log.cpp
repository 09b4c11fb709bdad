#include "request_log.hpp"

#include "text.hpp"

namespace fake_twilio {

namespace {

constexpr const char* kKindNames[] = {"create", "list",    "fetch",  "update",
                                      "delete", "control", "unknown"};
constexpr const char* kOutcomeNames[] = {"arrived",      "accepted",       "refused", "faulted",
                                         "reset-before", "stalled-before", "served"};
constexpr const char* kEndNames[] = {"open", "answered", "broken"};

const char* name_of(Outcome outcome) {
  return kOutcomeNames[static_cast<std::size_t>(outcome)];
}

bool matches(const RequestRow& row, std::string_view to, std::string_view outcome) {
  return (to.empty() || row.to == to) && (outcome.empty() || name_of(row.outcome) == outcome);
}

void append_row(std::string& out, const RequestRow& row) {
  const auto number = [&](const char* name, std::int64_t value) {
    out += name;
    append_number(out, value);
  };
  number("{\"seq\":", static_cast<std::int64_t>(row.number));
  out.append(",\"kind\":\"").append(kKindNames[static_cast<std::size_t>(row.kind)]);
  out.append("\",\"outcome\":\"").append(name_of(row.outcome));
  out.append("\",\"end\":\"").append(kEndNames[static_cast<std::size_t>(row.end)]).append("\"");
  number(",\"status\":", row.status);
  number(",\"code\":", row.code);
  number(",\"message_seq\":", static_cast<std::int64_t>(row.message));
  number(",\"connection\":", static_cast<std::int64_t>(row.connection));
  number(",\"received_at\":", row.received);
  out += ",\"to\":";
  append_json_or_null(out, row.to);
  out += '}';
}

}  // namespace

RequestRow* RequestLog::find(std::uint64_t number) {
  const std::uint64_t index = number - first_number_;
  return index < rows_.size() ? &rows_[index] : nullptr;
}

std::uint64_t RequestLog::arrive(const Exchange& exchange) {
  RequestRow row;
  row.connection = exchange.connection_id;
  row.received = exchange.received;
  row.kind = exchange.kind;
  const std::lock_guard lock(mutex_);
  row.number = first_number_ + rows_.size();
  return rows_.append(row).number;
}

void RequestLog::settle(const Exchange& exchange, Outcome outcome, int code, std::string_view to) {
  const std::lock_guard lock(mutex_);
  RequestRow* row = find(exchange.request);
  if (row == nullptr) return;  // forgotten meanwhile
  if (row->to.empty()) row->to = arena_.keep(to);
  row->outcome = outcome;
  row->code = code;
  row->status = static_cast<std::int16_t>(exchange.answer.status);
  row->message = exchange.message;
}

void RequestLog::end(std::uint64_t number, bool answered) {
  const std::lock_guard lock(mutex_);
  RequestRow* row = find(number);
  if (row) row->end = answered ? RequestRow::End::kAnswered : RequestRow::End::kBroken;
}

void RequestLog::forget_all() {
  const std::lock_guard lock(mutex_);
  first_number_ += rows_.size();
  rows_.clear();
}

std::string RequestLog::json(std::uint64_t since, std::string_view to,
                             std::string_view outcome) const {
  const std::lock_guard lock(mutex_);
  std::string out = "[";
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (rows_[i].number <= since || !matches(rows_[i], to, outcome)) continue;
    if (out.size() > 1) out += ",\n";
    append_row(out, rows_[i]);
  }
  return out + "]\n";
}

std::size_t RequestLog::count(std::string_view to, std::string_view outcome) const {
  const std::lock_guard lock(mutex_);
  std::size_t found = 0;
  for (std::size_t i = 0; i < rows_.size(); ++i)
    found += matches(rows_[i], to, outcome);
  return found;
}

}  // namespace fake_twilio
