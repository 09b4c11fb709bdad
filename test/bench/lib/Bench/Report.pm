# Medians of what was measured alternately, and the one table.
package Bench::Report;
use strict;
use warnings;

use Exporter 'import';
use Bench::Size qw(size);

our @EXPORT_OK = qw(alternate median percentile section row note finish);

my @lines;

sub median { return percentile(0.5, @_) }

# Linear between neighbours.
sub percentile {
    my ($part, @values) = @_;
    @values = sort { $a <=> $b } @values;
    my $at = $part * $#values;
    my $below = int $at;
    my $above = $below < $#values ? $below + 1 : $below;
    return $values[$below] + ($at - $below) * ($values[$above] - $values[$below]);
}

# Measures A B A B ... and returns the median of each, and the median of A/B within the rounds: the machine drifts
# by more than most differences, so only neighbours in time are compared.
sub alternate {
    my ($ours, $other, $rounds) = @_;
    my (@ours, @other, @ratios);
    for my $round (1 .. $rounds // size('rounds')) {
        push @ours, $ours->($round);
        push @other, $other->($round);
        push @ratios, $ours[-1] / $other[-1];
    }
    return (median(@ours), median(@other), median(@ratios));
}

sub emit {
    my ($line) = @_;
    push @lines, $line;
    print "$line\n";
    return;
}

sub section {
    my ($title, $other) = @_;
    emit('');
    emit(sprintf '%-58s %12s %12s %7s   %s', $title, 'coach_sms', $other, 'ratio', 'aim');
    return;
}

# A ratio below its aim is marked.
sub row {
    my ($what, $ours, $other, $ratio, $aim) = @_;
    my $verdict = defined $aim ? sprintf('>= %.2f%s', $aim, $ratio < $aim ? '   BELOW' : '') : '';
    emit(sprintf '%-58s %12s %12s %7.2f   %s', $what, number($ours), number($other), $ratio, $verdict);
    return;
}

sub note {
    my ($what, $value, $aim) = @_;
    emit(sprintf('%-58s %12s %20s   %s', $what, $value, '', $aim // '') =~ s/\s+$//r);
    return;
}

sub number {
    my ($value) = @_;
    my $text = $value >= 100 ? sprintf('%.0f', $value) : sprintf('%.2f', $value);
    1 while $text =~ s/^(\d+)(\d{3})/$1,$2/;
    return $text;
}

sub finish {
    my $folder = $ENV{COACH_SMS_RESULTS} // 'build/results';
    open my $file, '>', "$folder/bench.txt" or die "cannot write $folder/bench.txt: $!";
    print {$file} map { "$_\n" } @lines;
    close $file or die "cannot write $folder/bench.txt: $!";
    return;
}

1;
