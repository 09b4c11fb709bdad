# From COMMIT to the arrival of the request at the fake, at a low rate. pgbench notes when each transaction's answer
# was there; the fake notes arrivals. Both by the same clock, in microseconds.
package Bench::Latency;
use strict;
use warnings;

use Bench::Data qw(empty);
use Bench::Drain;
use Bench::Fake;
use Bench::Report qw(percentile section note);
use Bench::Server;
use Bench::Size qw(size);

my $script = "SELECT sms_enqueue('$Bench::Server::org', to_phone => '+61491570006', body => nextval('bench_numbers')::text);\n";

sub measure {
    my ($server) = @_;
    for my $https (0, 1) {
        my $fake = Bench::Fake->start(https => $https);
        Bench::Drain::use_fake($server, $fake, 256);
        section('from COMMIT to arrival over ' . ($https ? 'HTTPS' : 'HTTP') . ', ms', '');
        show('20 a second', latencies($server, $fake, 'fresh', 20, size('latency')));
        show('2 a second', latencies($server, $fake, 'fresh', 2, size('idle')));
        show(sprintf('20 a second, %d messages stored', size('stored')), latencies($server, $fake, 'full', 20, size('latency')));
    }
    return;
}

sub show {
    my ($what, $latencies) = @_;
    note($what, sprintf('p50 %.2f  p99 %.2f  max %.2f', map { percentile($_, @$latencies) * 1000 } 0.5, 0.99, 1), '<= 0.5, <= 3');
    return;
}

# pgbench -R spreads the transactions at random around the rate. Its log has one line for each:
# client, number, microseconds, script, seconds and microseconds of its end, lag.
sub latencies {
    my ($server, $fake, $db, $rate, $count) = @_;
    empty($server, $db);
    $fake->reset(0);
    $server->sql($db, 'ALTER SEQUENCE bench_numbers RESTART');
    unlink glob "$ENV{TMPDIR}/pgbench_log*";
    $server->pgbench($db, $script, '-c', 1, '-t', $count, '-R', $rate, '-l', '--log-prefix', "$ENV{TMPDIR}/pgbench_log");
    $fake->wait_accepted($count);
    my %arrival = map { @$_ } $fake->arrivals;
    my ($log) = glob "$ENV{TMPDIR}/pgbench_log*";
    open my $lines, '<', $log or die "cannot read $log: $!";
    my $number = 0;
    my @latencies = map { my @field = split; $arrival{ ++$number } - $field[4] - $field[5] / 1e6 } <$lines>;
    die "$number transactions instead of $count" if $number != $count;
    return \@latencies;
}

1;
