# A load with mixed faults of Twilio, the server and the sender: nothing lost, nothing twice, states true, nothing leaks.
#   SOAK_SECONDS=300     how long messages come; 60 at least
#   SOAK_MESSAGES=27000  how many, bookings included
#   SOAK_SEED=1          the plan's seed; the time, if it is not given
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);
use CoachSms::Bookings;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Session;
use CoachSms::Wait qw(deadline wait_until);
use Soak::Gauge;
use Soak::Plan;
use Soak::Scripts;
use Soak::Twilio;
use Soak::Verdict;

my $slow = $ENV{COACH_SMS_SLOW} || 1;
my $seconds = $ENV{SOAK_SECONDS} || 300;
my %size = (
    seed     => $ENV{SOAK_SEED} || time % 2**31,
    seconds  => $seconds,
    messages => $ENV{SOAK_MESSAGES} || (12_000 + 50 * $seconds) / ($slow > 1 ? 2 : 1));
my $in_flight = 64;
my $plan = Soak::Plan->new(%size);
diag join ', ', map { "$_ $size{$_}" } sort keys %size;

my $twilio = Soak::Twilio->start(PostgreSQL::Test::Utils::tempdir_short() . '/ledger');
my $fake = $twilio->fake;

# A list that is refused for ten times reconcile_limit ends a message. No fault of the plan lasts so long.
my %settings = (max_in_flight => $in_flight, max_in_flight_per_account => $in_flight, connect_timeout => 2000 * $slow,
    request_timeout => 3000 * $slow, reconcile_delay => 300, reconcile_limit => 3000);
my $node = new_server('main', fake => $fake, conf => short_times(%settings)
      . "coach_sms.public_url = '$Soak::Twilio::public_url'\nautovacuum_naptime = '2s'\n");
my @numbers = map { "+6149157015$_" } 0 .. $Soak::Plan::orgs - 1;
my @accounts = map { $_ % 2 ? $twilio->second_account : [ $fake->account, $fake->token ] } 0 .. $#numbers;
my @orgs = map {
    my ($sid, $token) = @{ $accounts[$_] };
    $node->make_org(twilio_phone_number => $numbers[$_], twilio_account_sid => $sid, twilio_auth_token_encrypted => $token);
} 0 .. $#numbers;
my $app = attach_app($node, twilio_phone_number => '+61491570160');
create_soak_objects($node);
$node->go_live;

my %happened;
my %event = (
    fast           => sub { $node->stop('fast'); $node->start; },
    immediate      => sub { $node->stop('immediate'); $node->start; },
    kill           => sub { kill_sender($node, $node->sender_pid); },
    freeze         => \&freeze,
    few_in_flight  => sub { set_in_flight(4); },
    many_in_flight => sub { set_in_flight($in_flight); },
    list_refuses   => sub { $fake->post('list-fault', marker => 'status=503'); },
    list_answers   => sub { $fake->post('list-fault', marker => ''); },
    list_lags      => sub { $fake->post('list-lag', seconds => 2); },
    list_leads     => sub { $fake->post('list-lag', seconds => 0); });

sub set_in_flight {
    my ($number) = @_;
    $node->append_conf('postgresql.conf', "coach_sms.max_in_flight = $number");
    $node->reload;
    return;
}

# The sender may hold a lock for which the whole server waits. So its end waits for nobody.
sub freeze {
    my $sender = $node->sender_pid;
    kill STOP => $sender;
    my $end = time + 3 * $slow;
    wait_until(sub { time >= $end });
    kill CONT => $sender;
    return;
}

sub suffer {
    my ($event) = @_;
    return unless $event;
    ++$happened{$event};
    $event{$event}->();
    return;
}

# The application, the webhook and whoever stops the server work at the same time.
sub live_through {
    my ($second) = @_;
    for my $person (@{ $second->{stops} }) {
        my $org = Soak::Plan::org_of($person);
        $twilio->receive_stop($accounts[$org][0], Soak::Plan::phone_of($person), $numbers[$org]);
    }
    my $load = CoachSms::Session->start($node, 'load', load_script($second, \@orgs, $app->org));
    my $changes = CoachSms::Session->start($node, 'changes', change_script($second, [ @orgs, $app->org ]));
    my $relay = CoachSms::Session->start($node, 'relay', $twilio->relay_script);
    suffer($second->{event});
    $_->finish for $load, $changes;
    $twilio->note_answers($relay->finish);
    $twilio->read_ledger;
    return;
}

my $gauge = Soak::Gauge->new;
my $begin = time;
for (my $end = $begin + 1; my $second = $plan->next_second; ++$end) {
    live_through($second);
    $gauge->read($node->sender_pid) unless $plan->is_storm;
    wait_until(sub { time >= $end }) if time < $end;
}
suffer($plan->last_event);
diag sprintf '%d messages and %d bookings came in %.0f s; events: %s', $plan->made, $plan->booked, time - $begin,
  join ', ', map { "$_ $happened{$_}" } sort keys %happened;

# Twilio's calls go on until every message has ended, and Twilio has nothing new.
my $unfinished = 'SELECT count(*) FROM sms_messages WHERE ' . unfinished();
my $left;
wait_until(sub {
    $twilio->note_answers(CoachSms::Session->start($node, 'relay', $twilio->relay_script)->finish);
    $left = $node->safe_psql('postgres', $unfinished);
    return !$twilio->read_ledger && $left == 0;
}, 240 + $plan->made / 250);
is($left, 0, 'each message came to its end in time') or diag $node->log_end;
$twilio->store($node);
my $states = $node->safe_psql('postgres', q{SELECT string_agg(concat_ws(' ', status, error_code, n), ', ' ORDER BY n DESC)
    FROM (SELECT status, error_code, count(*) AS n FROM sms_messages GROUP BY 1, 2) s});
diag "Twilio accepted $twilio->{accepted}; the messages: $states";

judge_messages($node, $plan);
judge_load($node);
is_deeply([ keys %{ $twilio->{answers} } ], [200], 'the webhook took each call');
is(scalar(my @pids = $gauge->pids), 1, 'one sender lived since the storm');
for my $what ([ memory => 4 * $slow ], [ files => 16 ]) {
    my ($name, $growth) = @$what;
    my ($early, $late) = $gauge->early_and_late($name);
    cmp_ok($late, '<=', $early + $growth, sprintf "the sender's $name did not grow: %.1f, then %.1f", $early, $late);
}
cmp_ok($gauge->most('sockets'), '<=', $in_flight + 16, 'each request at once had one connection');
for my $table (qw(sms_queue sms_in_flight)) {
    $node->wait_for_sql("SELECT autovacuum_count > 0 FROM pg_stat_all_tables WHERE relname = '$table'", 't', undef,
        name => "autovacuum has run on $table");
}
judge_log($node);
done_testing();
