# How fast queued messages leave, beside a bare libcurl loop that posts the same form to the same fake with as many
# requests in flight. "On the wire" counts from the first to the last arrival at the fake, "recorded" from the commit
# of the enqueue until the last is 'sent' in the tables.
package Bench::Drain;
use strict;
use warnings;

use Exporter 'import';
use Time::HiRes qw(time);
use Bench::Data qw(empty bulk_enqueue);
use Bench::Fake;
use Bench::Report qw(alternate median section row note);
use Bench::Server;
use Bench::Size qw(size);

our @EXPORT_OK = qw(drain sender_cpu use_fake);

my $org = $Bench::Server::org;
my %last;    # what the last drain has cost, by database

sub measure {
    my ($server) = @_;
    for my $https (0, 1) {
        my $fake = Bench::Fake->start(https => $https);
        section('drain over ' . ($https ? 'HTTPS' : 'HTTP') . ', messages/s', 'bare loop');
        my $aim = $https ? 0.4 : 0.5;
        for my $plan ([ 0, 64, $aim ], [ 0, 256, $aim ], [ 50, 256 ], $https ? () : ([ 0, 16 ], [ 50, 16 ])) {
            my ($delay, $in_flight, $aim) = @$plan;
            use_fake($server, $fake, $in_flight);
            pair($server, $fake, $delay, $in_flight, $aim);
            costs($server) if !$https && $delay == 0 && $in_flight == 256;
        }
        use_fake($server, $fake, 256);
        section(sprintf('the same with %d messages stored, %d waiting', size('stored'), size('waiting')), 'empty');
        for my $delay (0, 50) {
            row(recorded($delay, 256),
                alternate(map { my $db = $_; sub { drain($server, $fake, $db, $delay, size('drain'))->{recorded} } } qw(full fresh)), 0.9);
        }
    }
    memory($server);
    return;
}

sub recorded { my ($delay, $in_flight) = @_; return "recorded, answers after $delay ms, $in_flight in flight"; }

sub use_fake {
    my ($server, $fake, $in_flight) = @_;
    $server->restart_with(
        'coach_sms.databases' => '*', 'coach_sms.twilio_api_url' => $fake->url,
        'coach_sms.ca_file' => $fake->url =~ /^https/ ? $fake->ca_file : '',
        'coach_sms.max_in_flight' => $in_flight, 'coach_sms.max_in_flight_per_account' => $in_flight);
    $last{first_memory} //= private_memory($server, 'fresh');
    return;
}

sub pair {
    my ($server, $fake, $delay, $in_flight, $aim) = @_;
    my $count = $delay > 0 && $in_flight < 100 ? size('slow_drain') : size('drain');
    my @wire;
    my ($ours, $bare, $ratio) = alternate(
        sub { my $seen = drain($server, $fake, 'fresh', $delay, $count); push @wire, $seen->{wire}; return $seen->{recorded} },
        sub { bare($server, $fake, $in_flight, $count) });
    my $possible = $delay > 0 ? $in_flight / ($delay / 1000) : 0;
    row(recorded($delay, $in_flight), $ours, $bare, $ratio, $aim);
    row('  on the wire', median(@wire), $bare, median(@wire) / $bare);
    row("  beside $in_flight / $delay ms", $ours, $possible, $ours / $possible, 0.9) if $possible;
    return;
}

# Rates of one drain of $count messages that become due in one commit.
#   prepare => sub     is called once the tables are empty
#   release => 'SQL'   the statement after whose commit they may leave
sub drain {
    my ($server, $fake, $db, $delay, $count, %how) = @_;
    empty($server, $db);
    $how{prepare}->() if $how{prepare};
    $fake->reset($delay);
    my $before = counters($server, $db);
    my (undef, $commit) = $server->timed($db, bulk_enqueue($count));
    (undef, $commit) = $server->timed($db, $how{release}) if $how{release};
    $fake->wait_accepted($count);
    $server->wait_until('the last record', sub { $server->sql($db, 'SELECT count(*) FROM coach_sms_internal.sms_in_flight') == 0 });
    my $recorded = $server->sql($db, sprintf "SELECT extract(epoch FROM max(sent_at)) FROM sms_messages WHERE org_id = '$org' AND created_at > to_timestamp(%f)", $commit - 60);
    my $after = counters($server, $db);
    my @arrivals = map { $_->[1] } $fake->arrivals;
    die scalar(@arrivals) . " of $count messages arrived" if @arrivals != $count;
    $last{$db} = { count => $count, map { ($_ => $after->{$_} - $before->{$_}) } keys %$after };
    my ($first, $end) = (sort { $a <=> $b } @arrivals)[ 0, -1 ];
    return { wire => ($count - 1) / ($end - $first), recorded => $count / ($recorded - $commit) };
}

