# figures.pl: prints the figures of the house, and a line "not ok: ..." for each that is over its bound.
use strict;
use warnings;
use FindBin;

chdir "$FindBin::Bin/../..";
my %bound = (function => 50, median => 200, sql_line => 110, readme => 1200);

sub lines_of {
    open my $in, '<', $_[0] or die "cannot read $_[0]: $!\n";
    my @lines = <$in>;
    chomp @lines;
    return @lines;
}

# As clang-format lays them out: a function begins in the first column with its name, and ends with a brace there.
sub functions_of {
    my ($file) = @_;
    my (@functions, $name, $length);
    for (lines_of($file)) {
        if (defined $length) {
            ++$length;
            next unless /^\}/;
            push @functions, [ $length, "$name ($file)" ];
            undef $length;
        } elsif (/^(?!\s)[\w:*&<>\[\] ]+?(~?[\w:]+)\(/ && !/^(?:#|namespace|struct|class|enum|using|extern|static_assert|constexpr)/ && !/;$/) {
            ($name, $length) = ($1, 1);
        }
        undef $length if defined $length && /;$/ && $length == 1;
    }
    return @functions;
}

my @sources = glob 'src/*/*.[ch]pp src/*/*/*.[ch]pp';
my @install = glob 'sql/install/*.sql sql/install/*/*.sql';
my %rooms;
++$rooms{$_} for map { m{^(src/(?:core|pg)/\w+)/} ? $1 : () } @sources;
my ($longest) = sort { $b->[0] <=> $a->[0] } map { functions_of($_) } grep { /\.cpp$/ } @sources;
my @sizes = sort { $a <=> $b } map { scalar lines_of($_) } @sources, @install;
my ($widest) = sort { $b->[0] <=> $a->[0] } map { my $file = $_; map { [ length, $file ] } lines_of($file) } @install;
my $words = () = join(' ', lines_of('README.md')) =~ /\S+/g;

my @figures = (
    [ 'rooms of src/core', scalar(grep { m{/core/} } keys %rooms) ],
    [ 'rooms of src/pg', scalar(grep { m{/pg/} } keys %rooms) ],
    [ 'lines of src and sql/install', eval { my $sum = 0; $sum += $_ for @sizes; $sum } ],
    [ "longest function, $longest->[1]", $longest->[0], $bound{function} ],
    [ 'median file', $sizes[ @sizes / 2 ], $bound{median} ],
    [ "longest line of SQL, $widest->[1]", $widest->[0], $bound{sql_line} ],
    [ 'words of README.md', $words, $bound{readme} ],
);
for (@figures) {
    my ($what, $value, $most) = @$_;
    printf "%s%s: %d%s\n", defined $most && $value > $most ? 'not ok: ' : '', $what, $value, defined $most ? " (at most $most)" : '';
}
