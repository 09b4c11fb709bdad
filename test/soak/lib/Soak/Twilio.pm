# Twilio's side of a soak: what the fake accepted, kept as rows for COPY, and its calls to the webhook.
package Soak::Twilio;
use strict;
use warnings;

use CoachSms::Cluster qw(sql_quote);
use CoachSms::Fake;

our $public_url = 'https://app.example/twilio';
my ($second_account, $second_token) = ('AC' . '0b' x 16, 'fa4f' x 8);

sub start {
    my ($class, $file) = @_;
    my $fake = start_fake(args => [ '--account', $second_account, '--token', $second_token ]);
    open my $ledger, '>', $file or die "cannot write $file: $!";
    return bless { fake => $fake, file => $file, ledger => $ledger, accepted => 0, seen => 0, relayed => 0,
        answers => {}, stopped => {} }, $class;
}

sub fake { return $_[0]{fake} }
sub second_account { return [ $second_account, $second_token ] }

# Somebody texts STOP to an org's number. The call is held until relay_script().
sub receive_stop {
    my ($self, $account, $from, $to) = @_;
    $self->{fake}->post('inbound', account => $account, from => $from, to => $to, body => 'STOP', url => $public_url);
    return;
}

# The signed calls that were held since the last time. After a STOP the session notes when it was acknowledged.
sub relay_script {
    my ($self) = @_;
    my $script = '';
    for my $call ($self->{fake}->callbacks(since => $self->{relayed})) {
        $self->{relayed} = $call->{seq};
        $script .= sprintf "SELECT 'answer', http_status FROM sms_twilio_webhook(%s, %s, %s);\n",
          map { sql_quote($_) } @$call{qw(url body signature)};
        next if $call->{status} ne 'received';
        my ($from, $to) = map { $call->{body} =~ /(?:^|&)$_=%2B(\d+)/ } qw(From To);
        $script .= "SELECT 'stopped', '+$from', '+$to', (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;\n";
    }
    return $script;
}

# What that script printed. Of repeated acknowledgements the first counts.
sub note_answers {
    my ($self, $output) = @_;
    for (split /\n/, $output) {
        my ($kind, @values) = split /\|/;
        ++$self->{answers}{ $values[0] } if $kind eq 'answer';
        $self->{stopped}{"$values[0]\t$values[1]"} //= $values[2] if $kind eq 'stopped';
    }
    return;
}

# Takes over what was accepted since the last time. Returns how many messages that were.
sub read_ledger {
    my ($self) = @_;
    my @new = $self->{fake}->ledger(since => $self->{seen});
    for my $message (@new) {
        $self->{seen} = $message->{seq};
        print { $self->{ledger} } join("\t", map { s/\\/\\\\/gr =~ s/\n/\\n/gr } @$message{qw(sid to from body received_at)}), "\n";
    }
    $self->{accepted} += @new;
    return scalar @new;
}

# The tables accepted and stopped.
sub store {
    my ($self, $node) = @_;
    $self->{ledger}->flush;
    my $stopped = "$self->{file}.stopped";
    PostgreSQL::Test::Utils::append_to_file($stopped, join '', map { "$_\t$self->{stopped}{$_}\n" } sort keys %{ $self->{stopped} });
    $node->safe_psql('postgres', "
        CREATE TABLE accepted (sid text, to_phone text, from_phone text, body text, received_at bigint);
        CREATE TABLE stopped (phone text, org_phone text, acknowledged_at bigint);
        COPY accepted FROM '$self->{file}';
        COPY stopped FROM '$stopped';
        CREATE INDEX ON accepted (sid);
        ANALYZE accepted, sms_messages;");
    return;
}

1;
