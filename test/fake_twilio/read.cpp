#include <algorithm>

#include "json.hpp"
#include "request.hpp"

namespace fake_twilio {

namespace {

constexpr Refusal kNotFound = {404, 20404, "The requested resource was not found"};

std::optional<Refusal> fetch(World& world, Request& request) {
  std::string_view sid = request.resource;  // Messages/SM....json
  if (!sid.ends_with(".json")) return kNotFound;
  sid.remove_suffix(std::string_view(".json").size());
  sid.remove_prefix(std::string_view("Messages/").size());
  const auto message = world.records.find(sid);
  if (!message || message->account != request.account) return kNotFound;
  request.row.message = message->number;
  request.answer.body = resource_of(*message);
  return {};
}

// A page as it was asked for.
struct Page {
  std::int64_t number;
  std::int64_t size;
  std::uint64_t before;  // the oldest message of the page before; 0: the first page
  std::string uri;       // with the filter, without Page and PageToken
};

std::optional<Page> read_page(World& world, const Request& request) {
  Page page = {};
  page.number = parse_number(request.query.get("Page")).value_or(0);
  page.size = parse_number(request.query.get("PageSize")).value_or(50);
  page.size = std::clamp<std::int64_t>(page.size, 1, 1000);
  page.uri = request.path + "?";
  if (!request.row.to.empty()) page.uri += "To=" + percent_encoded(request.row.to) + "&";
  page.uri += "PageSize=" + std::to_string(page.size);
  const std::string_view token = request.query.get("PageToken");
  if (token.empty()) return page;
  const auto last = world.records.find(token.substr(std::min<std::size_t>(2, token.size())));
  if (!last) return {};
  page.before = last->number;
  return page;
}

std::string uri_of(const Page& page, std::int64_t number, const std::string& token) {
  return page.uri + "&Page=" + std::to_string(number) +
         (token.empty() ? "" : "&PageToken=" + token);
}

std::string page_json(const Page& page, const std::vector<Message>& messages, bool more,
                      const std::string& token) {
  JsonArray resources;
  for (const Message& message : messages)
    resources.add(resource_of(message));
  const std::int64_t start = page.number * page.size;
  const auto count = std::max<std::int64_t>(static_cast<std::int64_t>(messages.size()), 1);
  const std::string next =
      more ? uri_of(page, page.number + 1, "PA" + messages.back().sid) : std::string();
  return JsonObject()
      .text("first_page_uri", uri_of(page, 0, ""))
      .number("end", start + count - 1)
      .add("messages", resources.end())
      .text_or_null("next_page_uri", next)
      .number("page", page.number)
      .number("page_size", page.size)
      .add("previous_page_uri", "null")
      .number("start", start)
      .text("uri", uri_of(page, page.number, token))
      .end();
}

std::optional<Refusal> list(World& world, Request& request) {
  const auto page = read_page(world, request);
  if (!page) return Refusal{400, 20001, "PageToken is not one of ours"};
  const Micros until = now() - world.list_lag_s * kSecond;
  const std::string& to = request.row.to;
  const auto limit = static_cast<std::size_t>(page->size);
  auto messages = world.records.newest(limit + 1, page->before, to, [&](const Message& message) {
    return message.account == request.account && message.received <= until;
  });
  const bool more = messages.size() > limit;
  if (more) messages.pop_back();
  const std::string token(request.query.get("PageToken"));
  request.answer.body = page_json(*page, messages, more, token);
  return {};
}

}  // namespace

std::optional<Refusal> serve_read(World& world, Request& request) {
  if (request.row.kind == Kind::kList) return list(world, request);
  if (request.row.kind == Kind::kFetch) return fetch(world, request);
  return kNotFound;
}

}  // namespace fake_twilio
