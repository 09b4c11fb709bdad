# Random numbers that depend on the seed alone. Perl's own rand() is shared with every module that is loaded.
package Soak::Dice;
use strict;
use warnings;

my ($multiplier, $mask) = (25_214_903_917, 2**48 - 1);

sub new { my ($class, $seed) = @_; return bless { state => $seed ^ $multiplier }, $class; }

# Returns an integer from 0 to $sides - 1. The generator is drand48's.
sub roll {
    my ($self, $sides) = @_;
    {
        use integer;
        $self->{state} = ($self->{state} * $multiplier + 11) & $mask;
    }
    return int($self->{state} / 2**48 * $sides);
}

sub between { my ($self, $least, $most) = @_; return $least + $self->roll($most - $least + 1); }

# Returns whether an event of this many in a thousand happens.
sub happens { my ($self, $permille) = @_; return $self->roll(1000) < $permille; }

sub pick { my ($self, @from) = @_; return $from[ $self->roll(scalar @from) ]; }

# pick_weighted(a => 3, b => 1): 'a' in three of four cases.
sub pick_weighted {
    my ($self, @weights) = @_;
    my $sum = 0;
    $sum += $weights[ 2 * $_ + 1 ] for 0 .. $#weights / 2;
    my $at = $self->roll($sum);
    while (my ($name, $weight) = splice @weights, 0, 2) {
        return $name if $at < $weight;
        $at -= $weight;
    }
    die 'no weights';
}

1;
