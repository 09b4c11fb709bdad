# Finding out what became of a message: Twilio's lists lag, so an empty one is no proof; absence counts late, and
# once; SIDs distinguish two texts alike; a callback is quicker than any list.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake(args => [ '--list-lag-s', 60 ]);
my $node = new_server('main', fake => $fake,
    conf => "coach_sms.public_url = 'https://app.example/twilio'\n" . short_times(reconcile_delay => '1h', reconcile_limit => '1h'));
$node->go_live;
my $org = $node->make_org;

sub message { my ($id, $columns) = @_; return $node->safe_psql('postgres', "SELECT $columns FROM sms_messages WHERE id = '$id'"); }
sub lists { return scalar grep { $_->{kind} eq 'list' } $fake->requests; }

# A callback settles an unknown message before any list is read.
my $called_back = $node->enqueue($org, '+61491570110', 'called back [fake:stall]');
$node->wait_for_status($called_back, 'unknown');
$fake->wait_for(callbacks => 2);
is_deeply([ $node->relay_callbacks ], [ 200, 200 ], 'the callbacks come');
$node->wait_for_status($called_back, 'delivered');
is(message($called_back, 'provider_message_id, error_code'), ($fake->ledger)[0]{sid} . '|', 'a callback proves that Twilio took it');
is($node->safe_psql('postgres', "SELECT status, provider_message_id IS NOT NULL FROM sms_attempts WHERE message_id = '$called_back'"),
    'success|t', 'its attempt is written down');
is(lists(), 0, 'no list was read');

# A number that gets two texts, of which the second is not taken.
my $other = $node->enqueue($org, '+61491570114', 'tomorrow at nine');
$node->wait_for_status($other, 'sent');
$fake->post('scenario', to => '+61491570114', marker => 'stall-before times=1');
my $late = $node->enqueue($org, '+61491570114', 'tomorrow at ten');

# A list that lags 60 seconds shows neither what was taken nor what was not. All the same is not: nothing is sent again.
$node->append_conf('postgresql.conf', "coach_sms.reconcile_delay = '50ms'");
$node->reload;
my $taken  = $node->enqueue($org, '+61491570111', 'taken [fake:stall]');
my $absent = $node->enqueue($org, '+61491570112', 'absent [fake:stall-before times=1]');
for my $id ($taken, $absent, $late) {
    $node->wait_for_sql("SELECT looks >= 3 FROM coach_sms_internal.sms_in_flight WHERE message_id = '$id'", 't', undef,
        name => 'three lists were read and showed nothing');
}
$node->wait_for_sql("SELECT min(lease_until) < now() FROM coach_sms_internal.sms_in_flight", 't', undef, name => 'the leases are over');
is(message($taken, 'status'), 'unknown', 'what was taken is still unknown');
is(message($absent, 'status'), 'unknown', 'what was not taken is unknown too');
is($fake->count(to => '+61491570111'), 1, 'the one was not sent again');
is($fake->count(to => '+61491570112'), 0, 'nor was the other');
is($node->safe_psql('postgres', 'SELECT count(*) FROM coach_sms_internal.sms_queue'), 0, 'none waits for its turn');

# The list no longer lags, and shows the one.
$fake->post('list-lag', seconds => 0);
$node->wait_for_status($taken, 'sent');
my ($listed) = $fake->ledger(to => '+61491570111');
is(message($taken, 'provider_message_id, attempt_count'), "$listed->{sid}|1", 'found by its text, with its SID');
is(message($absent, 'status'), 'unknown', 'the other one is still unknown');

# Two texts alike to one number: the first one's SID is known, so the other Message is the second one's.
my $first = $node->enqueue($org, '+61491570113', 'the same');
$node->wait_for_status($first, 'sent');
$fake->post('scenario', to => '+61491570113', marker => 'stall');
my $second = $node->enqueue($org, '+61491570113', 'the same');
$node->wait_for_status($second, 'sent');
is_deeply([ map { $_->{sid} } $fake->ledger(to => '+61491570113') ],
    [ message($first, 'provider_message_id'), message($second, 'provider_message_id') ], 'each text has its own SID');

# Absent for longer than reconcile_limit after the lease: it counts as absent, and is sent again.
my $lease = $node->safe_psql('postgres', "SELECT lease_until FROM coach_sms_internal.sms_in_flight WHERE message_id = '$absent'");
$node->append_conf('postgresql.conf', "coach_sms.reconcile_limit = '1s'");
$node->reload;
$node->wait_for_status($absent, 'sent');
my @again = $fake->ledger(to => '+61491570112');
is(scalar(@again), 1, 'Twilio took it once');
is($node->safe_psql('postgres', "SELECT to_timestamp($again[0]{received_at} / 1e6) > '$lease'::timestamptz + interval '1 second'"),
    't', 'not before lease and limit were over');
is($node->safe_psql('postgres', "SELECT string_agg(status || coalesce(' ' || error_code, ''), ', ' ORDER BY attempt_number)
                                   FROM sms_attempts WHERE message_id = '$absent'"),
    'unknown unanswered, success', 'both attempts are written down');

# The number's other text was no proof either.
$node->wait_for_status($late, 'sent');
is($fake->count(to => '+61491570114', body => 'tomorrow at ten'), 1, 'the text that was not taken went again, once');
is($fake->count(to => '+61491570114'), 2, 'and nothing else did');

is_deeply([ map { "$_->{to} $_->{body}" } $fake->duplicates ], ['+61491570113 the same'], 'nothing but the two alike came twice');

done_testing();
