# upgrade_script.pl [--check]: rewrites the newest upgrade script, between its two marks; or says what would change.
#
# That part makes anew each function, view and comment of sql/install that the version before (test/upgrade) does not have in the same words,
# or whose function or view the script drops before. What else an upgrade does (tables, triggers, data, objects that go) is written by hand,
# before or after it.
use strict;
use warnings;
use FindBin;

chdir "$FindBin::Bin/../..";
my $check = ($ARGV[0] // '') eq '--check';
my ($version) = slurp('coach_sms.control') =~ /^default_version = '(.+)'/m;
my ($upgrade_file) = glob "sql/upgrade/coach_sms--*--$version.sql";
my ($old) = $upgrade_file =~ /--(.+)--/;
my $install = join '', map { slurp($_) } sort glob 'sql/install/*.sql sql/install/*/*.sql';
my ($begin, $end) = ("-- Made by `make upgrade-script`: begin.\n", "-- Made by `make upgrade-script`: end.\n");

sub slurp {
    open my $in, '<', $_[0] or die "cannot read $_[0]: $!\n";
    local $/;
    return scalar <$in>;
}

# The statements of a script, without the comments between them.
sub statements {
    my ($script) = @_;
    my (@statements, $statement);
    $statement = '';
    while ($script =~ /\G(--[^\n]*\n?|\$(\w*)\$.*?\$\2\$|'(?:[^']|'')*'|"[^"]*"|;|\\echo[^\n]*\n|.)/gs) {
        my $token = $1;
        next if $statement !~ /\S/ && $token =~ /^(?:--|\\echo|\s)/;
        $statement .= $token;
        next if $token ne ';';
        push @statements, $statement;
        $statement = '';
    }
    return @statements;
}

sub again {
    my ($statement) = @_;
    return $statement if $statement =~ /^(?:COMMENT ON|REVOKE ALL ON FUNCTION) /;
    return $statement if $statement =~ s/^CREATE FUNCTION /CREATE OR REPLACE FUNCTION /;
    # Parsed and kept, so that it must find PostgreSQL's own functions: see sql/install/00_base/00_header.sql.
    return "SET LOCAL search_path = pg_catalog, pg_temp;\n$statement\nSET LOCAL search_path = \@extschema\@, pg_temp;"
      if $statement =~ s/^CREATE VIEW /CREATE OR REPLACE VIEW /;
    return;
}

# What a statement says: a comment's text may be split into several literals.
sub said {
    my ($statement) = @_;
    $statement =~ s/'\n'|(?<=IS)\s+//g if $statement =~ /^COMMENT ON /;
    return $statement;
}

my %old = map { said($_) => 1 } statements(slurp("test/upgrade/coach_sms--$old.sql"));
my $before = slurp($upgrade_file);
my ($by_hand) = $before =~ /^(.*)^\Q$begin\E/ms;
my $dropped = join '|', map { quotemeta } $by_hand =~ /^DROP (?:FUNCTION|VIEW) (?:coach_sms_internal\.)?(\w+)/mg;
my $made = join '', map { "$_\n" } grep { defined } map { again($_) }
  grep { !$old{said($_)} || ($dropped && /^(?:CREATE|COMMENT|REVOKE) [A-Z ]*(?:(?:\@extschema\@|coach_sms_internal)\.)?(?:$dropped)\b/) } statements($install);
(my $after = $before) =~ s/^\Q$begin\E.*^\Q$end\E/$begin$made$end/ms or die "$upgrade_file lacks its two marks\n";
if ($check) {
    print "$upgrade_file\n" if $after ne $before;
} else {
    open my $out, '>', $upgrade_file or die "cannot write $upgrade_file: $!\n";
    print $out $after;
    close $out or die "cannot write $upgrade_file: $!\n";
}
