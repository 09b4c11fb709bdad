# A coach_sms_gateway for one test, and requests to it. It ends with the test.
#
#   my $gateway = start_gateway(args => [ '--behind-proxy' ]);
#   my $node = new_server('main', conf => "coach_sms.public_url = '" . $gateway->url . "'\n");
#   $gateway->serve($node);                      # from now on its database is there
#   my ($answer) = $gateway->post($callback);    # one of $fake->callbacks; { status, headers, body }
package CoachSms::Gateway;
use strict;
use warnings;

use Exporter 'import';
use HTTP::Tiny;
use IO::Socket::INET;
use POSIX ();
use PostgreSQL::Test::Utils ();
use Test::More;
use CoachSms::Wait qw(deadline wait_until);

our @EXPORT = qw(start_gateway);

# Options: args, further arguments; role, the role that it connects as. Its service file names the database, which may
# come later.
sub start_gateway {
    my (%options) = @_;
    my $self = bless { role => 'gateway', args => [], dir => PostgreSQL::Test::Utils::tempdir_short(), %options }, __PACKAGE__;
    $self->{log} = "$self->{dir}/log";
    $self->start;
    return $self;
}

sub start {
    my ($self) = @_;
    my $earlier = length $self->log_text;
    delete $self->{status};
    $self->{pid} = fork // die "cannot fork: $!";
    if (!$self->{pid}) {
        local $ENV{PGSERVICEFILE} = "$self->{dir}/services";
        local $ENV{ASAN_OPTIONS} = 'quarantine_size_mb=8';    # tests look at its memory
        open STDERR, '>>', $self->{log} or POSIX::_exit(1);
        open STDOUT, '>>', "$self->{dir}/access" or POSIX::_exit(1);
        no warnings 'exec';
        exec 'coach_sms_gateway', '--dbname=service=test', '--listen=127.0.0.1:' . ($self->{port} // 0),
          '--listen-private=127.0.0.1:0', @{ $self->{args} };
        POSIX::_exit(1);
    }
    my $ports = qr/takes calls at port (\d+), private pages at port (\d+)(?:, the office's at port (\d+))?\n/;
    wait_until(sub { substr($self->log_text, $earlier) =~ $ports || !$self->runs });
    @{$self}{qw(port private_port office_port)} = substr($self->log_text, $earlier) =~ $ports or die 'the gateway did not start: ' . $self->log_text;
    return;
}

# Names its database, and grants its role what it needs.
sub serve {
    my ($self, $node) = @_;
    $node->safe_psql('postgres', "CREATE ROLE $self->{role} LOGIN; SELECT sms_grant_gateway('$self->{role}')");
    my $service = sprintf "[test]\nhost=%s\nport=%d\ndbname=postgres\nuser=%s\n", $node->host, $node->port, $self->{role};
    PostgreSQL::Test::Utils::append_to_file("$self->{dir}/services", $service);
    return;
}

sub log_text { my ($self) = @_; return -e $self->{log} ? PostgreSQL::Test::Utils::slurp_file($self->{log}) : ''; }
sub access_log { my ($self) = @_; return PostgreSQL::Test::Utils::slurp_file("$self->{dir}/access"); }
sub url { my ($self) = @_; return "http://127.0.0.1:$self->{port}/twilio"; }
sub runs { my ($self) = @_; return !$self->has_ended; }

sub has_ended {
    my ($self) = @_;
    $self->{status} = $? if !defined $self->{status} && waitpid($self->{pid}, POSIX::WNOHANG()) != 0;
    return defined $self->{status};
}

# The number of connections that it has accepted. A connection that waits to be accepted has no inode yet.
sub accepted {
    my ($self) = @_;
    my $local = sprintf '0100007F:%04X', $self->{port};
    return scalar grep { my @field = split; ($field[1] // '') eq $local && $field[3] eq '01' && $field[9] }
      split /\n/, PostgreSQL::Test::Utils::slurp_file('/proc/net/tcp');
}

# Its own memory, in MiB: without pages that it shares with others.
sub memory {
    my ($self) = @_;
    my $pages = PostgreSQL::Test::Utils::slurp_file("/proc/$self->{pid}/smaps_rollup");
    my $kilobytes = 0;
    $kilobytes += $1 while $pages =~ /^Private_(?:Clean|Dirty): +(\d+) kB/mg;
    return $kilobytes / 1024;
}

# A connection to the public port.
sub connection {
    my ($self) = @_;
    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => deadline()) // die "cannot connect: $!";
}

# Posts calls, each on a connection of its own, all at once. Returns their answers in the same order.
sub post {
    my ($self, @calls) = @_;
    return map { read_answer($_) } $self->begin_post(@calls);
}

sub begin_post {
    my ($self, @calls) = @_;
    return map {
        my $connection = $self->connection;
        print {$connection} $self->request($_);
        $connection->flush;
        $connection;
    } @calls;
}

# The text of a request. The target is that of the call's URL.
sub request {
    my ($self, $call) = @_;
    my ($host, $target) = $call->{url} =~ m{^https?://([^/]+)([^#]*)};
    return "POST $target HTTP/1.1\r\nHost: $host\r\nContent-Type: application/x-www-form-urlencoded\r\n"
      . "X-Twilio-Signature: $call->{signature}\r\nContent-Length: " . length($call->{body}) . "\r\nConnection: close\r\n\r\n$call->{body}";
}

# Reads to the end of the connection.
sub read_answer {
    my ($connection) = @_;
    local $SIG{ALRM} = sub { die 'no answer before the deadline' };
    alarm deadline(60);
    my $text = do { local $/; <$connection> };
    alarm 0;
    my ($head, $body) = split /\r\n\r\n/, $text // '', 2;
    return { status => ($head // '') =~ m{^HTTP/1\.1 (\d+)} ? $1 : 0, head => $head // '', body => $body // '' };
}

# Reads a private page.
sub get {
    my ($self, $path, $method) = @_;
    return HTTP::Tiny->new(timeout => deadline())->request($method // 'GET', "http://127.0.0.1:$self->{private_port}$path");
}

# Ends it as systemd does. Returns its exit status.
sub stop {
    my ($self) = @_;
    kill TERM => $self->{pid} unless $self->has_ended;
    wait_until(sub { $self->has_ended }) or do { kill KILL => $self->{pid}; waitpid $self->{pid}, 0; $self->{status} = $? };
    return $self->{status};
}

sub DESTROY { my ($self) = @_; local ($?, $!); kill KILL => $self->{pid} unless $self->has_ended; return; }

1;
