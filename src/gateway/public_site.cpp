#include "gateway/public_site.hpp"

#include <cstdlib>
#include <utility>

#include "core/base/url.hpp"
#include "core/base/utf8.hpp"
#include "core/webhook/form.hpp"
#include "gateway/called_url.hpp"

namespace coach_sms {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kAlwaysTaken = 8 * 1024;  // of a body, however many others arrive
constexpr std::size_t kMostDropped = 1 << 20;   // of a larger body, before its connection ends

const Answer kNotFound{404, "text/plain", "there is nothing here\n"};
const Answer kNotAllowed{405, "text/plain", "this page takes POST only\n", {{"Allow", "POST"}}};
const Answer kTooLarge{413, "text/plain", "the call is too large\n"};
const Answer kNoForm{400, "text/plain", "the call is no form\n"};
const Answer kBusy{503, "text/plain", "too many calls are held: try again\n"};

// Returns whether the text can be a value of PostgreSQL's type text.
bool is_text(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return false;
  for (std::size_t at = 0; at < text.size();)
    if (decode_utf8(text, at) == kNotUtf8) return false;
  return true;
}

// Returns the signature. A call that a shared key signed has another header as well: its name in
// the signature's place makes the refusal clear.
std::string signature_of(MHD_Connection* connection) {
  constexpr const char* kSharedKey = "X-Twilio-Webhooks-Signature-Settings";
  const std::string_view shared_key = header(connection, kSharedKey);
  if (!shared_key.empty()) return std::string(kSharedKey) + ": " + std::string(shared_key);
  return std::string(header(connection, "X-Twilio-Signature"));
}

void resume(void* connection) {
  MHD_resume_connection(static_cast<MHD_Connection*>(connection));
}

}  // namespace

struct PublicSite::Posting : Visit {
  explicit Posting(std::atomic<std::size_t>* counter) : arriving(counter) {}
  ~Posting() override { forget_body(); }

  // Returns the body, which is whole.
  std::string take_body() {
    std::string taken = std::move(content);
    arriving->fetch_sub(taken.size());
    content.clear();
    return taken;
  }
  void forget_body() { take_body(); }

  std::string content;
  std::size_t dropped = 0;  // bytes behind the largest body
  const Answer* refusal = nullptr;
  std::shared_ptr<Call> call;  // once it is held
  std::atomic<std::size_t>* arriving;
};

std::unique_ptr<Visit> PublicSite::new_visit() {
  return std::make_unique<Posting>(&arriving_);
}

MHD_Result PublicSite::begin(Visit* visit, MHD_Connection* connection) {
  if (path_of(visit->target) != options_->path) return give(kNotFound, visit, connection);
  if (visit->method != MHD_HTTP_METHOD_POST) return give(kNotAllowed, visit, connection);
  const std::string length(header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH));
  if (visit->target.size() > kMaxUrlSize ||
      std::strtoull(length.c_str(), nullptr, 10) > kMaxFormSize)
    return give(kTooLarge, visit, connection);
  return MHD_YES;
}

MHD_Result PublicSite::body(Visit* visit, const char* data, std::size_t size) {
  auto* posting = static_cast<Posting*>(visit);
  if (posting->content.size() + size > kMaxFormSize) posting->refusal = &kTooLarge;
  if (posting->content.size() + size > kAlwaysTaken && arriving_ + size > options_->held_bytes)
    posting->refusal = &kBusy;
  if (posting->refusal != nullptr) {
    posting->forget_body();
    posting->dropped += size;
    return posting->dropped > kMostDropped ? MHD_NO : MHD_YES;
  }
  posting->content.append(data, size);
  arriving_ += size;
  return MHD_YES;
}

MHD_Result PublicSite::end(Visit* visit, MHD_Connection* connection, HttpServer* server) {
  auto* posting = static_cast<Posting*>(visit);
  if (posting->refusal != nullptr) return give(*posting->refusal, visit, connection);
  if (posting->call == nullptr) return hold(posting, connection, server);
  return give(*posting->call->answer(), visit, connection);
}

// Suspends the connection until a worker, or the end of the call's time, has answered the call.
MHD_Result PublicSite::hold(Posting* posting, MHD_Connection* connection, HttpServer* server) {
  std::string signature = signature_of(connection);
  std::string url = called_url(header(connection, MHD_HTTP_HEADER_HOST),
                               header(connection, "X-Forwarded-Proto"), posting->target);
  std::string content = posting->take_body();
  if (!is_text(url) || !is_text(content) || !is_text(signature))
    return give(kNoForm, posting, connection);
  posting->call = std::make_shared<Call>(std::move(url), std::move(content), std::move(signature),
                                         Clock::now() + options_->hold_time, resume, connection);
  server->extend(connection, options_->hold_time + options_->request_time);
  MHD_suspend_connection(connection);
  if (add(posting->call)) return MHD_YES;
  MHD_resume_connection(connection);
  posting->call = nullptr;
  posting->refusal = &kBusy;
  return MHD_YES;
}

// Returns false where there is no room for the call, or no memory.
bool PublicSite::add(const std::shared_ptr<Call>& call) try {
  return queue_->add(call);
} catch (const std::bad_alloc&) {
  return false;
}

}  // namespace coach_sms
