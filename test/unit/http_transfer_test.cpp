#include "core/http/http_transfer.hpp"

#include <cstdlib>

#include "http_fixture.hpp"

namespace coach_sms::test {
namespace {

using HttpTransferTest = HttpTest;

LoopbackServer::Handler says(const std::string& bytes) {
  return [bytes](Peer& peer, const SeenRequest&) { peer.send(bytes); };
}

LoopbackServer::Handler says_and_closes(const std::string& bytes) {
  return [bytes](Peer& peer, const SeenRequest&) {
    peer.send(bytes);
    peer.close();
  };
}

LoopbackServer::Handler says_and_stalls(const std::string& bytes) {
  return [bytes](Peer& peer, const SeenRequest&) {
    peer.send(bytes);
    peer.wait_until_closed();
  };
}

HttpOptions impatient(HttpOptions options) {
  options.request_timeout = std::chrono::milliseconds(150);
  return options;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void expect_unsent(const HttpResult& result) {
  EXPECT_EQ(result.progress, HttpProgress::kUnsent) << result.error;
  EXPECT_EQ(result.status, 0);
  EXPECT_FALSE(result.error.empty());
  EXPECT_FALSE(contains(result.error, "hush-hush"));
}

void expect_unanswered(const HttpResult& result) {
  EXPECT_EQ(result.progress, HttpProgress::kUnanswered) << result.error;
  EXPECT_EQ(result.status, 0);
  EXPECT_FALSE(result.error.empty());
  EXPECT_FALSE(contains(result.error, "hush-hush"));
}

void expect_answered(const HttpResult& result, int status, const std::string& body) {
  EXPECT_EQ(result.progress, HttpProgress::kAnswered) << result.error;
  EXPECT_EQ(result.status, status);
  EXPECT_EQ(result.body, body);
}

// What a request looks like on the wire

TEST_F(HttpTransferTest, PostsAFormWithBasicCredentials) {
  LoopbackServer server(says(answer(201, "{}")));
  expect_answered(result_of(options(), post(server.url(), "To=%2B61&Body=a+b")), 201, "{}");
  const SeenRequest seen = server.seen().at(0);
  EXPECT_EQ(seen.head.rfind("POST /messages HTTP/1.1\r\n", 0), 0U);
  EXPECT_TRUE(contains(seen.head, "\r\nAuthorization: Basic QUMxMjM6aHVzaC1odXNo\r\n"));
  EXPECT_TRUE(contains(seen.head, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
  EXPECT_EQ(seen.body, "To=%2B61&Body=a+b");
}

TEST_F(HttpTransferTest, GetsWithoutABodyAfterAPostOnTheSameHandle) {
  LoopbackServer server(says(answer(200, "[]")));
  HttpPool pool(options(), &now_us);
  result_of(pool, post(server.url()));
  result_of(pool, HttpRequest{"GET", server.url() + "?To=%2B61", "", Secret(), ""});
  const SeenRequest seen = server.seen().at(1);
  EXPECT_EQ(seen.head.rfind("GET /messages?To=%2B61 HTTP/1.1\r\n", 0), 0U);
  EXPECT_FALSE(contains(seen.head, "Authorization"));
  EXPECT_FALSE(contains(seen.head, "Content-"));
  EXPECT_EQ(seen.body, "");
}

TEST_F(HttpTransferTest, ALargeBodyGoesWithoutAskingFirst) {
  LoopbackServer server(says(answer(201, "{}")));
  const std::string body(2'000'000, 'x');
  expect_answered(result_of(options(), post(server.url(), body)), 201, "{}");
  EXPECT_EQ(server.seen().at(0).body, body);
  EXPECT_FALSE(contains(server.seen().at(0).head, "Expect"));
}

TEST_F(HttpTransferTest, NamesItselfWhenAskedTo) {
  LoopbackServer server(says(answer(201, "{}")));
  HttpOptions named = options();
  named.user_agent = "coach_sms/0.1";
  result_of(named, post(server.url()));
  EXPECT_TRUE(contains(server.seen().at(0).head, "\r\nUser-Agent: coach_sms/0.1\r\n"));
}

TEST_F(HttpTransferTest, SendsNoCookieBack) {
  LoopbackServer server(says(answer(201, "{}", "Set-Cookie: a=b\r\n")));
  HttpPool pool(options(), &now_us);
  result_of(pool, post(server.url()));
  result_of(pool, post(server.url()));
  EXPECT_FALSE(contains(server.seen().at(1).head, "Cookie"));
}

TEST_F(HttpTransferTest, ProxiesOfTheEnvironmentAreIgnored) {
  RefusingPort nobody;
  setenv("http_proxy", ("http://" + nobody.address()).c_str(), 1);
  LoopbackServer server(says(answer(201, "{}")));
  expect_answered(result_of(options(), post(server.url())), 201, "{}");
  unsetenv("http_proxy");
}

TEST_F(HttpTransferTest, AProxyOfTheOptionsIsUsedWhateverTheEnvironmentExcepts) {
  setenv("no_proxy", "*", 1);
  LoopbackServer proxy(says(answer(201, "{}")));
  HttpOptions proxied = options();
  proxied.proxy = "http://" + proxy.address();
  expect_answered(result_of(proxied, post("http://twilio.test/messages")), 201, "{}");
  EXPECT_EQ(proxy.seen().at(0).head.rfind("POST http://twilio.test/messages HTTP/1.1\r\n", 0), 0U);
  unsetenv("no_proxy");
}

// What of the answer is kept

TEST_F(HttpTransferTest, KeepsTheTwoHeadersThatMatter) {
  LoopbackServer server(says(
      answer(429, "slow down", "RETRY-AFTER:  7 \r\nTwilio-Request-Id: RQ1\r\nX-Other: 1\r\n")));
  const HttpResult result = result_of(options(), post(server.url()));
  expect_answered(result, 429, "slow down");
  EXPECT_EQ(result.retry_after, "7");
  EXPECT_EQ(result.request_id, "RQ1");
  EXPECT_EQ(result.error, "");
  EXPECT_FALSE(result.body_truncated);
}

TEST_F(HttpTransferTest, HeadersOfAnInterimAnswerAreNotTheAnswers) {
  LoopbackServer server(says("HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n" +
                             answer(201, "{}", "Twilio-Request-Id: RQ2\r\n")));
  const HttpResult result = result_of(options(), post(server.url()));
  expect_answered(result, 201, "{}");
  EXPECT_EQ(result.retry_after, "");
  EXPECT_EQ(result.request_id, "RQ2");
}

TEST_F(HttpTransferTest, BytesThatDoNotPrintAreTakenOutOfHeaders) {
  LoopbackServer server(says(answer(503, "", "Retry-After: 1\x01\xff\t2\r\n")));
  EXPECT_EQ(result_of(options(), post(server.url())).retry_after, "1???2");
}

TEST_F(HttpTransferTest, AnAnswerWithoutABodyIsWhole) {
  LoopbackServer server(says("HTTP/1.1 204 No Content\r\n\r\n"));
  const HttpResult result = result_of(options(), post(server.url()));
  expect_answered(result, 204, "");
  EXPECT_FALSE(result.body_truncated);
}

TEST_F(HttpTransferTest, ARedirectIsAnAnswerAndIsNotFollowed) {
  LoopbackServer server(says(answer(302, "moved", "Location: /elsewhere\r\n")));
  expect_answered(result_of(options(), post(server.url())), 302, "moved");
  EXPECT_EQ(server.seen().size(), 1U);
}

TEST_F(HttpTransferTest, AnUnauthorizedAnswerIsNotTriedAgain) {
  LoopbackServer server(says(answer(401, "{}", "WWW-Authenticate: Digest realm=\"x\"\r\n")));
  expect_answered(result_of(options(), post(server.url())), 401, "{}");
  EXPECT_EQ(server.seen().size(), 1U);
}

TEST_F(HttpTransferTest, ABodyThatDripsInByteByByteIsWhole) {
  LoopbackServer server([](Peer& peer, const SeenRequest&) {
    for (const char c : answer(201, "{\"sid\":\"SM1\"}"))
      peer.send(std::string(1, c));
  });
  expect_answered(result_of(options(), post(server.url())), 201, "{\"sid\":\"SM1\"}");
}

TEST_F(HttpTransferTest, MegabytesOfBodyAreCutAtTheLimit) {
  LoopbackServer server(says_and_closes(answer(201, std::string(8'000'000, 'y'))));
  HttpOptions small = options();
  small.max_response_bytes = 1'000;
  const HttpResult result = result_of(small, post(server.url()));
  expect_answered(result, 201, std::string(1'000, 'y'));
  EXPECT_TRUE(result.body_truncated);
  EXPECT_EQ(result.error, "answer larger than the limit");
}

TEST_F(HttpTransferTest, ABodyOfExactlyTheLimitIsWhole) {
  LoopbackServer server(says(answer(201, std::string(1'000, 'y'))));
  HttpOptions small = options();
  small.max_response_bytes = 1'000;
  const HttpResult result = result_of(small, post(server.url()));
  expect_answered(result, 201, std::string(1'000, 'y'));
  EXPECT_FALSE(result.body_truncated);
}

// How far a request got: answered

TEST_F(HttpTransferTest, AnswerThatBreaksOffInTheBodyCounts) {
  LoopbackServer server(says_and_closes("HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\nhalf"));
  const HttpResult result = result_of(options(), post(server.url()));
  expect_answered(result, 201, "half");
  EXPECT_TRUE(result.body_truncated);
  EXPECT_NE(result.error, "");
}

TEST_F(HttpTransferTest, AnswerThatStallsInTheBodyCounts) {
  LoopbackServer server(says_and_stalls("HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\nhalf"));
  const HttpResult result = result_of(impatient(options()), post(server.url()));
  expect_answered(result, 201, "half");
  EXPECT_TRUE(result.body_truncated);
  EXPECT_GE(result.duration_ms, 150);
}

TEST_F(HttpTransferTest, AnswerThatStallsInTheHeadersCounts) {
  LoopbackServer server(says_and_stalls("HTTP/1.1 201 Created\r\nContent-Le"));
  const HttpResult result = result_of(impatient(options()), post(server.url()));
  expect_answered(result, 201, "");
  EXPECT_TRUE(result.body_truncated);
}

// How far a request got: sent, and no answer

TEST_F(HttpTransferTest, AServerThatTakesItAndStallsLeavesItOpen) {
  LoopbackServer server(says_and_stalls(""));
  expect_unanswered(result_of(impatient(options()), post(server.url())));
}

TEST_F(HttpTransferTest, AServerThatTakesItAndClosesLeavesItOpen) {
  LoopbackServer server(says_and_closes(""));
  expect_unanswered(result_of(options(), post(server.url())));
}

TEST_F(HttpTransferTest, AnInterimAnswerAloneLeavesItOpen) {
  LoopbackServer server(says_and_closes("HTTP/1.1 100 Continue\r\n\r\n"));
  expect_unanswered(result_of(options(), post(server.url())));
}

TEST_F(HttpTransferTest, GarbageInPlaceOfHttpLeavesItOpen) {
  for (const char* garbage : {"\x16\x03\x01\x02", "220 smtp ready\r\n", "HTTP/9.9 xyz\r\n\r\n",
                              "<html>hello</html>", "HTTP/1.1 20"}) {
    LoopbackServer server(says_and_closes(garbage));
    expect_unanswered(result_of(options(), post(server.url())));
    EXPECT_EQ(server.seen().size(), 1U) << garbage;
  }
}

// How far a request got: provably not sent

TEST_F(HttpTransferTest, ARefusedConnectionSendsNothing) {
  RefusingPort nobody;
  expect_unsent(result_of(options(), post("http://" + nobody.address() + "/")));
}

TEST_F(HttpTransferTest, AHostThatHasNoAddressSendsNothing) {
  // A label of 64 letters is not allowed in DNS, so that nobody is asked.
  expect_unsent(result_of(options(), post("http://" + std::string(64, 'a') + ".invalid/")));
}

TEST_F(HttpTransferTest, UrlsThatAreNotHttpSendNothing) {
  for (const char* url :
       {"file:///etc/hostname", "ftp://127.0.0.1/", "http://", "", "http://a b/"}) {
    expect_unsent(result_of(options(), post(url)));
  }
}

TEST_F(HttpTransferTest, ATlsHandshakeThatStallsSendsNothing) {
  LoopbackServer server(says(""));  // waits for the end of a head that TLS never sends
  HttpOptions hasty = options();
  hasty.connect_timeout = std::chrono::milliseconds(100);
  expect_unsent(result_of(hasty, post("https://" + server.address() + "/")));
  EXPECT_EQ(server.seen().size(), 0U);
}

TEST_F(HttpTransferTest, AProxyThatRefusesToConnectSendsNothing) {
  LoopbackServer proxy(says(answer(403, "no")));
  HttpOptions proxied = options();
  proxied.proxy = "http://" + proxy.address();
  expect_unsent(result_of(proxied, post("https://twilio.test/messages")));
  EXPECT_EQ(proxy.seen().at(0).head.rfind("CONNECT twilio.test:443", 0), 0U);
  EXPECT_EQ(proxy.seen().size(), 1U);
}

TEST_F(HttpTransferTest, WhatAProxyAnsweredIsNotTheServersAnswer) {
  const SelfSigned identity;
  LoopbackServer proxy([&](Peer& peer, const SeenRequest& request) {
    if (request.head.rfind("CONNECT", 0) != 0) return peer.close();
    peer.send("HTTP/1.1 200 Connected\r\nRetry-After: 3\r\n\r\n");
    peer.start_tls(identity.server_context());
  });
  HttpOptions proxied = options();
  proxied.proxy = "http://" + proxy.address();
  proxied.ca_file = identity.certificate_file();
  const HttpResult result = result_of(proxied, post("https://127.0.0.1/messages"));
  expect_unanswered(result);
  EXPECT_EQ(result.retry_after, "");
  EXPECT_EQ(proxy.seen().size(), 2U);
}

TEST_F(HttpTransferTest, AProxyThatIsNotThereSendsNothing) {
  RefusingPort nobody;
  HttpOptions proxied = options();
  proxied.proxy = "http://" + nobody.address();
  expect_unsent(result_of(proxied, post("http://127.0.0.1/")));
}

// Whom it trusts

TEST_F(HttpTransferTest, ATrustedCertificateIsAnswered) {
  const SelfSigned identity;
  LoopbackServer server(says(answer(201, "{}")), identity.server_context());
  HttpOptions trusting = options();
  trusting.ca_file = identity.certificate_file();
  expect_answered(result_of(trusting, post(server.url())), 201, "{}");
}

TEST_F(HttpTransferTest, AnUntrustedCertificateSendsNothing) {
  const SelfSigned identity;
  LoopbackServer server(says(answer(201, "{}")), identity.server_context());
  expect_unsent(result_of(options(), post(server.url())));
  EXPECT_EQ(server.seen().size(), 0U);
}

TEST_F(HttpTransferTest, ACaFileThatCannotBeReadIsTheServersOwnTrouble) {
  const SelfSigned identity;
  LoopbackServer server(says(answer(201, "{}")), identity.server_context());
  for (const char* file : {"/nonexistent/ca.pem", "/dev/null", "/"}) {
    HttpOptions lacking = options();
    lacking.ca_file = file;
    const HttpResult result = result_of(lacking, post(server.url()));
    expect_unsent(result);
    EXPECT_TRUE(result.own_trouble) << file << ": " << result.error;
  }
  HttpOptions others = options();
  const SelfSigned stranger;
  others.ca_file = stranger.certificate_file();
  EXPECT_FALSE(result_of(others, post(server.url())).own_trouble) << "that may be the network's";
  RefusingPort nobody;
  EXPECT_FALSE(result_of(options(), post("https://" + nobody.address() + "/")).own_trouble);
  EXPECT_TRUE(result_of(options(), post("file:///etc/hostname")).own_trouble);
}

TEST_F(HttpTransferTest, ACertificateOfAnotherNameSendsNothing) {
  const SelfSigned identity;
  LoopbackServer server(says(answer(201, "{}")), identity.server_context());
  HttpOptions trusting = options();
  trusting.ca_file = identity.certificate_file();
  const std::string port = server.address().substr(server.address().find(':'));
  expect_unsent(result_of(trusting, post("https://localhost" + port + "/")));
  EXPECT_EQ(server.seen().size(), 0U);
}

}  // namespace
}  // namespace coach_sms::test
