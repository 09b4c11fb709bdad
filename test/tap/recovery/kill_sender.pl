# kill -9 of the sender at each stage of a request: nothing lost, nothing twice, and the states say what is known.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake();
my $node = new_server('main', fake => $fake, conf => short_times());
$node->go_live;
my $org = $node->make_org;

# Nothing is found out before the test allows it.
$fake->post('list-fault', marker => 'status=503');

my $number = 0;
my %message;

# Enqueues, lets the sender come to where $until returns, kills it there.
sub kill_at {
    my ($name, $failpoint, $marker, $until) = @_;
    my $to = '+6149157011' . $number++;
    arm($node, $failpoint) if $failpoint;
    my $id = $node->enqueue($org, $to, "$name [fake:$marker]");
    my $pid;
    if ($failpoint) {
        $pid = wait_frozen($node);
        disarm($node);
    } else {
        $pid = $node->sender_pid;
        $until->($to);
    }
    is($node->safe_psql('postgres', "SELECT status FROM sms_messages WHERE id = '$id'"), 'sending', "$name: it was sending");
    kill_sender($node, $pid);
    $node->wait_for_status($id, 'unknown');
    $message{$name} = { id => $id, to => $to };
    return;
}

kill_at('claimed',   'after-claim=stop@1',    '');
kill_at('checked',   'before-connect=stop@1', '');
kill_at('connected', 'connected=stop@1',      '');
kill_at('in flight', '', 'stall-before times=1', sub { $fake->wait_for(open => 1) });
kill_at('taken',     '', 'accept-then-delay=60000', sub { $fake->wait_for(accepted => 1) });
kill_at('answered',  'after-answer=stop@1',   '');

my %taken = (taken => 1, answered => 1);
is($fake->count, 2, 'so far Twilio took two');
for my $name (sort keys %message) {
    is($fake->count(to => $message{$name}{to}), $taken{$name} || 0, "$name: Twilio took " . ($taken{$name} ? 'it' : 'nothing'));
}
is($node->safe_psql('postgres', "SELECT count(*), count(DISTINCT error_code), min(error_code) FROM sms_messages"), '6|1|sender_lost',
    'each says why nobody knows');

$fake->post('list-fault', marker => '');
$node->wait_for_status($message{$_}{id}, 'sent') for sort keys %message;

for my $name (sort keys %message) {
    my ($id, $to) = @{ $message{$name} }{qw(id to)};
    my @accepted = $fake->ledger(to => $to);
    is(scalar(@accepted), 1, "$name: Twilio took it once");
    is( $node->safe_psql('postgres', "SELECT provider_message_id, attempt_count, error_code FROM sms_messages WHERE id = '$id'"),
        $accepted[0]{sid} . ($taken{$name} ? '|1|' : '|2|'),
        "$name: " . ($taken{$name} ? 'the SID was found out' : 'it went again'));
    is( $node->safe_psql('postgres', "SELECT string_agg(status, ',' ORDER BY attempt_number) FROM sms_attempts WHERE message_id = '$id'"),
        $taken{$name} ? 'success' : 'unknown,success', "$name: its attempts are written down");
}
is_deeply([ $fake->duplicates ], [], 'nothing went twice');
is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM coach_sms_internal.sms_queue), (SELECT count(*) FROM coach_sms_internal.sms_in_flight)'), '0|0', 'nothing is left over');
like(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/1 messages were in flight when the previous sender ended/,
    'the log says what a sender left behind');

done_testing();
