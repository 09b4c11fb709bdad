# A fake Twilio (test/fake_twilio) without callbacks, and what the bench asks of it.
package Bench::Fake;
use strict;
use warnings;

use HTTP::Tiny;
use POSIX ();
use Time::HiRes ();

our $account = 'AC' . '0a' x 16;
our $token = 'fa4e' x 8;

# Its standard input is a pipe of ours: it ends with us.
sub start {
    my ($class, %options) = @_;
    my $scheme = $options{https} ? 'https' : 'http';
    my $dir = "$ENV{TMPDIR}/fake_$scheme";
    mkdir $dir;
    unlink "$dir/port";
    my @command = ('fake_twilio', '--exit-on-stdin-eof', '--cert-dir', $dir, '--port-file', "$dir/port", '--callbacks', 'off',
        '--account', $account, '--token', $token, $options{https} ? '--https' : ());
    my $pid = open(my $stdin, '|-') // die "cannot fork: $!";
    if ($pid == 0) {
        open STDOUT, '>', "$dir/log";
        exec @command or warn "cannot run $command[0]: $!\n";
        POSIX::_exit(1);    # nothing of ours is the child's to clean up
    }
    my $self = bless { stdin => $stdin, dir => $dir }, $class;
    for (my $turns = 500; !-s "$dir/port"; Time::HiRes::sleep(0.02)) {
        die 'fake_twilio did not start' if $turns-- == 0;
    }
    open my $file, '<', "$dir/port" or die "cannot read $dir/port: $!";
    chomp(my $port = <$file>);
    $self->{url} = "$scheme://127.0.0.1:$port";
    $self->{http} = HTTP::Tiny->new(timeout => 150, no_proxy => '127.0.0.1', verify_SSL => 1,
        SSL_options => { SSL_ca_file => $self->ca_file });
    return $self;
}

sub url { return $_[0]{url} }
sub ca_file { return "$_[0]{dir}/ca.pem" }
sub messages_url { return "$_[0]{url}/2010-04-01/Accounts/$account/Messages.json" }

sub call {
    my ($self, $method, $call, $form) = @_;
    my $query = $form ? $self->{http}->www_form_urlencode($form) : '';
    my $answer = $self->{http}->request($method, "$self->{url}/control/$call" . ($query ? "?$query" : ''));
    die "control call $call: $answer->{status} $answer->{content}" unless $answer->{success};
    return $answer->{content};
}

# Forgets everything, and answers each create after so many milliseconds from now on.
sub reset {
    my ($self, $delay_ms) = @_;
    $self->call('POST', 'reset');
    $self->call('POST', 'default', { marker => $delay_ms ? "delay=$delay_ms" : '' });
    return;
}

sub wait_accepted {
    my ($self, $count) = @_;
    my $seen = $self->call('GET', 'wait', { accepted => $count, deadline_ms => 120_000 });
    die "the fake did not get $count messages in two minutes: $seen" unless $seen =~ /"reached": true/;
    return;
}

# Arrival of each message, in seconds, in order: pairs of its text and the time.
sub arrivals {
    my ($self) = @_;
    return map { /^(.*) (\d+)$/ ? [ $1, $2 / 1e6 ] : () } split /\n/, $self->call('GET', 'arrivals');
}

# When messages with that text arrived, in seconds.
sub arrivals_of {
    my ($self, $text) = @_;
    return map { / (\d+)$/ ? $1 / 1e6 : () } split /\n/, $self->call('GET', 'arrivals', { body => $text });
}

1;
