# The database goes away under the gateway: no STOP is lost, no call is answered 2xx that is not committed, and none is held for ever.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Gateway;
use CoachSms::Wait qw(wait_until);

my $gateway = start_gateway(args => [ '--behind-proxy', '--hold=12' ]);
my $fake = start_fake(args => [ '--inbound-url', $gateway->url ]);
my $node = new_server('main', fake => $fake, conf => short_times() . "coach_sms.public_url = '" . $gateway->url . "'\n");
$gateway->serve($node);
$node->go_live;
my $org = $node->make_org;

# The signed calls of so many people who text STOP, and who wrote: their numbers follow from $first.
my $people = 0;
sub stops {
    my ($count) = @_;
    my @sids = map { $fake->inbound(sprintf('+614915710%02d', $people++), '+61491570156', 'STOP') } 1 .. $count;
    my %call = map { $_->{message_sid} => $_ } $fake->callbacks;
    return map { $call{$_} } @sids;
}
sub opt_outs { return $node->safe_psql('postgres', "SELECT count(*) FROM sms_events WHERE event_type = 'inbound'"); }
sub statuses { my %count; ++$count{ $_->{status} } for @_; return join ' ', map { "$_: $count{$_}" } sort keys %count; }
sub after { my ($seconds) = @_; my $end = time + $seconds; wait_until(sub { time >= $end }); return; }

my ($first) = $gateway->post(stops(1));
is($first->{status}, 200, 'a STOP is taken');

# Three seconds without a database, with calls before and meanwhile.
my @before = $gateway->begin_post(stops(10));
$node->stop('fast');
my @meanwhile = $gateway->begin_post(my @calls = stops(20));
after(3);
$node->start;
is(statuses(map { CoachSms::Gateway::read_answer($_) } @before, @meanwhile), '200: 30', 'calls within a restart of three seconds are taken');
is(opt_outs(), 31, 'and none is lost');
is($node->safe_psql('postgres', 'SELECT count(*) FROM sms_opt_outs'), 31, 'each STOP counts');
like($gateway->log_text, qr/the database does not take calls: .*the database takes calls again\n/s, 'the log says both');
cmp_ok($gateway->log_text =~ tr/\n//, '<', 20, 'and no more than a line each time');

# The server crashes, and its sessions are ended, while calls come.
for my $fault (
    [ 'an immediate stop', sub { $node->stop('immediate'); $node->start } ],
    [ 'the end of all sessions', sub { $node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'coach_sms_gateway'") } ]) {
    my ($name, $happen) = @$fault;
    my $known = opt_outs();
    my @connections = $gateway->begin_post(stops(10));
    $happen->();
    is(statuses(map { CoachSms::Gateway::read_answer($_) } @connections), '200: 10', "calls within $name are taken");
    is(opt_outs(), $known + 10, 'and each is stored once');
}

# A call that a lock keeps waiting is answered in time; once it is committed, a repetition changes nothing.
my $known = opt_outs();
my $locker = $node->background_psql('postgres', on_error_die => 1);
$locker->query_safe('BEGIN; LOCK TABLE sms_events');
my ($stop) = stops(1);
my $begin = time;
my ($late) = $gateway->post($stop);
is($late->{status}, 503, 'a call that the database keeps waiting is answered 503');
cmp_ok(time - $begin, '<', 16, 'after the time for which calls are held');
my $sessions = $node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'coach_sms_gateway'");
cmp_ok($sessions, '<=', 5, 'and no session is left behind');
$locker->query_safe('COMMIT');
$locker->quit;
is(($gateway->post($stop))[0]{status}, 200, 'its repetition is taken');
is(opt_outs(), $known + 1, 'and stored once');

# A long outage: 503 in the end, and nothing more.
$node->stop('fast');
my @held = $gateway->begin_post(my @unlucky = stops(5));
$begin = time;
is(statuses(map { CoachSms::Gateway::read_answer($_) } @held), '503: 5', 'without a database calls are answered 503');
cmp_ok(time - $begin, '>', 10, 'not before they were held');
like($gateway->log_text, qr/answered 503, since the database did not take them in time: calls: \d/, 'the log says so');
is($gateway->get('/livez')->{status}, 200, 'the gateway lives');
is($gateway->get('/healthz')->{status}, 503, 'and is not healthy');
$node->start;
is(statuses($gateway->post(@unlucky)), '200: 5', 'as Twilio repeats them, they are taken');

# SIGTERM: what it has is finished.
$known = opt_outs();
$node->stop('fast');
my @last = $gateway->begin_post(stops(10));
ok(wait_until(sub { $gateway->accepted == 10 }), 'ten calls arrive without a database');
kill TERM => $gateway->{pid};
ok(wait_until(sub { $gateway->log_text =~ /ends: takes no new calls/ }), 'it was told to end');
$node->start;
is(statuses(map { CoachSms::Gateway::read_answer($_) } @last), '200: 10', 'what it holds then is taken still');
is($gateway->stop, 0, 'and it ends');
is(opt_outs(), $known + 10, 'with nothing lost');
done_testing();
