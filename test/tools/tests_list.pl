# tests_list.pl: prints the path of each test file with the first sentence of the comment that it begins with.
use strict;
use warnings;

for my $file (sort map { glob } qw(test/tap/*/*.pl test/soak/*.pl test/pgtap/*.sql test/isolation/specs/*.spec sql/*.sql)) {
    open my $lines, '<', $file or die "cannot read $file: $!";
    my @comment;
    while (<$lines>) {
        last unless /^(?:#|--) ?(.*)/;
        push @comment, $1;
    }
    my ($sentence) = join(' ', @comment) =~ /^(.*?\.)(?:\s|$)/;
    print "$file\n    ", $sentence // join(' ', @comment), "\n";
}