# The form that the sender posted last, as a file for the bare loop.
sub bare {
    my ($server, $fake, $in_flight, $count) = @_;
    my $file = "$ENV{TMPDIR}/form";
    my %form = split /\t|\n/, $server->sql('fresh', "SELECT key || E'\\t' || value FROM jsonb_each_text((SELECT request_payload FROM sms_attempts LIMIT 1))");
    open my $out, '>', $file or die "cannot write $file: $!";
    print {$out} $fake->{http}->www_form_urlencode(\%form);
    close $out or die "cannot write $file: $!";
    my @before = times;
    my ($rate) = Bench::Server::run('bare_loop', $fake->messages_url, $in_flight, $count, '--body-file', $file,
        '--user', "$Bench::Fake::account:$Bench::Fake::token", '--ca', $fake->ca_file) =~ /requests_per_second (\d+)/;
    my @after = times;
    $last{bare_cpu} = ($after[2] + $after[3] - $before[2] - $before[3]) / $count;
    return $rate;
}

# --- what it costs -----------------------------------------------------------------------------

sub sender_pid {
    my ($server, $db) = @_;
    return $server->sql($db, 'SELECT pid FROM coach_sms_internal.sms_worker_state() WHERE database = current_database()');
}

sub slurp { my ($path) = @_; open my $file, '<', $path or die "cannot read $path: $!"; local $/; return <$file>; }

# Seconds of processor time of all its threads so far.
sub sender_cpu {
    my ($server, $db) = @_;
    my $pid = sender_pid($server, $db);
    my $nanoseconds = 0;
    $nanoseconds += (split ' ', slurp($_))[0] for glob "/proc/$pid/task/*/schedstat";
    return $nanoseconds / 1e9;
}

# Bytes of memory that a process has for itself.
sub private_memory {
    my ($server, $db) = @_;
    my ($kilobytes) = slurp('/proc/' . sender_pid($server, $db) . '/status') =~ /^RssAnon:\s+(\d+)/m;
    return $kilobytes * 1024;
}

sub counters {
    my ($server, $db) = @_;
    my @stat = split ' ', slurp('/proc/' . sender_pid($server, $db) . '/stat') =~ s/^.*\) //sr;
    my ($wal, $changed, $hot) = split /\|/, $server->sql($db, "SELECT pg_current_wal_insert_lsn() - '0/0', sum(n_tup_upd + n_tup_del), sum(n_tup_hot_upd) FROM pg_stat_user_tables WHERE relname LIKE 'sms%'");
    return { cpu => $stat[11] + $stat[12], wal => $wal, changed => $changed, hot => $hot };
}

# The sender reports its statistics at most once a second, so the last drain's may come after it.
sub costs {
    my ($server) = @_;
    my $cost = $last{fresh};
    my $count = $cost->{count};
    note('  WAL a message, enqueue and all, bytes', sprintf '%.0f', $cost->{wal} / $count);
    note('  processor time a message, us: sender / bare loop', sprintf '%.0f / %.0f', $cost->{cpu} * 10_000 / $count, $last{bare_cpu} * 1e6);
    my ($deleted, $updated, $hot) = split /\|/, $server->sql('fresh', 'SELECT sum(n_tup_del)::float, sum(n_tup_upd)::float, sum(n_tup_hot_upd)::float FROM pg_stat_user_tables WHERE relname ~ \'^sms_(messages|queue|in_flight|attempts)$\'');
    note('  dead rows a message (deleted + updated / of these HOT)',
        sprintf '%.2f + %.2f / %.2f', map { $_ / ($count * size('rounds')) } $deleted, $updated, $hot);
    return;
}

sub memory {
    my ($server) = @_;
    section('memory of the sender alone, MiB', '');
    note('at its start', sprintf '%.1f', $last{first_memory} / 2**20);
    note("after its drains, nothing stored", sprintf('%.1f', private_memory($server, 'fresh') / 2**20), '< 64');
    note(sprintf('after its drains, %d waiting', size('waiting')), sprintf('%.1f', private_memory($server, 'full') / 2**20), '< 64');
    return;
}

1;
