#include "core/sending/dispatch.hpp"

#include <algorithm>
#include <future>
#include <initializer_list>
#include <map>
#include <set>

#include "core/webhook/callback.hpp"
#include "core/webhook/form.hpp"
#include "dispatch_fixture.hpp"
#include "expect_error.hpp"

namespace coach_sms::test {
namespace {

std::string parameter(const std::string& form, const std::string& name) {
  const FormParams parameters = parse_form(form);
  const std::string* value = find(parameters, name);
  return value == nullptr ? "(none)" : *value;
}

// What Twilio gets

TEST_F(DispatchTest, ARequestCarriesTheMessageToTheAccountOfItsRoute) {
  LoopbackServer server(create);
  Dispatch dispatch(options_for(server), &now_us, &lanes, &holds);
  finished_of(dispatch, task(1), route());
  ASSERT_EQ(attempts_at(server), 1);
  const SeenRequest seen = server.seen().front();
  EXPECT_TRUE(seen.head.starts_with(
      "POST /2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json "));
  EXPECT_EQ(parameter(seen.body, "To"), "+61400000001");
  EXPECT_EQ(parameter(seen.body, "Body"), "text 1");
  EXPECT_EQ(parameter(seen.body, "From"), "+61411111111");
  EXPECT_EQ(parameter(seen.body, "MessagingServiceSid"), "(none)");
}

TEST_F(DispatchTest, AMessageGoesFromItsOwnNumberOrElseTheServiceOrElseTheNumberOfItsRoute) {
  LoopbackServer server(create);
  Dispatch dispatch(options_for(server), &now_us, &lanes, &holds);
  Route with_service = route();
  with_service.messaging_service_sid = "MG1";
  Task with_number = task(2);
  with_number.from = "+61422222222";
  finished_of(dispatch, task(1), with_service);
  finished_of(dispatch, with_number, with_service);
  const std::vector<SeenRequest> seen = server.seen();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(parameter(seen[0].body, "MessagingServiceSid"), "MG1");
  EXPECT_EQ(parameter(seen[0].body, "From"), "(none)");
  EXPECT_EQ(parameter(seen[1].body, "MessagingServiceSid"), "(none)");
  EXPECT_EQ(parameter(seen[1].body, "From"), "+61422222222");
}

TEST_F(DispatchTest, TheStatusCallbackNamesOrgMessageAndAttempt) {
  LoopbackServer server(create);
  Dispatch dispatch(options_for(server), &now_us, &lanes, &holds);
  Task third = task(1, 5);
  third.attempt = 3;
  finished_of(dispatch, third, route());
  const std::string url = parameter(server.seen().front().body, "StatusCallback");
  EXPECT_TRUE(url.starts_with("https://hooks.example/sms?")) << url;
  const auto target = read_callback_target(url);
  ASSERT_TRUE(target);
  EXPECT_EQ(target->org_id, to_text(org_id(5)));
  EXPECT_EQ(target->message_id, to_text(message_id(1)));
  EXPECT_EQ(target->attempt, 3);
}

TEST_F(DispatchTest, WithoutAPublicUrlNoCallbackIsAskedFor) {
  LoopbackServer server(create);
  DispatchOptions options = options_for(server);
  options.public_url.clear();
  Dispatch dispatch(options, &now_us, &lanes, &holds);
  finished_of(dispatch, task(1), route());
  EXPECT_EQ(parameter(server.seen().front().body, "StatusCallback"), "(none)");
}

TEST_F(DispatchTest, TheValidityPeriodIsWhatIsLeftUntilTheMessageExpires) {
  LoopbackServer server(create);
  Dispatch dispatch(options_for(server), &now_us, &lanes, &holds);
  const std::map<std::int64_t, std::string> table = {{kNever, "(none)"},
                                                     {clock_us + 90 * kSecond, "90"},
                                                     {clock_us + 90 * kSecond - 1, "89"},
                                                     {clock_us + 1, "1"},
                                                     {clock_us + 35'999 * kSecond, "35999"},
                                                     {clock_us + 36'000 * kSecond, "(none)"}};
  for (const auto& [expires_at, validity] : table) {
    Task expiring = task(1);
    expiring.expires_at = expires_at;
    EXPECT_TRUE(finished_of(dispatch, expiring, route()).started);
    EXPECT_EQ(parameter(server.seen().back().body, "ValidityPeriod"), validity);
  }
}

// What comes back

TEST_F(DispatchTest, AnAcceptedTaskComesBackWithAllThatIsToBeWrittenDown) {
  LoopbackServer server([](Peer& peer, const SeenRequest&) {
    peer.send(answer(201, R"({"sid":"SM77","status":"queued","num_segments":"2"})",
                     "Twilio-Request-Id: RQ5\r\n"));
  });
  Dispatch dispatch(options_for(server), &now_us, &lanes, &holds);
  const FinishedTask finished = finished_of(dispatch, task(4), route());
  EXPECT_EQ(finished.task.message, message_id(4));
  EXPECT_EQ(finished.task.fence, 74);
  EXPECT_TRUE(finished.started);
  EXPECT_EQ(finished.http_status, 201);
  EXPECT_EQ(finished.settlement.outcome, Outcome::kAccepted);
  EXPECT_EQ(finished.settlement.provider_message_id, "SM77");
  EXPECT_EQ(finished.settlement.segments, 2);
  EXPECT_EQ(finished.response, R"({"sid":"SM77","status":"queued","request_id":"RQ5"})");
  EXPECT_TRUE(contains(finished.request, R"("Body":"text 4")")) << finished.request;
  EXPECT_FALSE(contains(finished.request, "hush")) << finished.request;
}

TEST_F(DispatchTest, EveryTaskComesBackOnceAndAsWhatItsAnswerMeans) {
  LoopbackServer server([](Peer& peer, const SeenRequest& request) {
    const std::string body = parameter(request.body, "Body");
    switch (std::stoi(body.substr(5)) % 5) {
      case 0:
        return peer.send(created());
      case 1:
        return peer.send(answer(400, R"({"code":21211,"message":"no such number"})"));
      case 2:
        return peer.send(answer(429, R"({"code":20429})"));
      case 3:
        return peer.send(answer(503, "<html>"));
      default:
        return peer.reset();
    }
  });
  Dispatch dispatch(options_for(server), &now_us, &lanes, &holds);
  for (int number = 0; number < 60; ++number)
    dispatch.send(task(number), route());
  EXPECT_EQ(dispatch.in_flight(), 60U);
  drive_until_finished(dispatch, 60);
  EXPECT_EQ(dispatch.in_flight(), 0U);
  std::set<Uuid> messages;
  for (const FinishedTask& finished : take(dispatch)) {
    static constexpr Outcome kOutcomes[] = {Outcome::kAccepted, Outcome::kRejected, Outcome::kRetry,
                                            Outcome::kUnknown, Outcome::kUnknown};
    const int number = finished.task.message.bytes[15];
    EXPECT_EQ(finished.settlement.outcome, kOutcomes[number % 5]) << number;
    EXPECT_TRUE(finished.started);
    EXPECT_TRUE(messages.insert(finished.task.message).second) << number;
    EXPECT_EQ(finished.response.empty(), number % 5 == 4) << number;
  }
  EXPECT_EQ(messages.size(), 60U);
}

TEST_F(DispatchTest, ARefusedConnectionIsAnAttemptThatMayBeRepeated) {
  RefusingPort port;
  Dispatch dispatch(options_for(port.address()), &now_us, &lanes, &holds);
  const FinishedTask finished = finished_of(dispatch, task(1), route());
  EXPECT_EQ(finished.settlement.outcome, Outcome::kRetry);
  EXPECT_EQ(finished.settlement.error_code, "connect_failed");
  EXPECT_TRUE(finished.started);
  EXPECT_EQ(finished.response, "");
}

TEST_F(DispatchTest, ASidThatIsNoneHoldsItsOrgAndEndsNoMessage) {
  LoopbackServer server(create);
  Dispatch dispatch(options_for(server), &now_us, &lanes, &holds);
  for (const char* sid : {"", "AC1/../../Accounts", "AC 1", "AC1?"}) {
    dispatch.send(task(1), route(sid));
    ASSERT_EQ(dispatch.finished().size(), 1U) << sid;
    const FinishedTask finished = take(dispatch).front();
    EXPECT_EQ(finished.settlement.outcome, Outcome::kRetry);
    EXPECT_FALSE(finished.started) << "no attempt is used";
  }
  lanes.note({org_id(1), "", 0}, clock_us);
  EXPECT_EQ(lanes.next_due(clock_us), clock_us + 60 * kSecond);
  EXPECT_EQ(dispatch.in_flight(), 0U);
  EXPECT_EQ(dispatch.in_hand(), 0U);
  EXPECT_EQ(server.connections(), 0U);
}

// What is never sent

TEST_F(DispatchTest, ATaskWhoseLeaseIsOverWasNotStartedAndIsNoAttempt) {
  LoopbackServer server(create);
  DispatchOptions options = options_for(server);
  options.send_margin = 30 * kSecond;
  Dispatch dispatch(options, &now_us, &lanes, &holds);
  Task late = task(1);
  late.lease_until = clock_us + options.send_margin;
  const FinishedTask finished = finished_of(dispatch, late, route());
  EXPECT_FALSE(finished.started);
  EXPECT_EQ(finished.settlement.outcome, Outcome::kRetry);
  late.lease_until += 1;
  EXPECT_TRUE(finished_of(dispatch, late, route()).started);
  EXPECT_EQ(attempts_at(server), 1);
}

TEST_F(DispatchTest, ALeaseThatEndsBeforeTheFirstByteIsNoAttemptWhateverTheMarginIsByThen) {
  LoopbackServer silent([](Peer&, const SeenRequest&) {});
  DispatchOptions options = options_for(silent);
  options.api_url = "https://" + silent.address();  // a handshake that nobody answers
  options.send_margin = 30 * kSecond;
  Dispatch dispatch(options, &now_us, &lanes, &holds);
  dispatch.send(task(1), route());
  dispatch.drive();
  EXPECT_EQ(dispatch.in_flight(), 1U);
  options.send_margin = 0;
  dispatch.configure(options);
  clock_us += 570 * kSecond;
  drive_until_finished(dispatch, 1);
  EXPECT_FALSE(take(dispatch).front().started);
}

TEST_F(DispatchTest, NothingLeavesOnceAMessageHasExpired) {
  LoopbackServer server(create);
  Dispatch dispatch(options_for(server), &now_us, &lanes, &holds);
  Task expired = task(1);
  expired.expires_at = clock_us;
  EXPECT_FALSE(finished_of(dispatch, expired, route()).started);
  expired.expires_at = clock_us + 5;
  dispatch.send(expired, route());
  clock_us += 5;
  drive_until_finished(dispatch, 1);
  EXPECT_FALSE(take(dispatch).front().started);
  EXPECT_EQ(attempts_at(server), 0);
}

TEST_F(DispatchTest, ATaskGivenBackWasNotStarted) {
  RefusingPort port;
  Dispatch dispatch(options_for(port.address()), &now_us, &lanes, &holds);
  dispatch.give_back(task(1));
  ASSERT_EQ(dispatch.finished().size(), 1U);
  EXPECT_EQ(dispatch.in_hand(), 1U);
  EXPECT_FALSE(dispatch.finished().front().started);
  EXPECT_EQ(dispatch.finished().front().settlement.outcome, Outcome::kRetry);
  EXPECT_EQ(dispatch.finished().front().task.message, message_id(1));
}

// The sandbox

TEST_F(DispatchTest, TheSandboxAnswersWithoutANetworkOrAWait) {
  RefusingPort port;
  Dispatch dispatch(options_for(port.address()), &now_us, &lanes, &holds);
  dispatch.send(sandbox_task(1), Route{});
  EXPECT_EQ(dispatch.twilio().timeout_ms(), 0);
  dispatch.drive();
  ASSERT_EQ(dispatch.finished().size(), 1U);
  EXPECT_EQ(dispatch.in_flight(), 0U);
  const FinishedTask finished = take(dispatch).front();
  EXPECT_EQ(finished.settlement.outcome, Outcome::kAccepted);
  EXPECT_TRUE(finished.started);
  EXPECT_EQ(finished.http_status, 201);
  EXPECT_TRUE(contains(finished.request, R"("To":"+61400000001")")) << finished.request;
  EXPECT_TRUE(contains(finished.response, finished.settlement.provider_message_id));
}

TEST_F(DispatchTest, EachAttemptInTheSandboxHasASidOfItsOwn) {
  RefusingPort port;
  Dispatch dispatch(options_for(port.address()), &now_us, &lanes, &holds);
  for (int number = 1; number <= 20; ++number) {
    for (int attempt = 1; attempt <= 16; ++attempt) {
      Task again = sandbox_task(number);
      again.attempt = attempt;
      dispatch.send(again, Route{});
    }
  }
  dispatch.drive();
  std::set<std::string> sids;
  for (const FinishedTask& finished : take(dispatch))
    sids.insert(finished.settlement.provider_message_id);
  EXPECT_EQ(sids.size(), 320U);
  EXPECT_EQ(sids.begin()->size(), 34U);
}

TEST_F(DispatchTest, TheSandboxKnowsTwiliosMagicNumbersOfBothSides) {
  RefusingPort port;
  Dispatch dispatch(options_for(port.address()), &now_us, &lanes, &holds);
  Task opted_out = sandbox_task(1);
  opted_out.to = "+15005550004";
  dispatch.send(opted_out, route());
  Route bad_sender = route();
  bad_sender.from = "+15005550001";
  dispatch.send(sandbox_task(2), bad_sender);
  Task bad_own_sender = sandbox_task(3);
  bad_own_sender.from = "+15005550007";
  dispatch.send(bad_own_sender, route());
  Route service = bad_sender;
  service.messaging_service_sid = "MG1";
  dispatch.send(sandbox_task(4), service);
  dispatch.drive();
  std::vector<std::string> codes;
  for (const FinishedTask& finished : take(dispatch))
    codes.push_back(finished.settlement.error_code);
  EXPECT_EQ(codes, (std::vector<std::string>{"21610", "21212", "21606", ""}));
}

// What it keeps

TEST_F(DispatchTest, AMessageIsInHandUntilItIsLetGo) {
  LoopbackServer server(create);
  DispatchOptions options = options_for(server);
  options.max_in_flight = 3;
  Dispatch dispatch(options, &now_us, &lanes, &holds);
  EXPECT_EQ(dispatch.room(), 3);
  dispatch.send(task(1), route());
  dispatch.send(sandbox_task(2), route());
  dispatch.give_back(task(3));
  dispatch.give_back(task(4));
  EXPECT_EQ(dispatch.in_flight(), 2U) << "a sandbox request is under way until drive()";
  EXPECT_EQ(dispatch.room(), 1) << "requests under way take room, results do not";
  drive_until_finished(dispatch, 4);
  EXPECT_EQ(dispatch.room(), 3);
  EXPECT_EQ(dispatch.messages_in_hand(),
            (std::vector{message_id(1), message_id(2), message_id(3), message_id(4)}));
  dispatch.let_go(message_id(2));
  dispatch.let_go(message_id(4));
  EXPECT_EQ(dispatch.in_hand(), 2U);
}

TEST_F(DispatchTest, ResultsStayUntilTheyAreTakenOutHoweverOftenItIsDriven) {
  LoopbackServer server(create);
  Dispatch dispatch(options_for(server), &now_us, &lanes, &holds);
  dispatch.send(task(1), route());
  drive_until_finished(dispatch, 1);
  dispatch.send(task(2), route());
  drive_until_finished(dispatch, 2);
  dispatch.drive();
  ASSERT_EQ(dispatch.finished().size(), 2U);
  EXPECT_EQ(dispatch.finished()[0].task.message, message_id(1));
  EXPECT_EQ(dispatch.finished()[1].task.message, message_id(2));
  EXPECT_EQ(dispatch.in_hand(), 2U);
}

TEST_F(DispatchTest, ItCanBeDestroyedWithRequestsAndLooksUnderWay) {
  std::promise<void> arrived;
  LoopbackServer server([&](Peer& peer, const SeenRequest& request) {
    if (request.head.starts_with("POST")) arrived.set_value();
    peer.wait_until_closed();
  });
  auto dispatch = std::make_unique<Dispatch>(options_for(server), &now_us, &lanes, &holds);
  dispatch->send(task(1), route());
  dispatch->search_list({message_id(9), org_id(1), 1, "+61400000001", 0, 0}, route());
  auto seen = arrived.get_future();
  while (seen.wait_for(std::chrono::seconds(0)) != std::future_status::ready)
    dispatch->drive();
  EXPECT_EQ(dispatch->in_flight(), 2U);
  dispatch.reset();
}

}  // namespace
}  // namespace coach_sms::test
