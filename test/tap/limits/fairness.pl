# 100,000 messages of one org do not delay another's one by more than two seconds, whatever the big org waits for: quiet
# hours, its limit, its pace, or nothing at all.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Rules;
use CoachSms::Wait qw(deadline);

my $fake = start_fake(https => 0, callbacks => 'off');
my $node = new_server('main', fake => $fake, clock => 1, conf => short_times(poll_interval => 3_600_000));
$node->go_live;
$node->set_clock('2027-03-10 22:00:00+00');

my $big = $node->make_org(quiet_hours_start => 21, quiet_hours_end => 8);
my $small = $node->make_org(twilio_phone_number => '+61491570157');
sub settings { my ($set) = @_; return $node->safe_psql('postgres', "UPDATE sms_settings SET $set WHERE org_id = '$big'"); }

# How long ten texts of the small org take, one after the other, from before their enqueue to their arrival.
my $number = 0;
sub check_delay {
    my ($name) = @_;
    my $worst = 0;
    for (1 .. 10) {
        my $body = 'small ' . ++$number;
        my $begin = time;
        $node->enqueue($small, '+61491570006', $body);
        CoachSms::Wait::wait_until(sub { $fake->count(to => '+61491570006') == $number }, 30);
        my ($row) = $fake->ledger(to => '+61491570006', body => $body);
        my $took = $row ? $row->{received_at} / 1e6 - $begin : 30;
        $worst = $took if $took > $worst;
    }
    cmp_ok($worst, '<', deadline(2), "$name: the other org's texts arrive at once");
    return;
}

sub big_ones { return $fake->get('counters')->{accepted} - $number; }

# Enqueued ready, as sms_enqueue_batch would, but by plain INSERT: what counts is what waits.
$node->safe_psql('postgres', "INSERT INTO sms_messages (org_id, to_phone, body) SELECT '$big', '+614915' || lpad((n % 100000)::text, 5, '0'), 'big ' || n FROM generate_series(1, 100000) n");
is($node->safe_psql('postgres', 'SELECT count(*) FROM coach_sms_internal.sms_queue'), '100000', '100,000 wait');
check_delay('in quiet hours');
is(big_ones(), 0, 'and none of them goes');

# What waits is not looked at again and again.
my $reads = "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'sms_queue_claim'";
settle($node);
my $before = $node->safe_psql('postgres', $reads);
settle($node) for 1 .. 10;
cmp_ok($node->safe_psql('postgres', $reads) - $before, '<', 2000, 'a backlog costs nothing while it waits');

# Then morning comes: 100,000 in five minutes are 333 a second.
$node->set_clock('2027-03-11 08:00:00+00');
my $begin = time;
check_delay('spread over five minutes');
$fake->wait_for(accepted => 1000);
my $speed = $fake->count(contains => 'big ') / (time - $begin);
cmp_ok($speed, '<', 500, 'they are spread');

settings('quiet_hours_end = 21, max_sms_per_hour = 50');
settle($node);
my $sent = $fake->count(contains => 'big ');
check_delay('at its limit');
is($fake->count(contains => 'big '), $sent, 'there it stays');

settings('max_sms_per_hour = NULL, max_segments_per_second = 20');
check_delay('paced');

settings('max_segments_per_second = NULL');
$fake->wait_for(accepted => 5000);
check_delay('at full speed');
cmp_ok($fake->count(contains => 'big '), '<', 100_000, 'all the while some of the big org\'s wait');
is_deeply([ $fake->duplicates ], [], 'nothing went twice');

done_testing();
