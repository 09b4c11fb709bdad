# prove.pl KIND GLOB: runs TAP tests and writes the tally of KIND. pg_prove and prove do the same but for counting.
# TESTS chooses files by words in their paths, JOBS runs several at a time, VERBOSE=1 shows each assertion.
use strict;
use warnings;
use File::Path qw(make_path);
use TAP::Harness;

my ($kind, $glob) = @ARGV;
my @wanted = split ' ', $ENV{TESTS} // '';
my @files = sort glob $glob;
if (@wanted) {
    @files = grep { my $file = $_; grep { index($file, $_) >= 0 } @wanted } @files;
}

my ($passed, $failed, $skipped) = (0, 0, 0);
if (@files) {
    my $harness = TAP::Harness->new({
        verbosity => $ENV{VERBOSE} ? 1 : 0,
        jobs      => $ENV{JOBS} || 1,
        timer     => 1,
        failures  => 1,
        sources   => { pgTAP => { suffix => '.sql' } },
    });
    my $results = $harness->runtests(@files);
    for my $file ($results->descriptions) {
        my ($parser) = $results->parsers($file);
        # A skipped test is "ok" to TAP, and has proved nothing. A file skipped as a whole counts as one.
        my @skipped = $parser->skipped;
        $skipped += @skipped || ($parser->skip_all ? 1 : 0);
        $passed += $parser->actual_passed - @skipped;
        # A file that died or broke its plan has failed even if none of its assertions did.
        $failed += $parser->actual_failed || ($parser->has_problems ? 1 : 0);
    }
} else {
    print "$kind: no test", (@wanted ? " has \"@wanted\" in its name" : ''), "\n";
    $failed = 1;
}

$failed += $skipped if ($ENV{CI} // '') eq 'true';    # what a test needs is there, or CI tests less than it says

my $folder = $ENV{COACH_SMS_RESULTS} // 'build/results';
make_path($folder);
open my $tally, '>', "$folder/$kind.tally" or die "cannot write $folder/$kind.tally: $!";
print $tally "$passed $failed $skipped\n";
close $tally or die "cannot write $folder/$kind.tally: $!";
print "$kind: $passed passed, $failed failed", ($skipped ? ", $skipped skipped" : ''), "\n";
exit($failed ? 1 : 0);
