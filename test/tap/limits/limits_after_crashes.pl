# Limits over whatever may go wrong: requests in flight and unknown ones hold their place, a sender that is killed at any
# point of a request frees none, and so does a restart or an immediate stop.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Rules;

my $fake = start_fake(https => 0, callbacks => 'off');
my $node = new_server('main', fake => $fake, clock => 1, conf => short_times());
$node->go_live;
$node->set_clock('2026-03-10 09:00:00+00');

my $clients = 0;

# Hour by hour until all have gone: never more than two in 60 minutes, each once.
sub let_go {
    my ($name, $all) = @_;
    my $pattern = qr/^\Q$name\E \d/;
    for (1 .. 2 * $all) {
        last if bodies($node, $pattern) == $all;
        $node->advance('61 minutes');
        $node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status IN ('sending', 'unknown')", '0', undef, name => "$name: nothing is in doubt");
        settle($node);
    }
    wait_for_bodies($node, $pattern, $all, "$name: all go in the end");
    cmp_ok(most_within($node, 3600, $pattern), '<=', 2, "$name: never more than two in any 60 minutes");
    return;
}

# --- in flight, then unknown ---------------------------------------------------------------------------------------------

my $org = $node->make_org(max_sms_per_hour => 2, max_sms_per_client_per_day => undef);
$fake->post('list-fault', marker => 'status=503');    # nothing is found out before the test allows it
$fake->post('scenario', to => sprintf('+614915%05d', $_), marker => 'stall') for 1, 2;
my @ids = $node->texts($org, 'stalled', 4);
$fake->wait_for(open => 2);
is(scalar bodies($node, qr/^stalled/), 2, 'two are in flight, and nothing else goes');
$node->wait_for_status($_, 'unknown') for @ids[ 0, 1 ];
is(settled_count($node, qr/^stalled/), 2, 'unknown, they hold their places');
$node->restart;
is(settled_count($node, qr/^stalled/), 2, 'after a restart too');
$fake->post('list-fault', marker => '');
$node->wait_for_status($_, 'sent') for @ids[ 0, 1 ];
is(settled_count($node, qr/^stalled/), 2, 'and found to be sent');
let_go('stalled', 4);

# --- a sender that is killed -----------------------------------------------------------------------------------------------

for my $place ('after-claim', 'before-connect', 'connected', 'after-answer') {
    my $killed = $node->make_org(max_sms_per_hour => 2);
    my $client = sprintf '%08d-0000-4000-8000-000000000000', ++$clients;
    my $daily = $node->make_org(max_sms_per_client_per_day => 1);
    $node->texts($killed, $place, 1);
    wait_for_bodies($node, qr/^$place/, 1, "$place: one goes");
    settle($node);
    arm($node, "$place=stop\@1");
    $node->enqueue($daily, '+61491570123', "a day's at $place", client_id => $client);
    $node->text($killed, "$place 1$_") for 1 .. 4;
    my $pid = wait_frozen($node);
    disarm($node);
    kill_sender($node, $pid);
    settle($node);
    cmp_ok(scalar bodies($node, qr/^$place/), '<=', 2, "$place: after the crash there is room for one more at most");
    raises($node, "SELECT sms_enqueue('$daily', to_phone => '+61491570124', body => 'a second', client_id => '$client')", 'SM018', "$place: nor for a client with a text a day");
    let_go($place, 5);
    # What may have been handed over counts for a day, as far as anybody knows.
    $node->advance('24 hours 1 minute');
    $node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE org_id = '$daily' AND status = 'sent'", '1', undef, name => "$place: and the client has theirs");
    is(scalar bodies($node, qr/^a day's at $place/), 1, "$place: once");
}

# --- a client's day ----------------------------------------------------------------------------------------------------------

my $daily = $node->make_org(max_sms_per_client_per_day => 9);
my $client = '11111111-0000-4000-8000-000000000000';
$node->safe_psql('postgres', "UPDATE sms_settings SET paused_until = 'infinity' WHERE org_id = '$daily'");
$node->texts($daily, 'daily', 5, client_id => $client);
arm($node, 'connected=stop@1');
$node->safe_psql('postgres', "UPDATE sms_settings SET paused_until = NULL, max_sms_per_client_per_day = 2 WHERE org_id = '$daily'");
my $pid = wait_frozen($node);
disarm($node);
$node->stop('immediate');
$node->start;
settle($node);
cmp_ok(scalar bodies($node, qr/^daily/), '<=', 2, 'an immediate stop lets no client have more');
for (1 .. 5) {
    $node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status IN ('sending', 'unknown')", '0', undef, name => 'nothing is in doubt');
    last if bodies($node, qr/^daily/) == 5;
    $node->advance('24 hours 1 minute');
    settle($node);
}
wait_for_bodies($node, qr/^daily/, 5, 'all go in the end');
cmp_ok(most_within($node, 86_400, qr/^daily/), '<=', 2, 'and never more than two in any 24 hours');
is_deeply([ $fake->duplicates ], [], 'nothing went twice');
is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM coach_sms_internal.sms_queue), (SELECT count(*) FROM coach_sms_internal.sms_in_flight)'), '0|0', 'nothing is left over');

done_testing();
