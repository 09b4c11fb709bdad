# doc/examples/week.sql by a clock that is moved: each text goes at its time, and doc/week.md shows what came of it. Without the
# clock it runs in any sandbox.
use strict;
use warnings;
use PostgreSQL::Test::Utils qw(append_to_file slurp_file);
use Test::More;
use CoachSms::Cluster;
use CoachSms::Fake;
use CoachSms::Program;

my $node = new_server('main', fake => start_fake(https => 0), clock => 1, extension => 0);
local @ENV{qw(PGHOST PGPORT)} = ($node->host, $node->port);

sub run_week {
    my ($db) = @_;
    $node->safe_psql('postgres', "CREATE DATABASE $db");
    local $ENV{PGDATABASE} = $db;
    my ($said, $error) = run_program('psql', '-X', '-f', 'doc/examples/week.sql');
    is($error, '', "it runs in $db");
    return $said;
}

my $plan = run_week('plain');
like($plan, qr/^ Ann Lee \| reminder +\| planned/m, 'without a moved clock it shows the plan');

$node->set_clock('2026-05-11 08:59+10');    # a Monday in Sydney
my $week = do { local $ENV{MOVE_CLOCK} = "$^X test/tools/move_clock.pl $node->{coach_sms_clock}{file}"; run_week('week') };
append_to_file("$ENV{COACH_SMS_RESULTS}/week", "$week\n");
my ($sent) = $week =~ /^== The week\n(.*)/ms;
$sent =~ s/\s+\z//;
is(join(', ', $sent =~ /^ (\w{3} \d\d:\d\d) .*delivered/mg), 'Mon 09:00, Mon 09:00, Tue 08:10, Tue 14:01, Thu 11:01, Fri 14:01', 'each text went at its time');
my $page = slurp_file('doc/week.md');
for my $part ($page =~ /^```text\n(.*?)^```/gms) {
    ok(index($week =~ s/ +$//gmr, $part) >= 0, 'doc/week.md shows it') or diag("this is not what it says:\n$part");
}
done_testing();
