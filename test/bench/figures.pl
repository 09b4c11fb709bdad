# figures.pl keep        compares the ratios of build/results/bench.tsv with those of the last run, warns where one fell by more
#                        than noise, and stores them as the last run's
# figures.pl table       writes the last run's figures into doc/performance.md, between the two marks
# Runs of other sizes (BENCH_QUICK) have a last run of their own. It lies beside build/results, which `make test` empties.
use strict;
use warnings;
use FindBin;

chdir "$FindBin::Bin/../..";
my @columns = qw(kind section what ours other ratio low high aim);
my $last = 'build/bench/last' . ($ENV{BENCH_QUICK} ? '_quick' : '') . '.tsv';
my $page = 'doc/performance.md';
my ($begin, $end) = ('<!-- figures of make bench -->', '<!-- end of the figures -->');

sub contents {
    my ($path) = @_;
    open my $file, '<', $path or return '';
    local $/;
    return <$file>;
}

sub store {
    my ($path, $text) = @_;
    open my $file, '>', $path or die "cannot write $path: $!\n";
    print {$file} $text;
    close $file or die "cannot write $path: $!\n";
    return;
}

sub rows {
    my ($path) = @_;
    return map { my %row; @row{@columns} = split /\t/, $_, -1; \%row } split /\n/, contents($path);
}

sub name { my ($row) = @_; return "$row->{section}: $row->{what}"; }

# A ratio fell if no round of this run came up to any round of the last one, and the median lost a tenth.
sub has_fallen { my ($now, $then) = @_; return $now->{high} < $then->{low} && $now->{ratio} < 0.9 * $then->{ratio}; }

# What this run did not measure stays.
sub keep {
    my %row = map { (name($_) => $_) } my @then = rows($last);
    my @now = rows('build/results/bench.tsv');
    for my $now (grep { $_->{kind} eq 'ratio' } @now) {
        my $then = $row{ name($now) } or next;
        printf "fell: %s: %.2f, was %.2f\n", name($now), $now->{ratio}, $then->{ratio} if has_fallen($now, $then);
    }
    my %is_new = map { (name($_) => 1) } @now;
    mkdir 'build/bench';
    store($last, join '', map { join("\t", @$_{@columns}) . "\n" } (grep { !$is_new{ name($_) } } @then), @now);
    return;
}

sub cells {
    my ($row) = @_;
    return [ $row->{what}, $row->{ours}, '', '', $row->{aim} ] if $row->{kind} eq 'note';
    my $ratio = sprintf '%.2f', $row->{ratio};
    $ratio .= sprintf ' (%.2f – %.2f)', @$row{qw(low high)} if $row->{low} != $row->{high};
    return [ $row->{what}, @$row{qw(ours other)}, $ratio, $row->{aim} eq '' ? '' : "≥ $row->{aim}" ];
}

sub table {
    my @rows = rows($last) or die "$last has no figures: run make bench first\n";
    my ($text, $section) = ('', '');
    for my $row (@rows) {
        if ($row->{section} ne $section) {
            $section = $row->{section};
            $text .= "\n| $section | coach_sms | baseline | ratio (spread) | aim |\n|---|---|---|---|---|\n";
        }
        $text .= '| ' . join(' | ', map { s/</&lt;/gr } @{ cells($row) }) . " |\n";
    }
    my $old = contents($page);
    $old =~ s/\Q$begin\E\n.*?\Q$end\E/$begin\n$text\n$end/s or die "$page lacks the marks\n";
    store($page, $old);
    return;
}

my %command = (keep => \&keep, table => \&table);
my $command = $command{ $ARGV[0] // '' } or die "usage: figures.pl keep|table\n";
$command->();
