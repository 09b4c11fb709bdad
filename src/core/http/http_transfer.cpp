#include "core/http/http_transfer.hpp"

#include <openssl/ssl.h>
#include <poll.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "core/base/ascii.hpp"
#include "core/base/error.hpp"

namespace coach_sms {

static_assert(LIBCURL_VERSION_NUM >= 0x075700, "libcurl 7.87 or newer is needed (QUICK_EXIT)");

namespace {

// Load balancers drop a connection after about a minute without traffic (AWS: 60 s, nginx: 75 s). A
// request that meets such a drop ends as unanswered, so older connections are not used again.
constexpr long kIdleSeconds = 30;

// A changed ca_file takes effect after this long. Until then, new connections do not read it.
constexpr long kTrustCacheSeconds = 60;

// libcurl does not check the time of requests that wait for a connection (MSTATE_PENDING), and
// checks it late for those that waited. The pool gives a request up this long after libcurl should
// have.
constexpr std::int64_t kGraceUs = 50'000;

// Removes the header "Expect: 100-continue", which would cost a round trip. All handles share this
// list; it is never freed or changed.
curl_slist no_expect_text[1] = {{const_cast<char*>("Expect:"), nullptr}};

int on_before_send(void* self, char*, char*, int, int local_port) noexcept {
  return static_cast<HttpTransfer*>(self)->may_send(local_port) ? CURL_PREREQFUNC_OK
                                                                : CURL_PREREQFUNC_ABORT;
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* self) noexcept {
  static_cast<HttpTransfer*>(self)->take_header({data, size});
  return size;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* self) noexcept {
  return static_cast<HttpTransfer*>(self)->take_body({data, size}) ? size : CURL_WRITEFUNC_ERROR;
}

bool starts_with_name(std::string_view line, std::string_view name) noexcept {
  return line.size() > name.size() && line[name.size()] == ':' &&
         equals_ignoring_case(line.substr(0, name.size()), name);
}

// Returns the text's first 256 bytes, with '?' for all but printable ASCII. A server may put
// anything into a header or a certificate, and libcurl quotes them in its errors.
std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 256;
  std::string clean(text.substr(0, kLongest));
  std::replace_if(
      clean.begin(), clean.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return clean;
}

std::string header_value(std::string_view line, std::size_t name_length) {
  line.remove_prefix(name_length + 1);
  const auto first = line.find_first_not_of(" \t");
  const auto last = line.find_last_not_of(" \t\r\n");
  return last == std::string_view::npos || first > last
             ? std::string()
             : printable(line.substr(first, last - first + 1));
}

// Returns whether this server lacks something that each of its requests needs, or has it set
// wrongly. The usual case is a missing CA bundle.
bool is_own_trouble(CURLcode code) noexcept {
  switch (code) {
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_NOT_BUILT_IN:
    case CURLE_FAILED_INIT:
    case CURLE_OUT_OF_MEMORY:
      return true;
    default:
      return false;
  }
}

std::int64_t microseconds(std::chrono::microseconds time) noexcept {
  return time.count();
}

constexpr std::string_view kRetryAfter = "retry-after";
constexpr std::string_view kRequestId = "twilio-request-id";

}  // namespace

HttpTransfer::HttpTransfer(std::shared_ptr<const HttpOptions> options, WallClock now_us,
                           HttpSockets& sockets)
    : options_(std::move(options)), sockets_(sockets), easy_(curl_easy_init()), now_us_(now_us) {
  if (!easy_) throw Error(ErrorKind::kInternal, "libcurl gave no handle");
  set_callbacks();
  set_limits();
  set_trust();
}

template <typename Value>
void HttpTransfer::set(CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(easy_.get(), option, value);
  if (code == CURLE_OK) return;
  throw Error(ErrorKind::kInternal, "libcurl refused option " + std::to_string(option),
              curl_easy_strerror(code));
}

void HttpTransfer::set_callbacks() {
  set(CURLOPT_PRIVATE, this);
  set(CURLOPT_PREREQFUNCTION, &on_before_send);
  set(CURLOPT_PREREQDATA, this);
  set(CURLOPT_HEADERFUNCTION, &on_header);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &on_body);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_OPENSOCKETFUNCTION, &HttpSockets::on_open);
  set(CURLOPT_OPENSOCKETDATA, &sockets_);
  set(CURLOPT_CLOSESOCKETFUNCTION, &HttpSockets::on_close);
  set(CURLOPT_CLOSESOCKETDATA, &sockets_);
  set(CURLOPT_ERRORBUFFER, error_.data());
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_QUICK_EXIT, 1L);  // else give_up() waits for the resolver's thread
}

