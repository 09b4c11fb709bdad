# A sender that is frozen (SIGSTOP) until its lease is over, and goes on then: nothing leaves late, nothing twice.
# Five servers, each frozen at another place, so that one wait serves all.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake();
my %frozen;

sub freeze {
    my ($name, $failpoint, $to, $text) = @_;
    my $node = new_server($name, fake => $fake, fresh => 1,
        conf => "coach_sms.public_url = 'https://app.example/twilio'\n" . short_times());
    $node->go_live;
    my $org = $node->make_org;
    my $pid = $node->sender_pid;
    arm($node, "$failpoint=stop\@1") if $failpoint;
    my $id = $node->enqueue($org, $to, $text);
    if (!$failpoint) {
        $fake->wait_for(open => 1);
        kill STOP => $pid;
    }
    wait_frozen($node);
    $frozen{$name} = { node => $node, pid => $pid, id => $id, to => $to };
    return;
}

freeze(claimed   => 'after-claim',    '+61491570110', 'claimed');
freeze(checked   => 'before-connect', '+61491570111', 'checked');
freeze(connected => 'connected',      '+61491570112', 'connected');
is($fake->count, 0, 'nothing has left');
freeze(answered  => '',               '+61491570113', 'answered [fake:accept-then-delay=1000]');
freeze(replaced  => 'after-answer',   '+61491570114', 'replaced [fake:no-callback]');
is($fake->count, 2, 'but the two whose answers a frozen sender has not recorded');

for my $name (sort keys %frozen) {
    my ($node, $id) = @{ $frozen{$name} }{qw(node id)};
    $node->wait_for_sql("SELECT lease_until < clock_timestamp() FROM coach_sms_internal.sms_in_flight WHERE message_id = '$id'", 't', undef, name => "$name: the lease is over");
    is($node->safe_psql('postgres', "SELECT status, attempt_count FROM sms_messages WHERE id = '$id'"), 'sending|1', "$name: nobody else took it");
}
is($fake->count, 2, 'still nothing has left');

# Its callbacks are there before the frozen sender has seen the answer.
my $answered = $frozen{answered};
$fake->wait_for(callbacks => 2);
is_deeply([ $answered->{node}->relay_callbacks ], [ 200, 200 ], 'answered: its callbacks come');
$answered->{node}->wait_for_status($answered->{id}, 'delivered');

# Somebody else has claimed this one meanwhile: the frozen sender's answer is that of an old claim.
my $replaced = $frozen{replaced};
$replaced->{node}->safe_psql('postgres', "UPDATE coach_sms_internal.sms_in_flight SET fence = fence + 1 WHERE message_id = '$replaced->{id}'");
$fake->post('list-fault', marker => 'status=503');

kill CONT => $frozen{$_}{pid} for keys %frozen;

for my $name (qw(claimed checked connected)) {
    my ($node, $id, $to) = @{ $frozen{$name} }{qw(node id to)};
    $node->wait_for_status($id, 'sent', undef, name => "$name: it is sent");
    my @requests = $fake->requests(to => $to);
    is(scalar(@requests), 1, "$name: one request");
    my ($sent) = $fake->ledger(to => $to);
    is($node->safe_psql('postgres', "SELECT provider_message_id, attempt_count FROM sms_messages WHERE id = '$id'"), "$sent->{sid}|1",
        "$name: its SID is stored");
    is($node->safe_psql('postgres', 'SELECT claimed FROM coach_sms_internal.sms_worker_state()'), 2, "$name: nothing left under the claim that was over, but under a new one");
    is($node->safe_psql('postgres', "SELECT count(*), min(status) FROM sms_attempts WHERE message_id = '$id'"), '1|success', "$name: one attempt");
}

$answered->{node}->wait_for_sql("SELECT status, provider_message_id FROM sms_messages WHERE id = '$answered->{id}'",
    'delivered|' . ($fake->ledger(to => $answered->{to}))[0]{sid}, undef, name => 'answered: what the callback said stays');
$answered->{node}->wait_for_sql('SELECT count(*) FROM coach_sms_internal.sms_in_flight', '0', undef, name => 'answered: its claim ends');

$replaced->{node}->wait_for_status($replaced->{id}, 'unknown', undef, name => 'replaced: the old claim settles nothing');
like(PostgreSQL::Test::Utils::slurp_file($replaced->{node}->logfile), qr/discarded 1 late results/, 'replaced: which is logged');
is($replaced->{node}->safe_psql('postgres', 'SELECT count(*) FROM sms_attempts'), 0, 'replaced: and writes no attempt');
$fake->post('list-fault', marker => '');
$replaced->{node}->wait_for_status($replaced->{id}, 'sent', undef, name => 'replaced: it is found out about');

for my $name (sort keys %frozen) {
    my ($node, $pid, $to) = @{ $frozen{$name} }{qw(node pid to)};
    is($fake->count(to => $to), 1, "$name: Twilio took it once");
    is($node->sender_pid, $pid, "$name: the sender is the same process");
    is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM coach_sms_internal.sms_queue), (SELECT count(*) FROM coach_sms_internal.sms_in_flight)'), '0|0', "$name: nothing is left over");
}
is_deeply([ $fake->duplicates ], [], 'nothing went twice');

done_testing();
