# The server stops while requests are under way: what is answered in time is recorded, the rest is found out after
# the restart, and what waited goes on. Nothing lost, nothing twice.
use strict;
use warnings;
use PostgreSQL::Test::Utils ();
use Test::More;
use Time::HiRes qw(time);
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Log;
use CoachSms::Wait qw(deadline wait_until);

my $fake = start_fake();
my $node = new_server('main', fake => $fake, conf => "coach_sms.max_in_flight = 8\n" . short_times(request_timeout => 3000));
$node->go_live;
my $org = $node->make_org;

my $round = 0;

# 12 messages, of which 8 are under way when the server is stopped. Returns its time in seconds. With `release` the
# answers come once the server has begun to stop.
sub stop_under_way {
    my ($how, $marker, $goals, %args) = @_;
    $fake->post('reset');
    $fake->post('default', marker => $marker);
    $round++;
    $node->safe_psql('postgres', "SELECT sms_enqueue('$org', to_phone => '+6149157' || 1000 + n, body => 'round $round, ' || n) FROM generate_series(1, 12) n");
    $fake->wait_for(%$goals);
    my $start = time;
    release_while_stopping($how) if $args{release};
    $node->stop($how, fail_ok => $args{release});
    my $seconds = time - $start;
    $fake->post('default', marker => '');
    return $seconds;
}

sub release_while_stopping {
    my ($how) = @_;
    PostgreSQL::Test::Utils::system_or_bail('pg_ctl', '-D', $node->data_dir, '-m', $how, '-W', 'stop');
    wait_until(sub { $node->psql('postgres', 'SELECT 1') != 0 });
    $fake->post('release');
    return;
}

sub attempts {
    return $node->safe_psql('postgres', "SELECT string_agg(format('%s %s', n, status), ', ' ORDER BY n DESC, status) FROM (
        SELECT count(*) AS n, a.status FROM sms_attempts a JOIN sms_messages m ON m.id = a.message_id WHERE m.body LIKE 'round $round,%' GROUP BY 2) c");
}

# Starts again; each of the 12 arrives once.
sub start_again {
    my $mark = log_mark($node);
    $node->start;
    $node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status = 'sent' AND body LIKE 'round $round,%'", '12');
    is($fake->count, 12, 'Twilio took 12 messages');
    is_deeply([ $fake->duplicates ], [], 'and none twice');
    is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM coach_sms_internal.sms_queue), (SELECT count(*) FROM coach_sms_internal.sms_in_flight)'), '0|0', 'nothing is left over');
    return log_since($node, $mark);
}

for my $how (qw(fast smart)) {
    stop_under_way($how, 'stall', { accepted => 8 }, release => 1);
    is($fake->count, 8, "$how: the answers that were under way came while the server stopped");
    my $log = start_again();
    is(attempts(), '12 success', 'each of them was recorded, and the others sent after the restart');
    unlike($log, qr/in flight when the sender before/, 'so that nothing had to be found out');
}

# Twilio takes them and never answers. The shutdown waits for the timeouts (3 s and 1 s) and not longer.
my $seconds = stop_under_way('fast', 'stall', { accepted => 8 });
cmp_ok($seconds, '<', deadline(20), 'a fast shutdown ends although Twilio does not answer');
start_again();
is(attempts(), '12 success', 'those without an answer were found in Twilio\'s list');

# Twilio does not take them and never answers.
$seconds = stop_under_way('fast', 'stall-before', { open => 8 });
cmp_ok($seconds, '<', deadline(20), 'nor does it wait for requests that Twilio does not take');
start_again();
is(attempts(), '12 success, 8 unknown', 'those went again when Twilio\'s list had proved that they are not there');

# Immediate: no process gets to record anything.
stop_under_way('immediate', 'accept-then-delay=60000', { accepted => 8 });
my $log = start_again();
like($log, qr/8 messages were in flight when the previous sender ended/, 'immediate: the log says what is to be found out');
is(attempts(), '12 success', 'and it was found out');

done_testing();
