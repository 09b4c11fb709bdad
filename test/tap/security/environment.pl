# Account, token and the application's URL from the postmaster's environment, as the seed app had them: they serve, and the token is handed on to
# nobody whom the server starts.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake();
my $node = do {
    local @ENV{qw(TWILIO_ACCOUNT_SID TWILIO_AUTH_TOKEN WEBAPP_URL)} = ($fake->account, $fake->token, 'https://coach.example/');
    new_server('main', fake => $fake, conf => short_times());
};
my $org = $node->make_org(twilio_account_sid => undef, twilio_auth_token_encrypted => undef);
$node->go_live;
my $id = $node->enqueue($org, '+61491570006', 'Hello');
$node->wait_for_status($id, 'sent');
is($fake->count(to => '+61491570006'), 1, 'the message went with them');
like($node->safe_psql('postgres', "SELECT coach_sms_internal.sms_booking_variables(jsonb_populate_record(NULL::coach_sms_internal.sms_booking, jsonb_build_object('id', gen_random_uuid(), 'org_id', '$org')))"),
    qr{"https://coach.example/feedback/}, 'and feedback_link leads to the application');

my $handed_on = $node->safe_psql('postgres', q(CREATE TABLE environment (line text); COPY environment FROM PROGRAM 'env' (DELIMITER E'\b'); TABLE environment));
like($handed_on, qr/^TWILIO_ACCOUNT_SID=\Q${\ $fake->account}\E$/m, 'a program of the server gets its environment');
unlike($handed_on, qr/TWILIO_AUTH_TOKEN|\Q${\ $fake->token}\E/, 'but for the token');

# After a crash too, when no library is loaded again.
kill_sender($node, $node->sender_pid);
$id = $node->enqueue($org, '+61491570007', 'Hello again');
$node->wait_for_status($id, 'sent');
done_testing();
