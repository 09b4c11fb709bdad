#include "resources.hpp"

#include <algorithm>

#include "text.hpp"

namespace fake_twilio {

namespace {

constexpr Refusal kFine = {200, 0, ""};
constexpr Refusal kNotFound = {404, 20404, "The requested resource was not found"};
constexpr Micros kDay = 24 * 3600 * kSecond;

std::optional<Message> message_named(World& world, const Exchange& exchange) {
  std::string_view sid = exchange.resource.substr(std::string_view("Messages/").size());
  constexpr std::string_view kEnding = ".json";
  if (sid.size() < kEnding.size() || sid.substr(sid.size() - kEnding.size()) != kEnding) return {};
  sid.remove_suffix(kEnding.size());
  const auto number = world.mint.number_of(sid);
  if (!number) return {};
  const auto message = world.ledger.find(*number);
  if (!message || message->deleted || message->account != exchange.account) return {};
  return message;
}

Refusal fetch(World& world, Exchange& exchange) {
  const auto message = message_named(world, exchange);
  if (!message) return kNotFound;
  exchange.message = message->number;
  append_resource(exchange.answer.body, *message, world.mint);
  return kFine;
}

Refusal update(World& world, Exchange& exchange) {
  const auto message = message_named(world, exchange);
  if (!message) return kNotFound;
  const auto status = exchange.form.find("Status");
  const auto body = exchange.form.find("Body");
  if (status.has_value() == body.has_value() || (status && *status != "canceled") ||
      (body && !body->empty())) {
    return {400, 30400, "Parameters are not valid"};
  }
  if (status && is_final(message->status)) return {409, 30409, "This message cannot be canceled"};
  world.ledger.change(message->number, [&](Message& found) {
    found.updated = world.clock.twilio_now();
    if (status) found.status = Status::kCanceled;
    if (body) found.redacted = true;
  });
  return fetch(world, exchange);
}

Refusal remove(World& world, Exchange& exchange) {
  const auto message = message_named(world, exchange);
  if (!message) return kNotFound;
  world.ledger.change(message->number, [](Message& found) { found.deleted = true; });
  exchange.answer.status = 204;
  return {204, 0, ""};
}

// Reads the three DateSent filters; the sign is part of the parameter's name. False for a date
// that none can read.
bool read_dates(const Form& query, ListFilter& filter) {
  for (const char* name : {"DateSent", "DateSent>", "DateSent<"}) {
    const auto text = query.find(name);
    if (!text) continue;
    const auto date = parse_date(*text);
    if (!date) return false;
    const Micros after = date->time + (date->whole_day ? kDay : 1);
    const char sign = name[std::string_view("DateSent").size()];
    if (sign != '<') filter.sent_from = date->time;
    if (sign != '>') filter.sent_before = after;
  }
  return true;
}

// What a page was asked for, and how to ask for it again.
struct PageRequest {
  std::int64_t page;
  std::int64_t size;
  std::string uri;  // path and filters, without Page and PageToken
};

PageRequest page_request(const Exchange& exchange) {
  PageRequest request{parse_number(exchange.query.get("Page")).value_or(0),
                      parse_number(exchange.query.get("PageSize")).value_or(50), ""};
  request.size = std::clamp<std::int64_t>(request.size, 1, 1000);
  request.uri.append(exchange.url).append("?");
  for (const auto& [name, value] : exchange.query.fields()) {
    if (name == "Page" || name == "PageToken" || name == "PageSize") continue;
    append_percent(request.uri, name);
    request.uri += '=';
    append_percent(request.uri, value);
    request.uri += '&';
  }
  request.uri += "PageSize=";
  append_number(request.uri, request.size);
  return request;
}

void append_uri(std::string& out, const PageRequest& request, std::int64_t page,
                const std::string& token) {
  std::string uri = request.uri + "&Page=";
  append_number(uri, page);
  if (!token.empty()) uri.append("&PageToken=").append(token);
  append_json(out, uri);
}

void append_page(std::string& out, const World& world, const PageRequest& request,
                 const std::vector<Message>& messages, bool more, std::string_view token) {
  out += "{\"first_page_uri\": ";
  append_uri(out, request, 0, "");
  out += ", \"end\": ";
  const std::int64_t start = request.page * request.size;
  append_number(out,
                start + std::max<std::int64_t>(static_cast<std::int64_t>(messages.size()), 1) - 1);
  out += ", \"messages\": [";
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (i != 0) out += ", ";
    append_resource(out, messages[i], world.mint);
  }
  out += "], \"next_page_uri\": ";
  if (more) {
    append_uri(out, request, request.page + 1, "PA" + world.mint.sid_of(messages.back().number));
  } else {
    out += "null";
  }
  out += ", \"page\": ";
  append_number(out, request.page);
  out += ", \"page_size\": ";
  append_number(out, request.size);
  out += ", \"previous_page_uri\": null, \"start\": ";
  append_number(out, start);
  out += ", \"uri\": ";
  append_uri(out, request, request.page, std::string(token));
  out += '}';
}

Refusal list(World& world, Exchange& exchange) {
  ListFilter filter;
  filter.account = exchange.account;
  filter.to = exchange.query.get("To");
  filter.from = exchange.query.get("From");
  filter.created_until = world.clock.twilio_now() - world.list_lag;
  if (!read_dates(exchange.query, filter)) return {400, 20001, "DateSent is not a date"};
  const std::string_view token = exchange.query.get("PageToken");
  if (!token.empty()) {
    const auto last = world.mint.number_of(token.substr(std::min<std::size_t>(2, token.size())));
    if (!last) return {400, 20001, "PageToken is not one of ours"};
    filter.older_than = *last;
  }
  const PageRequest request = page_request(exchange);
  const auto limit = static_cast<std::size_t>(request.size);
  std::vector<Message> messages = world.ledger.list(filter, limit + 1);
  const bool more = messages.size() > limit;
  if (more) messages.pop_back();
  append_page(exchange.answer.body, world, request, messages, more, token);
  return kFine;
}

}  // namespace

Refusal serve(World& world, Exchange& exchange) {
  exchange.answer.status = 200;
  if (world.options.magic)
    return {403, 20008, "Resource not accessible with Test Account Credentials"};
  switch (exchange.kind) {
    case Kind::kList:
      return list(world, exchange);
    case Kind::kFetch:
      return fetch(world, exchange);
    case Kind::kUpdate:
      return update(world, exchange);
    case Kind::kDelete:
      return remove(world, exchange);
    default:
      return kNotFound;
  }
}

}  // namespace fake_twilio
