# Medians of what was measured alternately, the one table, and its rows as a file of tabs (see figures.pl).
package Bench::Report;
use strict;
use warnings;

use Exporter 'import';
use Bench::Size qw(size);

our @EXPORT_OK = qw(alternate median number percentile section row note finish);

my (@lines, @rows, $section);

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

# Measures A B A B ... and returns the median of each, and A/B of each round: the machine drifts by more than most
# differences, so only neighbours in time are compared.
sub alternate {
    my ($ours, $other, $rounds) = @_;
    my (@ours, @other, @ratios);
    for my $round (1 .. $rounds // size('rounds')) {
        push @ours, $ours->($round);
        push @other, $other->($round);
        push @ratios, $ours[-1] / $other[-1];
    }
    return (median(@ours), median(@other), \@ratios);
}

sub emit {
    my ($line) = @_;
    push @lines, $line;
    print "$line\n";
    return;
}

sub section {
    my ($title, $other) = @_;
    $section = $title;
    emit('');
    emit(sprintf '%-58s %12s %12s %7s %13s   %s', $title, 'coach_sms', $other, 'ratio', 'spread', 'aim');
    return;
}

# The ratio is a number, or those of all rounds. Their median is marked if it is below the aim.
sub row {
    my ($what, $ours, $other, $ratios, $aim) = @_;
    my @ratios = sort { $a <=> $b } ref $ratios ? @$ratios : $ratios;
    my $ratio = median(@ratios);
    my $spread = @ratios > 1 ? sprintf('%.2f - %.2f', @ratios[ 0, -1 ]) : '';
    my $verdict = defined $aim ? sprintf('>= %.2f%s', $aim, $ratio < $aim ? '   BELOW' : '') : '';
    emit(sprintf '%-58s %12s %12s %7.2f %13s   %s', $what, number($ours), number($other), $ratio, $spread, $verdict);
    push @rows, [ 'ratio', $section, $what =~ s/^ +//r, number($ours), number($other), $ratio, @ratios[ 0, -1 ], $aim // '' ];
    return;
}

sub note {
    my ($what, $value, $aim) = @_;
    emit(sprintf('%-58s %12s %34s   %s', $what, $value, '', $aim // '') =~ s/\s+$//r);
    push @rows, [ 'note', $section, $what =~ s/^ +//r, $value, ('') x 4, $aim // '' ] if defined $section && $value ne '';
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
    write_lines("$folder/bench.txt", @lines);
    write_lines("$folder/bench.tsv", map { join "\t", @$_ } @rows);
    return;
}

sub write_lines {
    my ($path, @text) = @_;
    open my $file, '>', $path or die "cannot write $path: $!";
    print {$file} map { "$_\n" } @text;
    close $file or die "cannot write $path: $!";
    return;
}

1;
