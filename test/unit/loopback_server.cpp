#include "loopback_server.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace coach_sms::test {

namespace {

sockaddr_in loopback() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A socket on a free port of its own.
int bound_socket(int* port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback();
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (fd < 0 || bind(fd, generic, size) != 0 || getsockname(fd, generic, &size) != 0) {
    throw std::runtime_error("no port on 127.0.0.1");
  }
  *port = ntohs(address.sin_port);
  return fd;
}

std::size_t content_length(const std::string& head) {
  std::string lower;
  for (const char c : head)
    lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const std::string name = "\r\ncontent-length:";
  const std::size_t at = lower.find(name);
  return at == std::string::npos ? 0 : std::strtoul(lower.c_str() + at + name.size(), nullptr, 10);
}

}  // namespace

Peer::Peer(int fd, SSL_CTX* tls) : fd_(fd) {
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (tls != nullptr) start_tls(tls);
}

void Peer::start_tls(SSL_CTX* tls) {
  ssl_ = SSL_new(tls);
  SSL_set_fd(ssl_, fd_);
}

Peer::~Peer() {
  SSL_free(ssl_);
  ::close(fd_);
}

void Peer::send(const std::string& bytes) {
  if (ssl_ != nullptr) {
    SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
    return;
  }
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return;
    sent += static_cast<std::size_t>(n);
  }
}

void Peer::close() noexcept {
  shutdown(fd_, SHUT_RDWR);
}

void Peer::reset() {
  const linger at_once{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  sockaddr unspecified{};  // connect() to AF_UNSPEC dissolves the connection with an RST
  unspecified.sa_family = AF_UNSPEC;
  (void)connect(fd_, &unspecified, sizeof(unspecified));
}

int Peer::client_port() const {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  if (getpeername(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.sin_port);
}

void Peer::wait_until_closed() {
  while (read_more()) {
  }
}

bool Peer::read_more() {
  std::array<char, 16'384> part;
  const int size = static_cast<int>(part.size());
  const ssize_t n =
      ssl_ != nullptr ? SSL_read(ssl_, part.data(), size) : recv(fd_, part.data(), part.size(), 0);
  if (n > 0) unread_.append(part.data(), static_cast<std::size_t>(n));
  return n > 0;
}

bool Peer::read_request(std::string* head, std::string* body) {
  if (ssl_ != nullptr && !SSL_is_init_finished(ssl_) && SSL_accept(ssl_) != 1) return false;
  std::size_t end = 0;
  while ((end = unread_.find("\r\n\r\n")) == std::string::npos) {
    if (!read_more()) return false;
  }
  *head = unread_.substr(0, end + 2);
  const std::size_t length = content_length("\r\n" + *head);
  while (unread_.size() < end + 4 + length) {
    if (!read_more()) return false;
  }
  *body = unread_.substr(end + 4, length);
  unread_.erase(0, end + 4 + length);
  return true;
}

bool Peer::read_bytes(std::size_t size, std::string* bytes) {
  while (unread_.size() < size)
    if (!read_more()) return false;
  *bytes = unread_.substr(0, size);
  unread_.erase(0, size);
  return true;
}

LoopbackServer::LoopbackServer(Handler handler, SSL_CTX* tls)
    : handler_(std::move(handler)), tls_(tls), listener_(bound_socket(&port_)) {
  if (listen(listener_, SOMAXCONN) != 0) throw std::runtime_error("cannot listen on 127.0.0.1");
  acceptor_ = std::thread([this] { accept_all(); });
}

LoopbackServer::~LoopbackServer() {
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (Peer& peer : peers_)
    peer.close();
  for (std::thread& thread : threads_)
    thread.join();
  ::close(listener_);
}

void LoopbackServer::accept_all() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    Peer& peer = peers_.emplace_back(fd, tls_);
    threads_.emplace_back([this, &peer, number = peers_.size()] { serve(peer, number); });
  }
}

void LoopbackServer::serve(Peer& peer, std::size_t number) {
  if (greet) greet(number);
  SeenRequest request;
  while (peer.read_request(&request.head, &request.body)) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      seen_.push_back(request);
    }
    handler_(peer, request);
  }
  peer.close();
}

std::vector<SeenRequest> LoopbackServer::seen() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return seen_;
}

std::size_t LoopbackServer::connections() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return peers_.size();
}

SelfSigned::SelfSigned() : context_(SSL_CTX_new(TLS_server_method())) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3'600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86'400);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("loopback"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  X509_sign(certificate, key, EVP_sha256());
  SSL_CTX_use_certificate(context_, certificate);
  SSL_CTX_use_PrivateKey(context_, key);

  std::string pattern = "/tmp/coach_sms_test_XXXXXX";
  const int fd = mkstemp(pattern.data());
  file_ = pattern;
  FILE* file = fdopen(fd, "w");
  PEM_write_X509(file, certificate);
  std::fclose(file);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

void SelfSigned::offer_http2() {
  SSL_CTX_set_alpn_select_cb(
      context_,
      [](SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char* offered,
         unsigned offered_length, void*) {
        static const unsigned char http2[] = {2, 'h', '2'};
        unsigned char* found = nullptr;
        const int result =
            SSL_select_next_proto(&found, length, http2, sizeof(http2), offered, offered_length);
        *chosen = found;
        return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
      },
      nullptr);
}

SelfSigned::~SelfSigned() {
  SSL_CTX_free(context_);
  unlink(file_.c_str());
}

RefusingPort::RefusingPort() : fd_(bound_socket(&port_)) {}

RefusingPort::~RefusingPort() {
  ::close(fd_);
}

std::string answer(int status, const std::string& body, const std::string& more_headers) {
  return "HTTP/1.1 " + std::to_string(status) +
         " Whatever\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + more_headers +
         "\r\n" + body;
}

}  // namespace coach_sms::test
