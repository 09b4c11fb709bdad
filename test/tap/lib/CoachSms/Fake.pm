# A fake Twilio (test/fake_twilio) for one test, and what the test asks of it. It ends with the test, however that ends.
#
#   my $fake = start_fake(callbacks => 'hold');
#   $fake->post('scenario', to => '+61491570006', marker => 'stall');
#   $fake->wait_accepted(1);                  # an assertion
#   is($fake->count(to => '+61491570006'), 1);
package CoachSms::Fake;
use strict;
use warnings;

use Exporter 'import';
use HTTP::Tiny;
use JSON::PP qw(decode_json);
use POSIX ();
use PostgreSQL::Test::Utils ();
use Test::More;
use Time::HiRes qw(time);
use CoachSms::Wait qw(deadline wait_until);

our @EXPORT = qw(start_fake);

# Options: https (1), callbacks ('hold': listed, for relay_callbacks; 'on': posted; 'off'), account, token, and
# args, a list of further arguments of fake_twilio.
sub start_fake {
    my (%options) = @_;
    my $self = bless {
        https     => 1,
        callbacks => 'hold',
        account   => 'AC' . '0a' x 16,
        token     => 'fa4e' x 8,
        args      => [],
        port      => 0,
        relayed   => 0,
        dir       => PostgreSQL::Test::Utils::tempdir_short(),
        %options,
    }, __PACKAGE__;
    $self->start;
    return $self;
}

# Its standard input is a pipe of ours: when we are gone, however, it goes too.
sub start {
    my ($self) = @_;
    my $port_file = "$self->{dir}/port";
    unlink $port_file;
    my @command = (
        'fake_twilio', '--exit-on-stdin-eof',
        '--port'      => $self->{port},
        '--port-file' => $port_file,
        '--cert-dir'  => $self->{dir},
        '--callbacks' => $self->{callbacks},
        '--account'   => $self->{account},
        '--token'     => $self->{token},
        $self->{https} ? '--https' : (),
        @{ $self->{args} });
    $self->{pid} = open $self->{stdin}, '|-', @command or die "cannot start fake_twilio: $!";
    wait_until(sub { -s $port_file || !$self->runs }, 20);
    die "fake_twilio did not start" unless -s $port_file;
    chomp($self->{port} = PostgreSQL::Test::Utils::slurp_file($port_file));
    $self->{http} = HTTP::Tiny->new(
        timeout     => deadline(120),
        verify_SSL  => 1,
        no_proxy    => '127.0.0.1',
        SSL_options => { SSL_ca_file => $self->ca_file });
    return;
}

sub runs { my ($self) = @_; return waitpid($self->{pid}, POSIX::WNOHANG()) == 0; }

# From here on connections are refused. start() brings it back at the same port, with an empty ledger.
sub stop {
    my ($self) = @_;
    return unless $self->{stdin};
    close delete $self->{stdin};    # waits for its end
    return;
}

sub url { my ($self) = @_; return ($self->{https} ? 'https' : 'http') . "://127.0.0.1:$self->{port}"; }
sub ca_file { my ($self) = @_; return "$self->{dir}/ca.pem"; }
sub account { return $_[0]{account} }
sub token   { return $_[0]{token} }

# get('requests', outcome => 'reset'): a control call's answer, decoded.
sub get {
    my ($self, $call, %query) = @_;
    my $query = $self->{http}->www_form_urlencode(\%query);
    return _answer($call, $self->{http}->get($self->url . "/control/$call" . ($query eq '' ? '' : "?$query")));
}

# post('scenario', to => ..., marker => 'delay=500'): arranges a fault; test/fake_twilio/README.md lists them.
sub post {
    my ($self, $call, %form) = @_;
    return _answer($call, $self->{http}->post_form($self->url . "/control/$call", \%form));
}

sub _answer {
    my ($call, $response) = @_;
    die "control call $call: $response->{status} $response->{content}" unless $response->{success};
    return decode_json($response->{content});
}

# What it accepted: rows, their number (filters: to, body, contains), and those that came twice.
sub ledger     { my ($self, %filter) = @_; return @{ $self->get('ledger', %filter) }; }
sub count      { my ($self, %filter) = @_; return $self->get('ledger/count', %filter)->{count}; }
sub duplicates { my ($self) = @_; return @{ $self->get('duplicates') }; }
sub requests   { my ($self, %filter) = @_; return @{ $self->get('requests', %filter) }; }
sub callbacks  { my ($self, %filter) = @_; return @{ $self->get('callbacks', %filter) }; }

# An assertion: each counter (requests, accepted, open, callbacks) reaches its number in time.
sub wait_for {
    my ($self, %goals) = @_;
    my $seconds = deadline(delete $goals{deadline});
    my $seen = $self->get('wait', %goals, deadline_ms => int($seconds * 1000));
    my $what = join ', ', map { "$_ $goals{$_}" } sort keys %goals;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok($seen->{reached}, "the fake saw $what") || diag(explain($seen));
}

# A text to one of our numbers, among the callbacks: relay_callbacks hands it to the webhook. Further parameters of the
# control call by name (opt_out_type, messaging_service_sid, url, times). Returns its SID.
sub inbound {
    my ($self, $from, $to, $body, %more) = @_;
    my $sid = $self->post('inbound', from => $from, to => $to, body => $body, %more)->{sid};
    wait_until(sub { ($more{times} // 1) == grep { $_->{message_sid} eq $sid } $self->callbacks }) or die "the inbound text $sid is not held";
    return $sid;
}

sub wait_accepted {
    my ($self, $number, $seconds) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return $self->wait_for(accepted => $number, deadline => $seconds);
}

sub DESTROY { my ($self) = @_; local ($?, $!); $self->stop; return; }

1;
