# A hundred immediate stops of the server at random moments under load: nothing is lost and nothing goes twice, counted at
# the fake.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Session;
use CoachSms::Wait qw(wait_until);

my $stops = 100 / ($ENV{COACH_SMS_SLOW} || 1);
my $each = 30;    # messages between two stops
my $seed = $ENV{COACH_SMS_SEED} || time;
diag "seed $seed";
srand $seed;
my @progress = map { int rand(1.2 * $each) } 1 .. $stops;    # drawn at once: other modules draw too

my $fake = start_fake(callbacks => 'off', args => [ '--delay-ms', 5 ]);
my $node = new_server('main', fake => $fake, conf => short_times(max_in_flight => 10, max_in_flight_per_account => 10));
$node->go_live;
my $org = $node->make_org;

# A statement for each message, so that a stop comes between commits, within one, and while a client waits for its answer.
sub load {
    my ($number) = @_;
    my ($first, $last) = ($number * $each + 1, ($number + 1) * $each);
    return join '', map {
        my $phone = sprintf '+6149%07d', 1_000_000 + $_;
        "SELECT sms_enqueue('$org', to_phone => '$phone', body => 'number $_', idempotency_key => '$_');\n"
    } $first .. $last;
}

# The moment is that at which so many more have reached Twilio, or a moment after the last one did.
my @sessions;
for my $number (0 .. $stops - 1) {
    push @sessions, CoachSms::Session->start($node, "load_$number", load($number));
    my $goal = $fake->get('counters')->{accepted} + $progress[$number];
    $fake->get('wait', accepted => $goal, deadline_ms => 300);
    $node->stop('immediate');
    $node->start;
    $_->finish for splice @sessions;
}
my $count = $stops * $each;
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status = 'sent'", $count, 120, name => "all $count are sent");
is($fake->count, $count, 'Twilio took each');
is_deeply([ $fake->duplicates ], [], 'and none twice');
my %sid = map { ($_->{body} => $_->{sid}) } $fake->ledger;
my $stored = $node->safe_psql('postgres', 'SELECT body, provider_message_id FROM sms_messages');
my %stored = map { split /\|/ } split /\n/, $stored;
is_deeply(\%stored, \%sid, 'each message has the SID of its text');
my $unknown = $node->safe_psql('postgres', "SELECT count(*) FROM sms_attempts WHERE status = 'unknown'");
cmp_ok($unknown, '>', 0, "$unknown requests were lost, and their texts went again");
is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM coach_sms_internal.sms_queue),
    (SELECT count(*) FROM coach_sms_internal.sms_in_flight)'), '0|0', 'nothing is left over');

done_testing();
