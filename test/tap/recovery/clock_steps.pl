# The server's clock is set back two hours, and forward again, while there is work: nothing goes twice, no limit is
# passed by, nothing waits for the clock to come to where it was. Then a night of downtime.
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
$node->set_clock('2027-03-10 09:00:00+00');

my $org = $node->make_org;
my $limited = $node->make_org(max_sms_per_hour => 3);

# --- back and forward in the midst of work ----------------------------------------------------------------------------------

$fake->post('default', marker => 'delay=20');
$node->safe_psql('postgres', "SELECT count(sms_enqueue('$org', to_phone => '+614915' || 70000 + n, body => 'work ' || n)) FROM generate_series(1, 400) n");
for my $sent (50, 150) {
    $fake->wait_for(accepted => $sent);
    $node->advance('-2 hours');
    $node->wait_for_status($node->text($org, "meanwhile $sent"), 'sent');    # what is due by that clock goes
    $node->advance('2 hours');
}
$fake->post('default', marker => '');
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status = 'sent'", '402', undef, name => 'all is sent, whatever the clock does');
is($fake->count, 402, 'each once');

# --- claims, leases and what is in doubt -------------------------------------------------------------------------------------

$fake->post('scenario', to => '+61491599901', marker => 'stall-before times=1');
my $stalled = $node->enqueue($org, '+61491599901', 'stalled');
$fake->wait_for(open => 1);
$node->advance('-2 hours');
$node->wait_for_status($stalled, 'unknown', 30, name => 'a request without an answer is given up in seconds, though the clock went back');
$node->advance('2 hours');
$node->wait_for_status($stalled, 'sent', 30, name => 'and found out about, at the latest when the clock is there again');
$node->advance('-2 hours');

arm($node, 'after-claim=stop@1');
my $claimed = $node->text($org, 'claimed');
my $pid = wait_frozen($node);
disarm($node);
$node->advance('2 hours');
kill CONT => $pid;
$node->wait_for_status($claimed, 'sent', 30, name => 'a claim that is older than its lease by the clock is not sent late, but again');
$node->advance('-2 hours');
is($fake->count(body => 'claimed'), 1, 'once');

# What was planned by the later clock is not waited for.
my $expiring = $node->make_org(max_sms_per_hour => 0);
my $expires = $node->text($expiring, 'expires', expires_at => $node->safe_psql('postgres', q{SELECT now() + interval '1 second'}));
$node->wait_for_sql("SELECT status, error_code FROM sms_messages WHERE id = '$expires'", 'cancelled|expired', 30, name => 'housekeeping goes on');
$node->safe_psql('postgres', 'SELECT pg_terminate_backend(' . $node->sender_pid . ')');
$node->wait_for_status($node->text($org, 'after a new start'), 'sent', 30, name => 'a sender that ends is started again');

$fake->post('scenario', to => '+61491599902', marker => 'status=429 retry-after=1 times=1');
my $held = $node->enqueue($org, '+61491599902', 'refused with Retry-After');
$node->wait_for_sql("SELECT attempt_count FROM sms_messages WHERE id = '$held'", '1');
$node->advance('-2 hours');
$node->wait_for_status($node->text($org, 'another of the account'), 'sent', 30, name => 'an account that was held for a second is not held for two hours');

# --- limits ---------------------------------------------------------------------------------------------------------------------

$node->set_clock('2027-03-11 12:00:00+00');
$node->text($limited, "limited $_") for 1 .. 3;
wait_for_bodies($node, qr/^limited/, 3, 'three in an hour');
$node->advance('2 hours');
$node->text($limited, 'limited 4');
wait_for_bodies($node, qr/^limited/, 4, 'one two hours later, by the clock');
$node->advance('-2 hours');
$node->text($limited, "limited $_") for 5 .. 9;
is(settled_count($node, qr/^limited/), 4, 'that clock was wrong: none of them is forgotten');
$node->restart;
is(settled_count($node, qr/^limited/), 4, 'nor after a restart');
$node->advance('61 minutes');
settle($node);
cmp_ok(most_within($node, 3600, qr/^limited/), '<=', 3, 'when the hour is over, not more than fit');
$node->set_clock('2027-03-11 15:01:00+00');
settle($node);
$node->advance('61 minutes');
wait_for_bodies($node, qr/^limited/, 9, 'in the end all go');
cmp_ok(most_within($node, 3600, qr/^limited/), '<=', 3, 'never more than three in any hour of that clock');

# --- six hours of downtime with a night in between ----------------------------------------------------------------------------

my $night = $node->make_org(timezone => 'Australia/Sydney', quiet_hours_start => 21, quiet_hours_end => 3);
$node->set_clock('2027-03-12 20:59:00+11');
my $before = $node->text($night, 'night: due before the stop', scheduled_for => '2027-03-12 22:00:00+11');
my $passed = $node->text($night, 'night: nothing after its session', scheduled_for => '2027-03-12 22:00:00+11', expires_at => '2027-03-13 02:00:00+11');
my $inside = $node->text($night, 'night: quiet again', scheduled_for => '2027-03-12 23:00:00+11');
$node->stop;
$node->advance('4 hours');
$node->start;
is(settled_count($node, qr/^night/), 0, 'started in the night it waits');
$node->stop;
$node->advance('6 hours');
$node->start;
$node->wait_for_status($_, 'sent') for $before, $inside;
$node->wait_for_sql("SELECT status, error_code FROM sms_messages WHERE id = '$passed'", 'cancelled|expired', undef, name => 'what is over is cancelled');
is(scalar bodies($node, qr/^night/), 2, 'the morning brings the others');
is_deeply([ $fake->duplicates ], [], 'nothing went twice');
$node->wait_for_sql('SELECT ok, problem FROM sms_health', 't|', undef, name => 'sms_health is content');

done_testing();
