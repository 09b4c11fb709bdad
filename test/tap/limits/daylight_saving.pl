# Quiet hours on the days when clocks change. The rule: it is quiet while the zone's clock on the wall shows a quiet
# hour. So an hour that comes twice is quiet twice, and where the clock jumps over the end they end with the jump.
use strict;
use warnings;
use POSIX qw(strftime);
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Rules;

my $fake = start_fake(https => 0, callbacks => 'off');
my $node = new_server('main', fake => $fake, clock => 1, conf => short_times(poll_interval => 3_600_000) . "coach_sms.quiet_hours_spread = 0\n");
$node->go_live;

# Zone, quiet hours, when they begin and end (UTC), and what is special; in the order of time.
my @cases = (
    [ 'America/New_York',    21, 8, '2026-03-08 02:00', '2026-03-08 12:00', 'a night that is an hour shorter' ],
    [ 'America/New_York',    23, 2, '2026-03-08 04:00', '2026-03-08 07:00', 'an end that the clock jumps over' ],
    [ 'America/New_York',    2,  5, '2026-03-08 07:00', '2026-03-08 09:00', 'a beginning that the clock jumps over' ],
    [ 'Australia/Lord_Howe', 21, 8, '2026-04-04 10:00', '2026-04-04 21:30', 'a night that is half an hour longer' ],
    [ 'Australia/Sydney',    21, 8, '2026-04-04 10:00', '2026-04-04 22:00', 'a night that is an hour longer' ],
    [ 'Australia/Lord_Howe', 21, 2, '2026-04-04 10:00', '2026-04-04 15:30', 'half an hour before the end that comes twice' ],
    [ 'Australia/Sydney',    21, 2, '2026-04-04 10:00', '2026-04-04 15:00', 'an end that comes twice ends it once' ],
    [ 'Australia/Sydney',    2,  3, '2026-04-04 15:00', '2026-04-04 17:00', 'an hour that comes twice' ],
    [ 'Australia/Brisbane',  21, 8, '2026-04-04 11:00', '2026-04-04 22:00', 'a zone without daylight saving' ],
    [ 'Australia/Lord_Howe', 21, 2, '2026-10-03 10:30', '2026-10-03 15:30', 'half an hour that the clock jumps over' ],
    [ 'Australia/Sydney',    21, 8, '2026-10-03 11:00', '2026-10-03 21:00', 'a night that is an hour shorter' ],
    [ 'Australia/Sydney',    22, 2, '2026-10-03 12:00', '2026-10-03 16:00', 'an end that the clock jumps over' ],
    [ 'America/New_York',    21, 8, '2026-11-01 01:00', '2026-11-01 13:00', 'a night that is an hour longer' ],
    [ 'America/New_York',    1,  2, '2026-11-01 05:00', '2026-11-01 07:00', 'an hour that comes twice' ],
);

my (%at, $number);    # what happens at each second of the clock
sub plan_at { my ($time, $shift, @event) = @_; push @{ $at{ seconds($time) + $shift } }, \@event; return; }
sub seconds { my ($time) = @_; return $node->safe_psql('postgres', "SELECT extract(epoch FROM '$time+00'::timestamptz)::bigint"); }

for my $case (@cases) {
    my ($zone, $start, $end, $begins, $ends, $name) = @$case;
    my $org = $node->make_org(timezone => $zone, quiet_hours_start => $start, quiet_hours_end => $end);
    my $body = 'case ' . ++$number;
    plan_at($begins, -4, 'goes',  $org, "$body: before", "$zone, $start to $end, $name: before it a text goes");
    plan_at($begins, 0,  'waits', $org, "$body: inside", "$zone, $start to $end, $name: it begins");
    plan_at($ends,   -4, 'is waiting', $org, "$body: inside", "$zone, $start to $end, $name: it lasts");
    plan_at($ends,   0,  'has gone',   $org, "$body: inside", "$zone, $start to $end, $name: it ends");
}

for my $second (sort { $a <=> $b } keys %at) {
    my @events = @{ $at{$second} };
    $node->set_clock(strftime('%Y-%m-%d %H:%M:%S+00', gmtime $second));
    for my $event (@events) {
        my ($what, $org, $body) = @$event;
        $node->enqueue($org, '+61491570006', $body) if $what eq 'goes' || $what eq 'waits';
    }
    settle($node);
    for my $event (@events) {
        my ($what, undef, $body, $name) = @$event;
        my $goes = $what eq 'goes' || $what eq 'has gone';
        if ($goes) { wait_for_bodies($node, qr/^\Q$body\E$/, 1, $name) }
        else { is($fake->count(body => $body), 0, $name) }
    }
}
is_deeply([ $fake->duplicates ], [], 'nothing went twice');

done_testing();
