# The private server: two databases with the same org in both, `fresh` with empty tables and `full` with a million
# messages, so that what they cost is measured side by side. Durable: fsync and synchronous_commit stay on.
package Bench::Server;
use strict;
use warnings;

use IO::Handle;
use POSIX ();
use Time::HiRes qw(time);

our $org = '0a000000-0000-4000-8000-00000000000a';
our $public_url = 'https://bench.example.com/sms';

my %settings = (
    shared_preload_libraries            => 'coach_sms',
    listen_addresses                    => '',
    shared_buffers                      => '512MB',
    max_wal_size                        => '4GB',
    log_min_messages                    => 'warning',
    timezone                            => 'UTC',
    'coach_sms.public_url'              => $public_url,
    'coach_sms.databases'               => '',
);

sub new {
    my ($class, %account) = @_;
    my $home = "$ENV{TMPDIR}/bench_pg";
    my $self = bless { data => "$home/data", log => "$home/log", settings => {%settings}, account => \%account }, $class;
    mkdir $_ for $home, "$home/secrets";
    chmod 0700, "$home/secrets";
    run('initdb', '-D', $self->{data}, '-A', 'trust', '-U', 'postgres', '-N', '--locale=C.UTF-8', '--encoding=UTF8');
    $self->set(unix_socket_directories => $home, 'coach_sms.key_file' => "$home/secrets/key");
    @ENV{qw(PGHOST PGUSER)} = ($home, 'postgres');
    $self->start;
    return $self;
}

# Dies with the command's output where it fails, else returns it.
sub run {
    my (@command) = @_;
    my $pid = open(my $out, '-|') // die "cannot fork: $!";
    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        exec @command or warn "cannot run $command[0]: $!\n";
        POSIX::_exit(1);    # nothing of ours is the child's to clean up
    }
    local $/;
    my $output = <$out> // '';
    close $out;
    die "@command failed:\n$output" if $?;
    return $output;
}

sub set {
    my ($self, %changes) = @_;
    my $settings = $self->{settings};
    %$settings = (%$settings, %changes);
    open my $conf, '>', "$self->{data}/postgresql.auto.conf" or die "cannot write settings: $!";
    print {$conf} map { "$_ = '$settings->{$_}'\n" } sort keys %$settings;
    close $conf or die "cannot write settings: $!";
    return;
}

sub start {
    my ($self) = @_;
    # What it prints goes to the log: a pipe to us would stay open as long as the server.
    system("pg_ctl -D '$self->{data}' -l '$self->{log}' -w start >>'$self->{log}' 2>&1") == 0
      or die "the server did not start; $self->{log}:\n" . $self->log_text;
    $self->{running} = 1;
    return;
}

sub stop {
    my ($self) = @_;
    return unless delete $self->{running};
    run('pg_ctl', '-D', $self->{data}, '-m', 'fast', '-w', 'stop');
    return;
}

# A restart, and senders (where there are any) that have read the new settings.
sub restart_with {
    my ($self, %changes) = @_;
    $self->stop;
    $self->set(%changes);
    $self->start;
    return if $self->{settings}{'coach_sms.databases'} eq '';
    for my $db (qw(fresh full)) {
        $self->wait_until("a sender in $db", sub { $self->sql($db, "SELECT state = 'live' FROM coach_sms_internal.sms_worker_state() WHERE database = current_database()") eq 't' });
    }
    return;
}

# The output of SQL commands, each in a transaction of its own.
sub sql {
    my ($self, $db, @commands) = @_;
    my $out = run('psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $db, map { ('-c', $_) } @commands);
    chomp $out;
    return $out;
}

# Seconds that one statement takes from its arrival until its commit, and when that was.
sub timed {
    my ($self, $db, $statement) = @_;
    my $clock = 'SELECT extract(epoch FROM clock_timestamp())';
    my ($begin, @rest) = split /\n/, $self->sql($db, $clock, $statement, $clock);
    return wantarray ? ($rest[-1] - $begin, $rest[-1]) : $rest[-1] - $begin;
}

# The same for a statement that returns one row, which the session has run before.
sub timed_again {
    my ($self, $db, $statement) = @_;
    my $clock = 'SELECT extract(epoch FROM clock_timestamp())';
    my (undef, $begin, undef, $end) = split /\n/, $self->sql($db, $statement, $clock, $statement, $clock);
    return $end - $begin;
}

# Runs pgbench with a script and returns its output.
sub pgbench {
    my ($self, $db, $script, @options) = @_;
    my $file = "$ENV{TMPDIR}/pgbench.sql";
    open my $out, '>', $file or die "cannot write $file: $!";
    print {$out} $script;
    close $out or die "cannot write $file: $!";
    my $output = run('pgbench', '-n', '-M', 'prepared', '-U', 'app', '-f', $file, @options, $db);
    die "pgbench: transactions failed:\n$output" unless $output =~ /number of failed transactions: 0 /;
    return $output;
}

# Transactions a second of so many clients.
sub rate {
    my ($self, $db, $script, $clients, @options) = @_;
    my $threads = $clients > 1 ? 2 : 1;
    my ($rate) = $self->pgbench($db, $script, '-c', $clients, '-j', $threads, @options) =~ /^tps = ([\d.]+)/m;
    return $rate;
}

# Begins a transaction in a session of its own, whose snapshot keeps dead rows. It ends with release_snapshot().
sub hold_snapshot {
    my ($self, $db) = @_;
    my $pid = open(my $psql, '|-') // die "cannot fork: $!";
    if ($pid == 0) {
        $ENV{PGAPPNAME} = 'snapshot';
        open STDOUT, '>', '/dev/null';
        exec 'psql', '-XAtq', '-d', $db or warn "cannot run psql: $!\n";
        POSIX::_exit(1);    # nothing of ours is the child's to clean up
    }
    $psql->autoflush;
    print {$psql} "BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT 1;\n";
    $self->wait_until('the snapshot', sub { $self->holds_snapshot($db) });
    return $psql;
}

sub holds_snapshot {
    my ($self, $db) = @_;
    return $self->sql($db, "SELECT count(*) FROM pg_stat_activity
        WHERE application_name = 'snapshot' AND backend_xmin IS NOT NULL AND state = 'idle in transaction'");
}

sub release_snapshot {
    my (undef, $psql) = @_;
    close $psql;    # the session ends with its input
    return;
}

# The one place where the bench waits for a condition without a signal.
sub wait_until {
    my ($self, $what, $condition) = @_;
    for (my $end = time + 120; !$condition->(); Time::HiRes::sleep(0.02)) {
        die "waited in vain for $what; $self->{log}:\n" . $self->log_text if time > $end;
    }
    return;
}

sub log_text {
    my ($self) = @_;
    open my $log, '<', $self->{log} or return '';
    my @lines = <$log>;
    return join '', @lines > 30 ? @lines[-30 .. -1] : @lines;
}

sub DESTROY {
    my ($self) = @_;
    local ($@, $?);
    eval { $self->stop };
    return;
}

1;
