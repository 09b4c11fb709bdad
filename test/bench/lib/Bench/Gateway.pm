# coach_sms_gateway on the bench's server, and wrk, which posts calls to it.
package Bench::Gateway;
use strict;
use warnings;

use POSIX ();
use Time::HiRes ();

# The database's role is made once.
sub start {
    my ($class, $server, $path) = @_;
    $server->sql('fresh', 'CREATE ROLE sms_gateway LOGIN', "SELECT sms_grant_gateway('sms_gateway')")
      if $server->sql('fresh', "SELECT to_regrole('sms_gateway') IS NULL") eq 't';
    my $log = "$ENV{TMPDIR}/gateway.log";
    unlink $log;
    my $pid = fork // die "cannot fork: $!";
    if (!$pid) {
        open STDERR, '>', $log or POSIX::_exit(1);
        exec 'coach_sms_gateway', '--dbname=dbname=fresh user=sms_gateway', "--path=$path", '--behind-proxy',
          '--listen=127.0.0.1:0', '--listen-private=127.0.0.1:0' or POSIX::_exit(1);
    }
    my $self = bless { pid => $pid, log => $log }, $class;
    $server->wait_until('the gateway', sub { ($self->{port}) = $self->log_text =~ /takes calls at port (\d+)/ });
    return $self;
}

sub log_text {
    my ($self) = @_;
    open my $in, '<', $self->{log} or return '';
    local $/;
    return <$in> // '';
}

# Posts the calls of the file (calls.lua), each once, within so many seconds.
sub post {
    my ($self, $file, $connections, $seconds) = @_;
    my $threads = $connections > 1 ? 2 : 1;
    my $output = Bench::Server::run('wrk', "-t$threads", "-c$connections", "-d${seconds}s", '-s', 'test/bench/calls.lua',
        "http://127.0.0.1:$self->{port}", '--', $file, $threads);
    die "wrk:\n$output" if $output =~ /Non-2xx|Socket errors/ || $output !~ /requests in/;
    return;
}

sub stop { my ($self) = @_; kill TERM => $self->{pid}; waitpid $self->{pid}, 0; return; }

1;
