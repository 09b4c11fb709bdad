#pragma once

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace coach_sms::test {

// One client at the server. What a handler does not send, the client does not see.
class Peer {
 public:
  Peer(int fd, SSL_CTX* tls);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void start_tls(SSL_CTX* tls);
  void send(const std::string& bytes);
  void close() noexcept;     // politely: FIN; from another thread, it wakes whoever waits
  void reset();              // RST, whatever was sent before
  void wait_until_closed();  // by the client

  // The client's TCP port; 0 once the connection is reset.
  int client_port() const;

  // False once the client has gone.
  bool read_request(std::string* head, std::string* body);
  bool read_bytes(std::size_t size, std::string* bytes);

 private:
  bool read_more();

  int fd_;
  SSL* ssl_ = nullptr;
  std::string unread_;
};

struct SeenRequest {
  std::string head;
  std::string body;
};

// A server on 127.0.0.1 that lets a function of the test's answer. Each connection has its thread.
class LoopbackServer {
 public:
  using Handler = std::function<void(Peer&, const SeenRequest&)>;

  explicit LoopbackServer(Handler handler, SSL_CTX* tls = nullptr);
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  // Called on each connection's thread before anything is read, with its number from 1. Set it
  // before the first client comes.
  std::function<void(std::size_t)> greet;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string url() const { return (tls_ ? "https://" : "http://") + address() + "/messages"; }
  std::vector<SeenRequest> seen() const;
  std::size_t connections() const;

 private:
  void accept_all();
  void serve(Peer& peer, std::size_t number);

  Handler handler_;
  SSL_CTX* tls_;
  int listener_;
  int port_;
  mutable std::mutex mutex_;
  std::vector<SeenRequest> seen_;
  std::list<Peer> peers_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

// A key and a certificate for 127.0.0.1 that nobody has signed but itself.
class SelfSigned {
 public:
  SelfSigned();
  ~SelfSigned();
  SelfSigned(const SelfSigned&) = delete;
  SelfSigned& operator=(const SelfSigned&) = delete;

  SSL_CTX* server_context() const { return context_; }
  void offer_http2();
  const std::string& certificate_file() const { return file_; }

 private:
  SSL_CTX* context_;
  std::string file_;
};

// A port that refuses every connection for as long as this lives.
class RefusingPort {
 public:
  RefusingPort();
  ~RefusingPort();
  RefusingPort(const RefusingPort&) = delete;
  RefusingPort& operator=(const RefusingPort&) = delete;
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  int port_ = 0;  // before fd_, whose initialiser writes it
  int fd_;
};

std::string answer(int status, const std::string& body, const std::string& more_headers = {});

}  // namespace coach_sms::test
