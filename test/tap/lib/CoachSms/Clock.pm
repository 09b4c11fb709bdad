# A clock that a test moves, for the whole of one server: new_server(name, clock => 1) preloads test/tools/test_clock.cpp.
#
#   my $node = new_server('main', fake => $fake, clock => 1);      # a fake with https => 0: certificates have dates
#   $node->set_clock('2026-03-10 20:59:00+11');
#   $node->advance('61 minutes');                                  # also while the server is stopped
#   $node->clock_at($_->{received_at}) for $fake->ledger;          # when that was, by the server's clock
#
# It runs on at real speed between moves. What only measures a length (latches, libcurl's timeouts) keeps real
# time, as it does where an administrator sets a machine's clock. Restarts keep it; so does a standby that is made with
# adopt($fake, $primary->test_clock).
package CoachSms::Clock;
use strict;
use warnings;

use PostgreSQL::Test::Utils ();
use Time::HiRes qw(time);

sub new {
    my ($class) = @_;
    my $self = bless { file => PostgreSQL::Test::Utils::tempdir_short() . '/clock', moves => [] }, $class;
    open $self->{handle}, '>', $self->{file} or die "cannot write $self->{file}: $!";
    $self->move_to(0);
    return $self;
}

# What the postmaster's environment must hold.
sub environment {
    my ($self) = @_;
    my ($library) = grep { -e } map { "$_/test_clock.so" } split /:/, $ENV{PATH};
    die 'test_clock.so lies in no folder of PATH' unless $library;
    return (LD_PRELOAD => $library, COACH_SMS_TEST_CLOCK => $self->{file});
}

# Seconds by which it is ahead of the machine's clock.
sub offset { my ($self) = @_; return $self->{moves}[-1][1]; }

# Eight bytes in one write: the server sees the old number or the new one.
sub move_to {
    my ($self, $offset) = @_;
    sysseek $self->{handle}, 0, 0;
    syswrite($self->{handle}, pack 'q', $offset * 1e6) == 8 or die "cannot move the clock: $!";
    push @{ $self->{moves} }, [ time, $offset ];
    return;
}

# A moment of the machine's clock (seconds) by this one.
sub at {
    my ($self, $moment) = @_;
    my ($offset) = map { $_->[1] } grep { $_->[0] <= $moment } reverse @{ $self->{moves} };
    return $moment + ($offset // 0);
}

# '6 hours', '-2 hours', '1 day 30 minutes' in seconds; a day has 24 hours.
sub seconds {
    my ($text) = @_;
    my %unit = (second => 1, minute => 60, hour => 3600, day => 86400);
    my $sum = 0;
    (my $rest = $text) =~ s/\s*(-?[\d.]+) (second|minute|hour|day)s?\b/$sum += $1 * $unit{$2}; ''/ge;
    die "no length of time: $text" if $text eq '' || $rest =~ /\S/;
    return $sum;
}

1;
