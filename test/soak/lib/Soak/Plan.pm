# A soak's plan, second by second, from its seed alone.
#
#   my $plan = Soak::Plan->new(seed => 1, seconds => 300, messages => 30_000);
#   while (my $second = $plan->next_second) {
#       $second->{groups};      # messages by the way in which they are enqueued: [ way, message... ]
#       $second->{bookings};    # new bookings: { number, phone, marker, starts_in }
#       $second->{changes};     # [ kind, argument... ]: of messages, bookings and settings
#       $second->{stops};       # people who text STOP
#       $second->{event};       # of the server, the sender or Twilio's list, or undef
#   }
#
# In the storm, the first two thirds, the server and the sender are stopped and killed too. In the rest one sender lives on,
# so that its memory can be watched.
package Soak::Plan;
use strict;
use warnings;

use Soak::Dice;

our $orgs = 4;    # and one more, that of the bookings

# Of a thousand messages. Faults with times=1 end with the second request.
my @markers = (
    'no-callback'                                 => 520,
    ''                                            => 330,
    'callback-twice'                              => 10,
    'callback-before-response'                    => 5,
    'undelivered=30003'                           => 10,
    'no-callback status=400 code=21617'           => 10,
    'no-callback status=429 retry-after=1 times=1' => 1,
    'no-callback status=429 times=1'              => 4,
    'no-callback status=500 times=1'              => 10,
    'no-callback status=503 times=1'              => 2,
    'no-callback status=500 times=9'              => 1,
    'no-callback html times=1'                    => 10,
    'no-callback empty times=1'                   => 5,
    'no-callback reset-before times=1'            => 15,
    'no-callback reset-after times=1'             => 10,
    'reset-after times=1'                         => 5,
    'no-callback stall-before times=1'            => 6,
    'no-callback stall times=1'                   => 6,
    'stall times=1'                               => 3,
    'no-callback accept-then-delay=8000 times=1'  => 5,
    'no-callback accept-status=500 times=1'       => 8,
    'no-callback accept-html times=1'             => 8,
    'no-callback cut times=1'                     => 5,
    'no-callback cut-wire times=1'                => 5,
    'no-callback drip=1'                          => 4,
    'no-callback drip=10 times=1'                 => 4,
    'no-callback huge=2000000 times=1'            => 1,
    'no-callback delay=300'                       => 8);

sub new {
    my ($class, %size) = @_;
    my $self = bless { %size, dice => Soak::Dice->new($size{seed}), second => 0, made => 0, undone => 0, booked => 0,
        targets => [], paused => [], left => {} }, $class;
    $self->{people} = 50 + int($size{messages} / 5);
    return $self;
}

sub is_storm { my ($self) = @_; return $self->{second} <= $self->{seconds} * 2 / 3; }

# How many messages and bookings the plan has made so far.
sub made { return $_[0]{made} }
sub booked { return $_[0]{booked} }

# A person belongs to one org. One in ten may text STOP.
sub org_of { my ($person) = @_; return $person % $orgs; }
sub may_stop { my ($person) = @_; return $person % 10 == 7; }
sub phone_of { my ($person) = @_; return sprintf '+61491%06d', $person; }

sub next_second {
    my ($self) = @_;
    return if $self->{second} == $self->{seconds};
    my $due = int($self->{messages} * ++$self->{second} / $self->{seconds});
    my (@groups, @bookings);
    while ($self->{made} + $self->{booked} < $due) {
        my $rest = $due - $self->{made} - $self->{booked};
        my $way = $self->{dice}->pick_weighted(call => 3, insert => 2, transaction => 3, batch => 3, undone => 1, booking => 3);
        if ($way eq 'booking') {
            push @bookings, $self->booking;
        } else {
            push @groups, [ $way, $self->group($way, $rest) ];
        }
    }
    return {
        groups   => \@groups,
        bookings => \@bookings,
        changes  => [ $self->changes ],
        stops    => [ $self->stops ],
        event    => scalar $self->event,
    };
}

