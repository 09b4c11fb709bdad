# Ten thousand races of STOP against sending: no text arrives after its recipient's STOP was acknowledged. Arrival is
# taken by the fake, acknowledgement by the session that said STOP, in the statement after; both by this machine's clock.
use strict;
use warnings;
use IPC::Run ();
use PostgreSQL::Test::Utils ();
use Test::More;
use CoachSms::Cluster;
use CoachSms::Fake;
use CoachSms::Wait qw(create_wait_until deadline);

my $races = 10_000 / ($ENV{COACH_SMS_SLOW} || 1);
my $sessions = 4;
my $seed = $ENV{COACH_SMS_SEED} || time;
srand $seed;
diag "seed $seed";

# Answers take 30 ms, so that what is claimed waits for a place and STOPs fall in between.
my $fake = start_fake(callbacks => 'off', args => [ '--delay-ms', 30 ]);
my $node = new_server('main', fake => $fake, conf => "coach_sms.batch_size = 50\ncoach_sms.max_in_flight = 100\n");
$node->go_live;
my $org = $node->make_org;
$node->safe_psql('postgres', 'CREATE TABLE acknowledged (phone text, at timestamptz)');

sub phone { return sprintf '+61491%06d', $_[0] }

sub stop { return "SELECT sms_opt_out('$org', '" . phone($_[0]) . "');\nINSERT INTO acknowledged VALUES ('" . phone($_[0]) . "', clock_timestamp());\n" }

create_wait_until($node);

# Of each session's people the texts are enqueued in bulk, and the STOPs come one by one: of some at once, of others
# while the next texts go out. One person of each bulk says STOP once the text has left, and one in the transaction that
# enqueues it: however fast the machine is, both sides win some races.
my $bulks = 0;
sub script {
    my ($session) = @_;
    my @people = grep { $_ % $sessions == $session } 0 .. $races - 1;
    my $script = "SET client_min_messages = error;\n";
    my @undecided;
    while (my @some = splice @people, 0, 50) {
        my $first = $some[0];
        $script .= "BEGIN;\nSELECT count(sms_enqueue('$org', to_phone => p, body => 'to ' || p)) FROM unnest('{" . join(',', map { phone($_) } @some) . "}'::text[]) p;\n" . stop($first) . "COMMIT;\n";
        shift @some;
        my $last = pop @some;
        my @pool = (@undecided, @some);
        my @stop = grep { !@people || rand() < 0.3 } @pool;
        my %stops = map { $_ => 1 } @stop;
        @undecided = grep { !$stops{$_} } @pool;
        $script .= stop($_) for @stop;
        $script .= "CALL wait_until(\$\$SELECT EXISTS (SELECT FROM sms_messages WHERE to_phone = '" . phone($last) . "' AND status = 'sent')\$\$);\n" . stop($last);
        ++$bulks;
    }
    return $script;
}

my @running;
for my $session (0 .. $sessions - 1) {
    my $file = $node->basedir . "/races_$session.sql";
    PostgreSQL::Test::Utils::append_to_file($file, script($session));
    push @running, IPC::Run::start([ 'psql', '-XqAt', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-f', $file, '-d', $node->connstr('postgres') ], IPC::Run::timeout(deadline(300)));
}
is(scalar(grep { !$_->finish } @running), 0, 'all sessions ended well');
$node->wait_for_sql(q{SELECT count(*) FROM sms_messages WHERE status IN ('queued', 'pending', 'sending')}, '0', 120);

my %acknowledged = map { my ($phone, $at) = split /\|/; ($phone => $at) }
  split /\n/, $node->safe_psql('postgres', 'SELECT phone, (extract(epoch FROM at) * 1000000)::bigint FROM acknowledged');
is(scalar keys %acknowledged, $races, 'everybody said STOP');
my ($arrived, @late) = (0);
for my $text ($fake->ledger) {
    ++$arrived;
    # The fake's threads share two cores with all the rest: that a byte left before does not make it read at once.
    my $after = $text->{received_at} - $acknowledged{ $text->{to} };
    push @late, "$text->{to} by $after us" if $after > 100_000;
}
is("@late", '', 'nothing arrived after its STOP was acknowledged');
is(scalar(my @twice = $fake->duplicates), 0, 'and nothing twice');
cmp_ok($arrived, '>=', $bulks, "$arrived texts were faster than their STOP");
cmp_ok($arrived, '<=', $races - $bulks, 'and others were not');
done_testing();
