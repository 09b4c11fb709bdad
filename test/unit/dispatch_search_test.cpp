#include <functional>
#include <semaphore>

#include "dispatch_fixture.hpp"
#include "expect_error.hpp"

namespace coach_sms::test {
namespace {

// A listing of Twilio's, page by page.
class ListServer {
 public:
  using Pages = std::function<std::string(int page)>;

  explicit ListServer(const Pages& pages)
      : server([pages, page = 0](Peer& peer, const SeenRequest&) mutable {
          peer.send(pages(page++));
        }) {}

  std::vector<std::string> paths() const {
    std::vector<std::string> paths;
    for (const SeenRequest& request : server.seen())
      paths.push_back(request.head.substr(0, request.head.find(" HTTP/")));
    return paths;
  }

  LoopbackServer server;
};

std::string page(const std::vector<std::string>& sids, const std::string& next,
                 const std::string& date = "Tue, 01 Feb 2000 00:00:00 +0000") {
  std::string messages;
  for (const std::string& sid : sids) {
    if (!messages.empty()) messages += ',';
    messages.append(R"({"sid":")").append(sid).append(R"(","body":"b","date_created":")");
    messages.append(date).append(R"("})");
  }
  return answer(200, R"({"messages":[)" + messages + R"(],"next_page_uri":)" +
                         (next.empty() ? "null" : '"' + next + '"') + "}");
}

std::vector<std::string> sids_of(const ListSearchResult& result) {
  std::vector<std::string> sids;
  for (const ListedMessage& message : result.listed)
    sids.push_back(message.sid);
  return sids;
}

class DispatchLookTest : public DispatchTest {
 protected:
  static ListSearch search() {
    ListSearch made;
    made.message = message_id(1);
    made.org = org_id(1);
    made.fence = 71;
    made.to = "+61400000001";
    made.claimed_at = 3 * 86'400 * kSecond;
    made.started_at = 7;
    return made;
  }
  ListSearchResult search_at(ListServer& list) {
    Dispatch dispatch(options_for(list.server), &now_us, &lanes, &holds);
    return searched(dispatch, search(), route());
  }
};

TEST_F(DispatchLookTest, ALookListsTheMessagesToItsNumber) {
  ListServer list([](int) { return page({"SM1", "SM2"}, ""); });
  const ListSearchResult result = search_at(list);
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(sids_of(result), (std::vector<std::string>{"SM1", "SM2"}));
  EXPECT_EQ(result.search.message, message_id(1));
  EXPECT_EQ(result.search.fence, 71);
  EXPECT_EQ(result.search.started_at, 7);
  EXPECT_EQ(list.paths(),
            (std::vector<std::string>{"GET /2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/"
                                      "Messages.json?To=%2B61400000001&PageSize=20"}));
}

TEST_F(DispatchLookTest, AllPagesAreReadAndPutTogether) {
  ListServer list([](int number) {
    return page({"SM" + std::to_string(number)},
                number < 3 ? "/next?Page=" + std::to_string(number + 1) : "");
  });
  EXPECT_EQ(sids_of(search_at(list)), (std::vector<std::string>{"SM0", "SM1", "SM2", "SM3"}));
  EXPECT_EQ(list.paths()[3], "GET /next?Page=3");
}

// Twilio may have kept +52... as +521...: each form has a list of its own.
TEST_F(DispatchLookTest, EachFormOfANumberIsListed) {
  ListServer list([](int number) {
    return page({"SM" + std::to_string(number)}, number == 0 ? "/next?Page=1" : "");
  });
  ListSearch mexican = search();
  mexican.to = "+525512345678";
  Dispatch dispatch(options_for(list.server), &now_us, &lanes, &holds);
  const ListSearchResult result = searched(dispatch, std::move(mexican), route());
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(result.search.to, "+525512345678");
  EXPECT_EQ(sids_of(result), (std::vector<std::string>{"SM0", "SM1", "SM2"}));
  const std::vector<std::string> paths = list.paths();
  ASSERT_EQ(paths.size(), 3U);
  EXPECT_TRUE(contains(paths[0], "?To=%2B525512345678&")) << paths[0];
  EXPECT_EQ(paths[1], "GET /next?Page=1");
  EXPECT_TRUE(contains(paths[2], "?To=%2B5215512345678&")) << paths[2];
}

// An empty list of one form proves nothing while the other's cannot be read.
TEST_F(DispatchLookTest, AnErrorInTheListOfTheOtherFormShowsNothingAtAll) {
  ListServer list([](int number) { return number == 0 ? page({}, "") : answer(500, ""); });
  ListSearch mexican = search();
  mexican.to = "+5215512345678";
  Dispatch dispatch(options_for(list.server), &now_us, &lanes, &holds);
  EXPECT_NE(searched(dispatch, std::move(mexican), route()).error, "");
  EXPECT_EQ(list.paths().size(), 2U);
}

TEST_F(DispatchLookTest, PagesBeforeTheClaimAreNotRead) {
  ListServer list([](int number) {
    return page(
        {"SM" + std::to_string(number)}, "/next",
        number == 0 ? "Tue, 01 Feb 2000 00:00:00 +0000" : "Sat, 01 Jan 2000 00:00:00 +0000");
  });
  EXPECT_EQ(sids_of(search_at(list)), (std::vector<std::string>{"SM0", "SM1"}));
  EXPECT_EQ(list.paths().size(), 2U);
}

TEST_F(DispatchLookTest, AnErrorOnAnyPageShowsNothingAtAll) {
  for (const std::string& bad :
       {answer(500, ""), answer(200, "<html>"), answer(404, "{}"),
        answer(200, R"({"messages":[7]})"), page({"SM2"}, "https://elsewhere.example/next"),
        page({"SM2"}, "//elsewhere.example/next")}) {
    ListServer list([&bad](int number) { return number == 0 ? page({"SM1"}, "/next") : bad; });
    const ListSearchResult result = search_at(list);
    EXPECT_NE(result.error, "") << bad;
    EXPECT_TRUE(result.listed.empty()) << bad;
    EXPECT_EQ(result.search.message, message_id(1));
    EXPECT_EQ(list.paths().size(), 2U) << bad;
  }
}

TEST_F(DispatchLookTest, AConnectionThatDiesOnTheWayIsAnError) {
  LoopbackServer server([](Peer& peer, const SeenRequest& request) {
    contains(request.head, "/next") ? peer.reset() : peer.send(page({"SM1"}, "/next"));
  });
  Dispatch dispatch(options_for(server), &now_us, &lanes, &holds);
  EXPECT_NE(searched(dispatch, search(), route()).error, "");
}

TEST_F(DispatchLookTest, AListThatDoesNotEndIsGivenUp) {
  ListServer list([](int number) { return page({"SM" + std::to_string(number)}, "/next"); });
  const ListSearchResult result = search_at(list);
  EXPECT_NE(result.error, "");
  EXPECT_TRUE(result.listed.empty());
  EXPECT_EQ(list.paths().size(), 50U);
}

TEST_F(DispatchLookTest, ALookWithASidThatIsNoneComesBackAtOnce) {
  RefusingPort port;
  Dispatch dispatch(options_for(port.address()), &now_us, &lanes, &holds);
  dispatch.search_list(search(), route("AC/1"));
  ASSERT_EQ(dispatch.search_results().size(), 1U);
  EXPECT_TRUE(contains(dispatch.search_results()[0].error, "AC/1"));
  EXPECT_FALSE(dispatch.search_results()[0].asked);
  EXPECT_EQ(dispatch.search_results()[0].search.fence, 71);
}

// A list's answer, whether it was asked, and for how many seconds the account is held then.
TEST_F(DispatchLookTest, RefusedCredentialsAndARequestToSlowDownSayNothingOfTheList) {
  struct Case {
    std::string answer;
    bool asked;
    std::int64_t held_for;
  };
  const std::vector<Case> cases = {
      {answer(401, "{}"), false, 5 * kSecond},
      {answer(401, R"({"code":20003})"), false, 5 * kSecond},
      {answer(403, R"({"code":20005})"), false, 5 * kSecond},  // the account is not active
      {answer(429, "{}", "Retry-After: 7\r\n"), false, 7 * kSecond},
      {answer(403, "<html>"), true, 0},
      {answer(404, "{}"), true, 0},
      {answer(400, "{}"), true, 0},
      {answer(408, ""), true, 0},
      {answer(302, ""), true, 0},
      {answer(500, "{}"), true, 0},
      {answer(503, "{}", "Retry-After: 7\r\n"), true, 0},
      {answer(200, "<html>"), true, 0},
  };
  for (const Case& one : cases) {
    ListServer list([&](int) { return one.answer; });
    Dispatch dispatch(options_for(list.server), &now_us, &lanes, &holds);
    const ListSearchResult result = searched(dispatch, search(), route());
    EXPECT_EQ(result.asked, one.asked) << one.answer;
    EXPECT_NE(result.error, "") << one.answer;
    EXPECT_EQ(std::max<std::int64_t>(dispatch.searches_held_until(route()) - clock_us, 0),
              one.held_for)
        << one.answer;
    if (!one.asked) {
      EXPECT_EQ(result.held_until, dispatch.searches_held_until(route()));
    }
  }
}

TEST_F(DispatchLookTest, AListThatNobodyReachedWasNotAsked) {
  RefusingPort port;
  Dispatch dispatch(options_for(port.address()), &now_us, &lanes, &holds);
  const ListSearchResult result = searched(dispatch, search(), route());
  EXPECT_FALSE(result.asked);
  EXPECT_TRUE(contains(result.error, "Twilio was not reached: "));
  EXPECT_EQ(result.held_until, 0);
}

TEST_F(DispatchLookTest, AServerWithoutItsCaFileHoldsMessagesAndLooks) {
  LoopbackServer server(create);
  DispatchOptions options = options_for(server);
  options.api_url = "https://" + server.address();
  options.http.ca_file = "/nonexistent/ca.pem";
  Dispatch dispatch(options, &now_us, &lanes, &holds);
  const ListSearchResult result = searched(dispatch, search(), route());
  EXPECT_FALSE(result.asked);
  EXPECT_TRUE(contains(result.error, "this server cannot make a connection to Twilio: "));
  EXPECT_EQ(result.held_until, clock_us + 5 * kSecond);
  const Settlement settlement = finished_of(dispatch, task(1), route()).settlement;
  EXPECT_EQ(settlement.outcome, Outcome::kRetry);
  EXPECT_EQ(settlement.error_code, "server_trouble");
  EXPECT_FALSE(settlement.counts_as_attempt);
  EXPECT_FALSE(finished_of(dispatch, task(2), route()).started) << "its account is held";
}

TEST_F(DispatchLookTest, AKeyThatMayNotReadListsHoldsNoMessages) {
  LoopbackServer server([](Peer& peer, const SeenRequest& request) {
    peer.send(contains(request.head, "GET ") ? answer(401, "{}") : created());
  });
  Dispatch dispatch(options_for(server), &now_us, &lanes, &holds);
  EXPECT_FALSE(searched(dispatch, search(), route()).asked);
  EXPECT_EQ(dispatch.room_to_search(route()), 0);
  EXPECT_EQ(finished_of(dispatch, task(1), route()).settlement.outcome, Outcome::kAccepted);
}

TEST_F(DispatchLookTest, WhatHoldsMessagesHoldsLooksUntilThen) {
  LoopbackServer server([](Peer& peer, const SeenRequest& request) {
    peer.send(contains(request.head, "GET ") ? page({}, "") : answer(401, "{}"));
  });
  Dispatch dispatch(options_for(server), &now_us, &lanes, &holds);
  EXPECT_LE(dispatch.searches_held_until(route()), clock_us);
  finished_of(dispatch, task(1), route());
  EXPECT_EQ(dispatch.searches_held_until(route()), clock_us + 5 * kSecond);
  EXPECT_EQ(dispatch.room_to_search(route()), 1)
      << "one finds out whether its token is right again";
  clock_us += 5 * kSecond;
  EXPECT_EQ(searched(dispatch, search(), route()).error, "");
  EXPECT_EQ(dispatch.room_to_search(route()), 100) << "and need not wait for a message to send";
}

TEST_F(DispatchLookTest, MessagesLeaveLooksAFifthOfTheirAccount) {
  std::counting_semaphore<> let_go(0);
  LoopbackServer server([&](Peer& peer, const SeenRequest&) {
    let_go.acquire();
    peer.send(created());
  });
  DispatchOptions options = options_for(server);
  options.max_in_flight_per_account = 10;
  Dispatch dispatch(options, &now_us, &lanes, &holds);
  EXPECT_EQ(dispatch.room_to_search(route()), 10);
  for (const int sending : {4, 10}) {
    while (static_cast<int>(dispatch.in_flight()) < sending)
      dispatch.send(task(static_cast<int>(dispatch.in_flight())), route());
    EXPECT_EQ(dispatch.room_to_search(route()), sending == 4 ? 6 : 2);
  }
  dispatch.search_list(search(), route());
  EXPECT_EQ(dispatch.room_to_search(route()), 1);
  EXPECT_EQ(dispatch.room_to_search(route("AC11111111111111111111111111111111")), 10);
  let_go.release(11);
  drive_until_finished(dispatch, 10);
}

TEST_F(DispatchLookTest, LooksStayUntilForgottenAndTakeNoRoomFromMessages) {
  ListServer list([](int) { return page({}, ""); });
  Dispatch dispatch(options_for(list.server), &now_us, &lanes, &holds);
  const int room = dispatch.room();
  dispatch.search_list(search(), route());
  EXPECT_EQ(dispatch.room(), room);
  EXPECT_EQ(dispatch.in_flight(), 1U);
  while (dispatch.search_results().empty())
    turn(dispatch);
  dispatch.drive();
  EXPECT_EQ(dispatch.search_results().size(), 1U);
  EXPECT_TRUE(dispatch.finished().empty());
  dispatch.forget_first_result();
  EXPECT_TRUE(dispatch.search_results().empty());
}

}  // namespace
}  // namespace coach_sms::test