sub group {
    my ($self, $way, $rest) = @_;
    my $most = { call => 5, insert => 5, transaction => 20, batch => 50, undone => 5 }->{$way};
    $most = $rest if $most > $rest;
    return map { $self->message($way) } 1 .. $self->{dice}->between(1, $most);
}

# People who may text STOP, and to whom a message was just planned.
sub stops {
    my ($self) = @_;
    my @targets = splice @{ $self->{targets} };
    return @targets && $self->{dice}->happens(700) ? $self->{dice}->pick(@targets) : ();
}

# Times are in seconds from the moment at which it is enqueued.
sub message {
    my ($self, $way) = @_;
    my $dice = $self->{dice};
    my $person = $dice->roll($self->{people});
    push @{ $self->{targets} }, $person if may_stop($person) && $way ne 'undone';
    my $name = $way eq 'undone' ? 'undone-' . ++$self->{undone} : 'soak-' . ++$self->{made};
    return {
        name   => $name,
        person => $person,
        marker => $dice->pick_weighted(@markers),
        due_in => $dice->happens(200) ? $dice->between(1, 20) : 0,
        expires_in => $dice->happens(20) ? $dice->between(22, 40) : undef,
    };
}

# Some start so soon that their reminder becomes due while the soak runs.
sub booking {
    my ($self) = @_;
    my $dice = $self->{dice};
    my $number = ++$self->{booked};
    return {
        number    => $number,
        phone     => sprintf('+61492%06d', $number),
        marker    => $dice->pick_weighted(@markers),
        starts_in => 86_400 + ($dice->happens(200) ? $dice->between(5, 30) : $dice->between(7_200, 500_000)),
    };
}

sub changes {
    my ($self) = @_;
    my $dice = $self->{dice};
    my @changes = map { [ $dice->pick(qw(cancel cancel_by_update reschedule)), $self->recent('made', 100 + int($self->{messages} / $self->{seconds})) ] } 1 .. $dice->roll(20);
    push @changes, map { [ $dice->pick(qw(move relocate call_off remove)), $self->recent('booked', 10) ] } 1 .. $dice->roll(8);
    push @changes, [ limits => $dice->roll($orgs + 1), $dice->pick('NULL', 1_000_000) ] if $dice->happens(50);
    push @changes, map { [ resume => $_ ] } splice @{ $self->{paused} }, 0, 1 if $dice->happens(300);
    if ($dice->happens(50) && $self->{second} < $self->{seconds}) {
        push @{ $self->{paused} }, my $org = $dice->roll($orgs + 1);
        push @changes, [ pause => $org ];
    }
    if ($self->{second} == $self->{seconds}) {
        push @changes, map { [ resume => $_ ] } splice @{ $self->{paused} };
    }
    return grep { defined $_->[1] } @changes;
}

# One of the newest $most, which may not have left yet.
sub recent {
    my ($self, $counter, $most) = @_;
    my $newest = $self->{$counter};
    return $newest ? $newest - $self->{dice}->roll($newest < $most ? $newest : $most) : undef;
}

my %events = (
    storm => [qw(fast immediate immediate kill kill freeze few_in_flight list_refuses list_lags)],
    calm  => [qw(list_refuses list_lags)]);
my %end_of = (few_in_flight => 'many_in_flight', list_refuses => 'list_answers', list_lags => 'list_leads');

# All kinds come before one comes again. What one event began the next one ends.
sub event {
    my ($self) = @_;
    my $dice = $self->{dice};
    return delete $self->{to_end} if $self->{to_end} && $dice->happens(500);
    return if $self->{to_end} || !$dice->happens(250);
    my $season = $self->is_storm ? 'storm' : 'calm';
    my $left = $self->{left}{$season} //= [];
    push @$left, @{ $events{$season} } unless @$left;
    my $event = splice @$left, $dice->roll(scalar @$left), 1;
    $self->{to_end} = $end_of{$event};
    return $event;
}

# What ends an event that the plan has left open.
sub last_event { my ($self) = @_; return delete $self->{to_end}; }

1;
