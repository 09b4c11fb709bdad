# How much is measured, and how often: everything that BENCH_QUICK and BENCH_ROUNDS change.
package Bench::Size;
use strict;
use warnings;

use Exporter 'import';
our @EXPORT_OK = qw(size wanted);

my %size = (
    rounds     => 5,
    seconds    => 2,            # of one pgbench run
    bulk       => 100_000,      # messages in one statement
    batch      => 10_000,       # messages in one call of sms_enqueue_batch
    drain      => 20_000,
    slow_drain => 1_600,        # where few requests at once make it slow
    latency    => 200,
    idle       => 30,
    webhooks   => 4_000,
    stored     => 1_000_000,
    orgs       => 1_000,        # whose messages they are
    waiting    => 100_000,
    dead       => 500_000,      # dead rows under an old snapshot
    waiting_orgs => 10_000,
    backlog    => 200_000,      # of one org beside another's message
);
my %quick = (
    rounds => 2, seconds => 1, bulk => 20_000, batch => 2_000, drain => 3_000, slow_drain => 400, latency => 60,
    idle => 10, webhooks => 1_000, stored => 100_000, waiting => 10_000, dead => 50_000, backlog => 30_000,
);
%size = (%size, %quick) if $ENV{BENCH_QUICK};
$size{rounds} = $ENV{BENCH_ROUNDS} if $ENV{BENCH_ROUNDS};
for my $name (qw(stored waiting dead backlog)) {
    $size{$name} = $ENV{ 'BENCH_' . uc $name } if $ENV{ 'BENCH_' . uc $name };
}

sub size { my ($name) = @_; return $size{$name} // die "no size is called $name"; }

sub wanted {
    my ($part) = @_;
    return index($part, $ENV{BENCH_ONLY} // '') >= 0;
}

1;
