# The README's Quick start, word for word, delivers at any hour.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Fake;

my ($block) = PostgreSQL::Test::Utils::slurp_file('README.md') =~ /^## Quick start.*?\n```\n(.*?)\n```\n/ms;
my (@statements, $in_statement);
for (split /\n/, $block) {
    $in_statement = 1 if s/^app=[#>] //;
    next unless $in_statement;    # an answer
    push @statements, $_;
    $in_statement = 0 if /;\s*(?:--.*)?$|\\gset\s*$|^\\/;
}
my ($commit) = grep { $statements[$_] =~ /^COMMIT/ } 0 .. $#statements;
ok($commit, 'the Quick start is found') or BAIL_OUT('no Quick start in README.md');
my $first = join "\n", @statements[ 0 .. $commit ], '\\echo :id';
my $then = join "\n", @statements[ $commit + 1 .. $#statements ];

my $node = new_server('main', fake => start_fake(https => 0), clock => 1, extension => 0);
for my $hour (1, 8, 10, 14, 20, 22) {
    $node->set_clock(sprintf '2026-03-10 %02d:30:00+00', $hour);
    $node->safe_psql('postgres', 'CREATE DATABASE app');
    my $id = (split /\n/, $node->safe_psql('app', $first))[-1];
    $node->wait_for_sql("SELECT status FROM sms_messages WHERE id = '$id'", 'delivered', 30, db => 'app', name => "at $hour:30 UTC it is delivered");
    my $answer = $node->safe_psql('app', "SET ROLE coach_app;\n\\set id $id\n$then");
    like($answer, qr/^\+61491570006\|delivered\|1\|t\n.*\|enqueued\|.*^sandbox\|sandbox\|0\|t\|$/ms, 'and it answers as the README says') or diag($answer);
    $node->safe_psql('postgres', 'DROP DATABASE app');
    $node->safe_psql('postgres', 'DROP ROLE coach_app');
}

done_testing();
