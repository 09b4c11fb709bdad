#!/usr/bin/env perl
# Prints each link in a page that leads nowhere, and each file that a README of src or sql names and that is not there.
use strict;
use warnings;
use File::Basename qw(dirname);

my @readmes = ('src/README.md', glob('src/*/*/README.md'), 'sql/install/README.md');
my @pages = (glob('*.md'), glob('doc/*.md'), glob('test/*.md test/*/*.md'), @readmes);

sub contents {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!\n";
    local $/;
    return <$file> =~ s/^```.*?^```$//gmsr;
}

# As GitHub makes the anchor of a heading.
sub anchors {
    my ($page) = @_;
    return map { lc($_) =~ s/[^\w\- ]//gr =~ tr/ /-/r => 1 } contents($page) =~ /^#+ (.*)$/gm;
}

sub leads_somewhere {
    my ($page, $link) = @_;
    my ($path, $anchor) = split /#/, $link, 2;
    my $target = $path eq '' ? $page : dirname($page) . "/$path";
    return 0 unless -e $target;
    my %known = defined $anchor ? anchors($target) : ();
    return !defined $anchor || $known{$anchor};
}

sub exists_somewhere {
    my ($page, $file) = @_;
    return grep { -e } map { glob "$_/$file" } dirname($page), qw(. src src/* src/*/* sql/install sql/install/* test test/tap);
}

for my $page (@pages) {
    my $text = contents($page) =~ s/`[^`]*`//gr;
    for my $link ($text =~ /\]\(([^)\s]+)\)/g) { print "$page: $link\n" unless $link =~ /^\w+:/ || leads_somewhere($page, $link) }
}
for my $page (@readmes) {
    for my $file (contents($page) =~ m{`([\w./-]+\.(?:cpp|hpp|sql|pl))`}g) { print "$page: $file\n" unless exists_somewhere($page, $file) }
}
