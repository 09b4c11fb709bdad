# From COMMIT to the arrival of the request at the fake, at a low rate. pgbench notes when each transaction's answer
# was there; the fake notes arrivals. Both by the same clock, in microseconds. A claim is durable before its request
# leaves, so what a commit takes on this disk is part of it: a plain INSERT shows how long.
package Bench::Latency;
use strict;
use warnings;

use Bench::Data qw(empty empty_plain insert_script);
use Bench::Drain;
use Bench::Fake;
use Bench::Report qw(percentile section note);
use Bench::Server;
use Bench::Size qw(size);

my $script = "SELECT sms_enqueue('$Bench::Server::org', client_id => gen_random_uuid(), to_phone => '+61491570006', body => nextval('bench_numbers')::text);\n";

sub measure {
    my ($server) = @_;
    for my $https (0, 1) {
        my $fake = Bench::Fake->start(https => $https);
        Bench::Drain::use_fake($server, $fake, 256);
        section('from COMMIT to arrival over ' . ($https ? 'HTTPS' : 'HTTP') . ', ms', '');
        my $aim = '<= 0.5, <= 3';
        show('20 a second', $aim, latencies($server, $fake, 'fresh', 20, size('latency')));
        next if $https;
        show('2 a second', $aim, latencies($server, $fake, 'fresh', 2, size('idle')));
        show(sprintf('20 a second, %d messages stored', size('stored')), $aim,
            latencies($server, $fake, 'full', 20, size('latency')));
        show('for comparison: a plain INSERT with its commit', undef, plain_inserts($server));
    }
    return;
}

sub show {
    my ($what, $aim, $seconds) = @_;
    note($what, sprintf('p50 %.2f  p99 %.2f  max %.2f', map { percentile($_, @$seconds) * 1000 } 0.5, 0.99, 1), $aim);
    return;
}

# pgbench -R spreads the transactions at random around the rate. Its log has one line for each: client, number,
# microseconds since it was to begin, script, seconds and microseconds of its end, microseconds that it began late.
sub paced {
    my ($server, $db, $script, $rate, $count) = @_;
    unlink glob "$ENV{TMPDIR}/pgbench_log*";
    $server->pgbench($db, $script, '-c', 1, '-t', $count, '-R', $rate, '-l', '--log-prefix', "$ENV{TMPDIR}/pgbench_log");
    my ($log) = glob "$ENV{TMPDIR}/pgbench_log*";
    open my $lines, '<', $log or die "cannot read $log: $!";
    my @transactions = map { my @field = split; { end => $field[4] + $field[5] / 1e6, taken => ($field[2] - $field[6]) / 1e6 } } <$lines>;
    die @transactions . " transactions instead of $count" if @transactions != $count;
    return @transactions;
}

sub latencies {
    my ($server, $fake, $db, $rate, $count) = @_;
    empty($server, $db);
    my @transactions = send_paced($server, $fake, $db, $rate, $count);
    my %arrival = map { @$_ } $fake->arrivals;
    my $number = 0;
    return [ map { $arrival{ ++$number } - $_->{end} } @transactions ];
}

# The transactions, once all messages have arrived.
sub send_paced {
    my ($server, $fake, $db, $rate, $count) = @_;
    $fake->reset(0);
    $server->sql($db, 'ALTER SEQUENCE bench_numbers RESTART');
    my @transactions = paced($server, $db, $script, $rate, $count);
    $fake->wait_accepted($count);
    return @transactions;
}

sub plain_inserts {
    my ($server) = @_;
    empty_plain($server);
    return [ map { $_->{taken} } paced($server, 'fresh', insert_script(), 20, size('latency') / 2) ];
}

1;
