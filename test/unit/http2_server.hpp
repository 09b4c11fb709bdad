#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "loopback_server.hpp"

namespace coach_sms::test {

// A frame of HTTP/2 (RFC 9113, 4.1) with a payload of at most 255 bytes.
inline std::string http2_frame(char type, char flags, char stream, const std::string& payload) {
  const char head[] = {0, 0, static_cast<char>(payload.size()), type, flags, 0, 0, 0, stream};
  return std::string(head, sizeof(head)) + payload;
}

inline std::string http2_ping() {
  return http2_frame(6, 0, 0, "12345678");
}

// The server takes no streams any more, and the connection stays open.
inline std::string http2_goaway() {
  return http2_frame(7, 0, 0, std::string(8, '\0'));
}

// Speaks as much HTTP/2 as a request with a short body needs. Each is answered with 201 after
// on_request, but for the body "unanswered".
class Http2Server {
 public:
  // Runs on the connection's thread. Set it before the first client comes.
  std::function<void(Peer&, const std::string& body)> on_request = [](Peer&, const std::string&) {};
  // Runs there, too, and answers.
  std::function<void(Peer&, const std::function<void()>& answer)> around_answer =
      [](Peer&, const std::function<void()>& answer) { answer(); };

  Http2Server() : server_([this](Peer& peer, const SeenRequest&) { serve(peer); }, context()) {}

  std::string url() const { return server_.url(); }
  std::size_t connections() const { return server_.connections(); }
  std::vector<std::string> bodies() const {
    const std::lock_guard lock(mutex_);
    return bodies_;
  }

  SelfSigned identity;

 private:
  SSL_CTX* context() {
    identity.offer_http2();
    return identity.server_context();
  }

  // LoopbackServer has read the first line of the preface (RFC 9113, 3.4).
  void serve(Peer& peer) {
    constexpr char kSettings = 4;
    const std::string rest_of_preface = "SM\r\n\r\n";
    std::string head;
    std::string payload;
    if (!peer.read_bytes(rest_of_preface.size(), &payload)) return;
    peer.send(http2_frame(kSettings, 0, 0, {}));
    while (peer.read_bytes(9, &head) &&
           peer.read_bytes(static_cast<unsigned char>(head[2]), &payload)) {
      const bool is_flagged = (head[4] & 1) != 0;  // the end of a stream; an acknowledgement
      if (head[3] == kSettings && !is_flagged) peer.send(http2_frame(kSettings, 1, 0, {}));
      if (head[3] == 0 && is_flagged) take(peer, payload, head[8]);
    }
  }

  void take(Peer& peer, const std::string& body, char stream) {
    on_request(peer, body);
    {
      const std::lock_guard lock(mutex_);
      bodies_.push_back(body);
    }
    const std::string status_201 =
        "\x08\x03"
        "201";  // RFC 7541, 6.2.2: its name is indexed
    around_answer(peer, [&] {
      if (body != "unanswered") peer.send(http2_frame(1, 5, stream, status_201));
    });
  }

  mutable std::mutex mutex_;
  std::vector<std::string> bodies_;
  LoopbackServer server_;
};

}  // namespace coach_sms::test