void HttpTransfer::set_limits() {
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_->connect_timeout.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(options_->request_timeout.count()));
  set(CURLOPT_MAXAGE_CONN, kIdleSeconds);
  set(CURLOPT_TCP_NODELAY, 1L);
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTPHEADER, no_expect_text);
  set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);  // a proxy's headers are not the server's
  set(CURLOPT_PROXY, options_->proxy.c_str());
  set(CURLOPT_NOPROXY, "");
  set(CURLOPT_BUFFERSIZE, 4'096L);  // a thousand requests in flight stay small in memory
  set(CURLOPT_UPLOAD_BUFFERSIZE, 16'384L);
  if (!options_->user_agent.empty()) set(CURLOPT_USERAGENT, options_->user_agent.c_str());
}

void HttpTransfer::set_trust() {
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_CA_CACHE_TIMEOUT, kTrustCacheSeconds);
  if (!options_->ca_file.empty()) set(CURLOPT_CAINFO, options_->ca_file.c_str());
  // A CA folder beside the file would widen the trust, and libcurl caches no store that has one.
  const char* bundle = nullptr;
  curl_easy_getinfo(easy_.get(), CURLINFO_CAINFO, &bundle);
  if (bundle != nullptr || !options_->ca_file.empty()) {
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
}

void HttpTransfer::prepare(std::uint64_t tag, HttpRequest request, std::int64_t send_before_us) {
  request_ = std::move(request);
  result_ = HttpResult{};
  result_.tag = tag;
  give_up_at_us_ = now_us_() + microseconds(options_->request_timeout) + kGraceUs;
  send_before_us_ = send_before_us;
  sent_ = false;
  stale_ = fresh_ = false;
  spoken_ = Spoken::kUnknown;
  host_ = request_.url.substr(0, request_.url.find('/', std::strlen("https://")));
  refusal_ = nullptr;
  error_[0] = '\0';

  may_share_ = options_->http2 && request_.url.starts_with("https:");
  set(CURLOPT_HTTP_VERSION,
      static_cast<long>(may_share_ ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  set(CURLOPT_PIPEWAIT, 0L);
  set(CURLOPT_FRESH_CONNECT, 0L);
  set(CURLOPT_URL, request_.url.c_str());
  set(CURLOPT_USERNAME, request_.user.empty() ? nullptr : request_.user.c_str());
  // The view is over a std::string, so a NUL follows it.
  set(CURLOPT_PASSWORD, request_.user.empty() ? nullptr : request_.password.view().data());
  if (request_.method == "GET") {
    set(CURLOPT_HTTPGET, 1L);
  } else {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    set(CURLOPT_POSTFIELDS, request_.body.c_str());
  }
}

void HttpTransfer::set_sharing(Spoken spoken) {
  set(CURLOPT_PIPEWAIT, may_share_ && spoken == Spoken::kHttp2 ? 1L : 0L);
}

void HttpTransfer::use_fresh_connection() {
  stale_ = false;
  fresh_ = true;
  refusal_ = nullptr;
  error_[0] = '\0';
  set(CURLOPT_FRESH_CONNECT, 1L);
  set(CURLOPT_PIPEWAIT, 0L);
}

// Returns the connection's TLS session; nullptr without TLS, or where libcurl has another TLS
// library.
const SSL* HttpTransfer::session() const noexcept {
  curl_tlssessioninfo* info = nullptr;
  curl_easy_getinfo(easy_.get(), CURLINFO_TLS_SSL_PTR, &info);
  const bool is_ours = info != nullptr && info->backend == CURLSSLBACKEND_OPENSSL;
  return is_ours ? static_cast<const SSL*>(info->internals) : nullptr;
}

// Returns the protocol that ALPN (RFC 7301) chose. Where libcurl gives no session, finish() takes
// it from the answer.
Spoken HttpTransfer::negotiated() const noexcept {
  const SSL* tls = session();
  if (!may_share_) return Spoken::kHttp1;
  if (tls == nullptr) return Spoken::kUnknown;
  const unsigned char* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(tls, &name, &length);
  const bool is_http2 = length == 2 && std::memcmp(name, "h2", 2) == 0;
  return is_http2 ? Spoken::kHttp2 : Spoken::kHttp1;
}

bool HttpTransfer::is_fresh() const noexcept {
  long made = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_NUM_CONNECTS, &made);
  return fresh_ || made > 0;
}

// Returns the socket of a connection without TLS. Only libcurl 8.23 and newer give it; the port
// shows whether it is the right one.
curl_socket_t HttpTransfer::plain_socket(int local_port) const noexcept {
  curl_socket_t socket = CURL_SOCKET_BAD;
  curl_easy_getinfo(easy_.get(), CURLINFO_ACTIVESOCKET, &socket);
  return socket != CURL_SOCKET_BAD && local_port_of(socket) == local_port ? socket
                                                                          : CURL_SOCKET_BAD;
}

// Returns whether a kept connection has ended or holds unrequested input: the end of TLS, GOAWAY,
// or an error of the server's own. Such an error would be taken for the answer. libcurl 8.23 does
// not check a connection that was used within the last second. With HTTP/2, other requests may be
// under way on the connection. Its input is then theirs, and only its end counts.
bool HttpTransfer::has_ended(int local_port) noexcept {
  const SSL* tls = session();
  if (is_fresh()) {
    if (tls != nullptr) sockets_.name(tls, local_port);
    return false;
  }
  const auto connection = tls != nullptr ? sockets_.find(tls) : nullptr;
  const bool is_shared = spoken_ == Spoken::kHttp2 && !HttpSockets::is_idle(connection);
  pollfd state{connection != nullptr ? connection->socket : CURL_SOCKET_BAD, POLLRDHUP, 0};
  if (tls == nullptr) state.fd = plain_socket(local_port);
  if (!is_shared) state.events |= POLLIN;
  return poll(&state, 1, 0) > 0;  // poll() ignores a negative descriptor
}

std::int64_t HttpTransfer::give_up_at_us() const noexcept {
  return sent_ ? give_up_at_us_ : std::min(give_up_at_us_, send_before_us_);
}

HttpProgress HttpTransfer::progress(long status) const noexcept {
  if (!sent_) return HttpProgress::kUnsent;
  return status >= 200 ? HttpProgress::kAnswered : HttpProgress::kUnanswered;
}

HttpResult HttpTransfer::finish(CURLcode code) {
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_off_t taken_us = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_TOTAL_TIME_T, &taken_us);

  long version = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_HTTP_VERSION, &version);
  if (spoken_ == Spoken::kUnknown && progress(status) == HttpProgress::kAnswered && version != 0)
    spoken_ = version >= CURL_HTTP_VERSION_2_0 ? Spoken::kHttp2 : Spoken::kHttp1;

  HttpResult result = std::move(result_);
  request_ = HttpRequest{};
  connection_ = nullptr;
  set(CURLOPT_USERNAME, nullptr);  // drops libcurl's own copies
  set(CURLOPT_PASSWORD, nullptr);
  result.progress = progress(status);
  result.duration_ms = static_cast<int>(taken_us / 1'000);
  const bool answered = result.progress == HttpProgress::kAnswered;
  if (answered) result.status = static_cast<int>(status);
  if (code == CURLE_OK) return result;

  result.own_trouble = result.progress == HttpProgress::kUnsent && is_own_trouble(code);
  result.body_truncated = answered;
  const char* words = error_[0] != '\0' ? error_.data() : curl_easy_strerror(code);
  result.error = printable(refusal_ != nullptr ? refusal_ : words);
  return result;
}

HttpResult HttpTransfer::give_up() {
  if (!sent_ && now_us_() >= send_before_us_) refusal_ = "lease over";
  if (refusal_ == nullptr) refusal_ = sent_ ? "no answer in time" : "no connection in time";
  HttpResult result = finish(CURLE_OPERATION_TIMEDOUT);
  if (!sent_) result.duration_ms = 0;  // libcurl's time is of an earlier request
  return result;
}

bool HttpTransfer::may_send(int local_port) noexcept {
  if (options_->before_send != nullptr && request_.method != "GET") options_->before_send();
  if (sent_) {
    refusal_ = "connection died before an answer came";
    return false;
  }
  if (now_us_() >= send_before_us_) {
    refusal_ = "lease over";
    return false;
  }
  if (request_.recall && options_->is_recalled != nullptr &&
      options_->is_recalled(*request_.recall)) {
    refusal_ = "recalled";
    result_.recalled = true;
    return false;
  }
  spoken_ = negotiated();
  if (has_ended(local_port)) {
    refusal_ = "the kept connection had ended";
    stale_ = true;
    return false;
  }
  if (const SSL* tls = session()) connection_ = sockets_.find(tls);
  sent_ = true;
  return true;
}

void HttpTransfer::take_header(std::string_view line) noexcept try {
  if (line.starts_with("HTTP/")) {  // earlier headers belonged to a 1xx answer
    result_.retry_after.clear();
    result_.request_id.clear();
  } else if (starts_with_name(line, kRetryAfter)) {
    result_.retry_after = header_value(line, kRetryAfter.size());
  } else if (starts_with_name(line, kRequestId)) {
    result_.request_id = header_value(line, kRequestId.size());
  }
} catch (const std::bad_alloc&) {  // the answer counts without these headers
}

bool HttpTransfer::take_body(std::string_view part) noexcept try {
  const std::size_t room =
      static_cast<std::size_t>(options_->max_response_bytes) - result_.body.size();
  result_.body.append(part.substr(0, room));
  if (part.size() <= room) return true;
  refusal_ = "answer larger than the limit";
  return false;
} catch (const std::bad_alloc&) {
  refusal_ = "out of memory for the answer";
  return false;
}

}  // namespace coach_sms
