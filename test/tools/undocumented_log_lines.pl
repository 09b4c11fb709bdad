#!/usr/bin/env perl
# Prints each message of level LOG, WARNING or NOTICE in src/pg and sql/install that doc/monitoring.md does not show. Of a
# message with values in it the longest piece of fixed text counts.
use strict;
use warnings;

sub contents {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!\n";
    local $/;
    return <$file>;
}

my $page = contents('doc/monitoring.md');

sub look_for {
    my ($path, $message, $value) = @_;
    my ($longest) = sort { length $b <=> length $a } split $value, $message;
    $longest =~ s/^\s+|\s+$//g if defined $longest;
    return if !defined $longest || $longest eq '' || index($page, $longest) >= 0;
    print "$path: $message\n";
    return;
}

for my $path (sort glob 'src/pg/*/*.cpp src/pg/*.cpp') {
    my $text = contents($path);
    while ($text =~ /ereport\((?:LOG|WARNING|NOTICE),.*?errmsg\(((?:\s*"(?:[^"\\]|\\.)*")+)/gs) {
        my $message = join '', $1 =~ /"((?:[^"\\]|\\.)*)"/g;
        $message =~ s/\\"/"/g;
        look_for($path, $message, qr/%[0-9.]*(?:ll|l|z)?[a-z]/);
    }
}
for my $path (sort glob 'sql/install/*/*.sql') {
    my $text = contents($path);
    look_for($path, $1, qr/%/) while $text =~ /RAISE (?:LOG|WARNING|NOTICE) '((?:[^']|'')*)'/g;
}
