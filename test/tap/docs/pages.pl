# Every block of README.md and doc/*.md runs, as CoachSms::Page says: each page in a fresh database `app` with the extension on
# a server of its own, in the sandbox unless the page goes live, with a stand-in for Twilio. COACH_SMS_PAGES chooses.
use strict;
use warnings;
use PostgreSQL::Test::Utils qw(append_to_file slurp_file);
use Test::More;
use CoachSms::Cluster;
use CoachSms::Fake;
use CoachSms::Page qw(blocks is_run run_page trouble_of);

my $fake = start_fake(https => 0);

sub server_for {
    my ($page, $text) = @_;
    my $node = new_server($page =~ s/\W+/_/gr, fake => $fake, extension => 0, init => { allows_streaming => 'logical' });
    $node->safe_psql('postgres', 'CREATE DATABASE app');
    $node->safe_psql('app', 'CREATE EXTENSION coach_sms') unless $text =~ /^CREATE EXTENSION coach_sms;/m;
    return $node;
}

my %count = (run => 0, 'not run' => 0, elsewhere => 0);
my @not_run;
for my $page (grep { !$ENV{COACH_SMS_PAGES} || /$ENV{COACH_SMS_PAGES}/ } 'README.md', glob 'doc/*.md') {
    my @blocks = blocks($page);
    is(2 * @blocks, scalar(() = slurp_file($page) =~ /^ *```/mg), "$page: each block is found");
    my @trouble = map { my $why = trouble_of($_); $why ? { block => $_, why => $why } : () } @blocks;
    my $runs = grep { is_run($_) } @blocks;
    if ($runs) {
        my $node = server_for($page, join "\n", map { $_->{text} } grep { $_->{mark} ne 'not run' } @blocks);
        push @trouble, run_page($node, 'app', @blocks);
        $node->stop('immediate');
    }
    is(join("\n", map { "$page:$_->{block}{line}: $_->{why}" } @trouble), '', "$page: its blocks run ($runs)");
    $count{run} += $runs;
    $count{elsewhere} += grep { $_->{mark} eq 'from' } @blocks;
    push @not_run, map { "$page:$_->{line}: $_->{reason}" } grep { $_->{mark} eq 'not run' } @blocks;
}
note("not run: $_") for @not_run;
append_to_file("$ENV{COACH_SMS_RESULTS}/docs_not_run", join '', map { "$_\n" } @not_run);
diag(sprintf '%d blocks run, %d of files that other tests run, %d not run: build/results/docs_not_run has the reasons',
    @count{qw(run elsewhere)}, scalar @not_run);
done_testing();
