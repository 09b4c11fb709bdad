# What nobody can find out ends as failed with outcome_unknown, never as a second text; a callback that comes after all
# sets it right.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake(args => [ '--list-lag-s', 100_000 ]);
my $node = new_server('main', fake => $fake,
    conf => "coach_sms.public_url = 'https://app.example/twilio'\n" . short_times(reconcile_limit => 500));
$node->go_live;
my $holds    = $node->make_org(unknown_policy => 'hold');
my $resends  = $node->make_org;
my $moves    = $node->make_org;

# Taken, but the list will never show it: the org does not want a second one.
my $held = $node->enqueue($holds, '+61491570110', 'held [fake:stall]');
# An org that goes to another Twilio account meanwhile: the new account's list would prove nothing.
my $moved = $node->enqueue($moves, '+61491570111', 'moved [fake:stall]');
$fake->wait_for(accepted => 2);
$node->safe_psql('postgres', "UPDATE sms_settings SET twilio_account_sid = 'AC' || repeat('77', 16), twilio_auth_token_encrypted = 'other'
                               WHERE org_id = '$moves'");

$node->wait_for_status($held, 'failed');
is( $node->safe_psql('postgres', "SELECT error_code, error_message, failed_at IS NOT NULL FROM sms_messages WHERE id = '$held'"),
    "outcome_unknown|Twilio's list does not show it; the org's unknown_policy is hold|t", 'held: it says that nobody knows');
is($node->safe_psql('postgres', "SELECT string_agg(status, ',') FROM sms_attempts WHERE message_id = '$held'"), 'unknown', 'and so does its attempt');
is($fake->count(to => '+61491570110'), 1, 'Twilio took it once');

# Two texts alike, both unknown, and a list that shows both.
$fake->post('list-lag', seconds => 0);
$fake->post('scenario', to => '+61491570112', marker => 'stall');
my @twins = map { $node->enqueue($resends, '+61491570112', 'the same') } 1, 2;
$fake->wait_for(accepted => 4);
for my $twin (@twins) {
    $node->wait_for_status($twin, 'failed');
    is( $node->safe_psql('postgres', "SELECT error_code, error_message FROM sms_messages WHERE id = '$twin'"),
        'outcome_unknown|Twilio\'s list shows several messages that match', 'one of two alike: nobody knows which');
}
is($fake->count(to => '+61491570112'), 2, 'neither went again');

# Nobody can ask about that one, so nothing is given up (recovery/unknown_of_held_account.pl).
like($node->safe_psql('postgres', "SELECT not_asked FROM coach_sms_internal.sms_in_flight WHERE message_id = '$moved'"), qr/no token/, 'moved: nobody was asked');
is($node->safe_psql('postgres', "SELECT status FROM sms_messages WHERE id = '$moved'"), 'unknown', 'and it is still unknown');
is($fake->count(to => '+61491570111'), 1, 'Twilio took it once');

# Their callbacks come late, and show the outcome.
$fake->wait_for(callbacks => 8);
$node->safe_psql('postgres', sprintf "UPDATE sms_settings SET twilio_account_sid = '%s', twilio_auth_token_encrypted = '%s' WHERE org_id = '$moves'",
    $fake->account, $fake->token);
is_deeply([ $node->relay_callbacks ], [ (200) x 8 ], 'late callbacks come');
for my $id ($held, $moved, @twins) {
    $node->wait_for_status($id, 'delivered');
}
is( $node->safe_psql('postgres', "SELECT count(DISTINCT provider_message_id), count(error_code), count(failed_at), count(delivered_at) FROM sms_messages"),
    '4|0|0|4', 'each has its SID, and no doubt is left');
is_deeply([ sort map { $_->{sid} } $fake->ledger ],
    [ sort split /\n/, $node->safe_psql('postgres', 'SELECT provider_message_id FROM sms_messages') ], 'the SIDs that Twilio gave');
is($fake->count, 4, 'Twilio took each once');

done_testing();
