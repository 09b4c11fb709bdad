# The clock that tests move (CoachSms::Clock): the whole server sees it, and restarts keep it.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Fake;
use CoachSms::Failpoint;

my $fake = start_fake(https => 0);
my $node = new_server('main', fake => $fake, clock => 1);
$node->go_live;
my $org = $node->make_org;

sub now_is {
    my ($time, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is( $node->safe_psql('postgres', "SELECT clock_timestamp() BETWEEN '$time' AND '$time'::timestamptz + interval '1 minute'"),
        't', $name);
}

$node->set_clock('2031-03-10 20:59:00+11');
now_is('2031-03-10 20:59:00+11', 'a session sees the clock that was set');
cmp_ok(abs($node->clock - $node->safe_psql('postgres', 'SELECT extract(epoch FROM clock_timestamp())')), '<', 5, 'and the test knows it');
$node->advance('61 minutes');
now_is('2031-03-10 22:00:00+11', 'it moves on');
$node->advance('-1 day 2 hours');
now_is('2031-03-10 00:00:00+11', 'and back');

# The sender sees it too: a message of tomorrow goes once tomorrow is here, and bears that time.
my $id = $node->enqueue($org, '+61491570006', 'See you', scheduled_for => '2031-03-11 09:00:00+11');
is($fake->count, 0, 'nothing goes before its time');
$node->set_clock('2031-03-11 09:00:00+11');
$node->wait_for_status($id, 'sent');
my ($row) = $fake->ledger;
my $sent = $node->safe_psql('postgres', "SELECT extract(epoch FROM '2031-03-11 09:00:00+11'::timestamptz)");
cmp_ok(abs($node->clock_at($row->{received_at}) - $sent), '<', 60, 'that clock gives the time of its arrival');

$node->restart;
now_is('2031-03-11 09:00:00+11', 'a restart keeps it');
kill_sender($node, $node->sender_pid);
now_is('2031-03-11 09:00:00+11', 'a crash keeps it');
$node->stop;
$node->advance('6 hours');
$node->start;
now_is('2031-03-11 15:00:00+11', 'it moves while the server is down');

done_testing();
