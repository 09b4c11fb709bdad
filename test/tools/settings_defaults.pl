#!/usr/bin/env perl
# Prints each setting of the server whose default in doc/settings.md is not that of doc/reference.md, or that only one of
# the pages has.
use strict;
use warnings;

# The second cell of each row of the section's tables, by each name in the first cell.
sub defaults {
    my ($path, $section) = @_;
    open my $file, '<', $path or die "$path: $!\n";
    local $/;
    my ($text) = <$file> =~ /^## \Q$section\E\n(.*?)(?:^## |\z)/ms or die "$path has no section \"$section\"\n";
    my %found;
    for my $row (grep { !/^\| `coach_sms\.` / } split /\n/, $text) {
        my ($names, $default) = $row =~ /^\| (`[^|]+`) \|(?: ([^|]+))? \|/ or next;
        $found{$_} = normal($default // '') for $names =~ /`(?:coach_sms\.)?(\w+)`/g;
    }
    return \%found;
}

# 1min, 60 s and 60000 ms are one length of time.
sub normal {
    my ($value) = @_;
    my %ms = (ms => 1, s => 1000, min => 60_000, h => 3_600_000, d => 86_400_000);
    $value =~ tr/`//d;
    return $value =~ /^(\d+) ?(ms|s|min|h|d)$/ ? $1 * $ms{$2} . ' ms' : $value;
}

my ($by_hand, $generated) = (defaults('doc/settings.md', 'Settings of the server'), defaults('doc/reference.md', 'Settings'));
for my $name (sort keys %{ { %$by_hand, %$generated } }) {
    my ($ours, $theirs) = ($by_hand->{$name} // 'no row', $generated->{$name} // 'no row');
    print "$name: doc/settings.md has \"$ours\", doc/reference.md has \"$theirs\"\n" if $ours ne $theirs;
}
