# reference.pl: prints doc/reference.md for the server that PGHOST and its like name: every public function, view, table
# and setting with its comment, and every SQLSTATE of src/pg/base. Public is a member of the extension in the extension's
# own schema. Fails with a list where one of them says nothing of itself.
# test/tap/docs/reference.pl runs it.
use strict;
use warnings;

# Rows of a query on which the views below are in place; each row is a hash by column.
sub rows {
    my ($query) = @_;
    open my $psql, '-|', 'psql', '-XAtq', '-F', "\x1f", '-R', "\x1e", '-v', 'ON_ERROR_STOP=1', '-c', set_up(), '-c', $query->{sql}, '-c', 'ROLLBACK'
      or die "cannot start psql: $!";
    local $/;
    my $text = <$psql>;
    close $psql or die "psql failed\n";
    chomp $text;
    return map { my %row; @row{ @{ $query->{columns} } } = map { s/\n+\z//r } split /\x1f/, $_, -1; \%row } split /\x1e/, $text;
}

# A role of each kind, and the public members of the extension. Nothing of it is committed.
sub set_up {
    return <<'SQL';
BEGIN;
SET LOCAL client_min_messages = error;
CREATE ROLE tenant; CREATE ROLE service; CREATE ROLE operator; CREATE ROLE monitor;
DO $$ BEGIN
  PERFORM sms_grant_tenant('tenant'); PERFORM sms_grant_service('service');
  PERFORM sms_grant_operator('operator'); PERFORM sms_grant_monitor('monitor');
END $$;
CREATE TEMPORARY VIEW kinds AS SELECT * FROM unnest('{tenant,service,operator,monitor}'::text[]) WITH ORDINALITY k (role, nth);
CREATE TEMPORARY VIEW members AS
  SELECT d.classid, d.objid, e.extnamespace, obj_description(d.objid, (SELECT relname FROM pg_class WHERE oid = d.classid)) AS comment
    FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
   WHERE e.extname = 'coach_sms' AND d.deptype = 'e';
CREATE TEMPORARY VIEW public_functions AS
  SELECT p.*, m.comment FROM pg_proc p JOIN members m ON m.objid = p.oid AND m.classid = 'pg_proc'::regclass
   WHERE p.pronamespace = m.extnamespace;
CREATE TEMPORARY VIEW public_relations AS
  SELECT c.*, m.comment FROM pg_class c JOIN members m ON m.objid = c.oid AND m.classid = 'pg_class'::regclass
   WHERE c.relnamespace = m.extnamespace AND c.relkind IN ('r', 'v');
SQL
}

my @functions = rows({ columns => [qw(name arguments results result comment callers)], sql => <<'SQL' });
SELECT p.proname, string_agg(a.shown, ', ' ORDER BY a.nth) FILTER (WHERE a.is_input), string_agg(a.shown, ', ' ORDER BY a.nth) FILTER (WHERE NOT a.is_input),
       CASE WHEN p.proretset THEN 'setof ' ELSE '' END || format_type(p.prorettype, NULL), p.comment,
       (SELECT string_agg(role, ', ' ORDER BY nth) FROM kinds WHERE has_function_privilege(role, p.oid, 'EXECUTE'))
  FROM public_functions p LEFT JOIN LATERAL (
    SELECT nth, mode = 'i' AS is_input,
           concat_ws(' ', proargnames[nth], format_type(type, NULL),
             'DEFAULT ' || nullif(pg_get_function_arg_default(p.oid, nth::integer), '')) AS shown
      FROM (SELECT nth, type, coalesce(p.proargmodes[nth], 'i') AS mode
              FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY t (type, nth)) t) a ON true
 GROUP BY p.oid, p.proname, p.proretset, p.prorettype, p.comment ORDER BY p.proname COLLATE "C"
SQL

my @relations = rows({ columns => [qw(name kind comment readers writers)], sql => <<'SQL' });
SELECT relname, relkind, comment,
       (SELECT string_agg(role, ', ' ORDER BY nth) FROM kinds WHERE has_any_column_privilege(role, r.oid, 'SELECT')),
       (SELECT string_agg(role, ', ' ORDER BY nth) FROM kinds WHERE has_any_column_privilege(role, r.oid, 'INSERT, UPDATE'))
  FROM public_relations r ORDER BY relname COLLATE "C"
SQL

my @columns = rows({ columns => [qw(relation name type default comment)], sql => <<'SQL' });
SELECT r.relname, a.attname, format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END,
       pg_get_expr(d.adbin, d.adrelid), col_description(r.oid, a.attnum)
  FROM public_relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 ORDER BY r.relname COLLATE "C", a.attnum
SQL

# The tests' build has one more, which is no setting of a server that is released.
my @settings = rows({ columns => [qw(name unit default min max choices context comment)], sql => <<'SQL' });
SELECT name, unit, boot_val, min_val, max_val, array_to_string(enumvals, ', '), context, concat_ws(' ', short_desc, extra_desc) FROM pg_settings
 WHERE name LIKE 'coach_sms.%' AND name <> 'coach_sms.failpoint' ORDER BY name COLLATE "C"
SQL

# A constant's meaning stands behind it, or in the lines above it.
sub sqlstates {
    my @found;
    for my $header (sort glob 'src/pg/base/*.hpp') {
        open my $lines, '<', $header or die "cannot read $header: $!";
        my @above;
        while (<$lines>) {
            if (m{^\s*//\s*(.*?)\s*$}) {
                push @above, $1;
            } elsif (m{\bk(\w+)\s*=\s*MAKE_SQLSTATE\(([^)]*)\)\s*[;,]\s*(?://\s*(.*?)\s*)?$}) {
                my ($constant, $letters, $behind) = ($1, $2, $3);
                my $code = join '', $letters =~ /'(.)'/g;
                (my $condition = lcfirst $constant) =~ s/([A-Z])/_\l$1/g;
                push @found, { name => $code, condition => $condition, comment => ($behind // join(' ', @above)) =~ s/^$code:? //r };
                @above = ();
            } else {
                @above = ();
            }
        }
    }
    return sort { $a->{name} cmp $b->{name} } @found;
}

# PostgreSQL's longest type names, and casts of defaults, which its releases write in different ways.
sub short {
    my ($text) = @_;
    $text =~ s/'::[a-z]+(?: (?:with|without) time zone| varying)?(?:\[\])?/'/g;
    $text =~ s/\bNULL::[a-z]+(?: (?:with|without) time zone| varying)?(?:\[\])?/NULL/g;
    $text =~ s/\btimestamp with time zone\b/timestamptz/g;
    return $text;
}

sub prose { my ($text) = @_; return $text =~ s/\s*\n\s*/ /gr =~ s/([*<|])/\\$1/gr; }
sub code { my ($text) = @_; return $text eq '' ? '' : '`' . short($text) =~ s/\|/\\|/gr . '`'; }
sub table_row { return '| ' . join(' | ', @_) =~ s/  +/ /gr . " |\n"; }

# 600000 ms as PostgreSQL shows it: 10min.
sub length_of_time {
    my ($number, $unit) = @_;
    my @steps = ([ 'ms', 1000 ], [ 's', 60 ], [ 'min', 60 ], [ 'h', 24 ], [ 'd', 1 << 30 ]);
    shift @steps while @steps && $steps[0][0] ne $unit;
    return "$number$unit" if !@steps || $number == 0;
    ($number, $unit) = ($number / $steps[0][1], $steps[1][0]), shift @steps while $number % $steps[0][1] == 0;
    return "$number$unit";
}

# A number of the setting, with its unit.
sub value_of {
    my ($setting, $value) = @_;
    return $value if $setting->{unit} eq '' || $value eq '';
    return length_of_time($value, $setting->{unit});
}

# The smallest and the largest number, or an enum's values.
sub range {
    my ($setting) = @_;
    return join ' to ', map { code(value_of($setting, $_)) } $setting->{min}, $setting->{max} if $setting->{min} ne '';
    return code($setting->{choices});
}

sub signature {
    my ($function) = @_;
    my $result = $function->{results} eq '' ? $function->{result} : ($function->{result} =~ /^setof/ ? 'setof ' : '') . "($function->{results})";
    return code("$function->{name}($function->{arguments}) returns $result");
}

my @sqlstates = sqlstates();
my @silent = (
    (map { "function $_->{name}" } grep { $_->{comment} eq '' } @functions),
    (map { ($_->{kind} eq 'v' ? 'view' : 'table') . " $_->{name}" } grep { $_->{comment} eq '' } @relations),
    (map { "column $_->{relation}.$_->{name}" } grep { $_->{comment} eq '' } @columns),
    (map { "setting $_->{name}" } grep { $_->{comment} eq '' } @settings),
    (map { "SQLSTATE $_->{name}" } grep { $_->{comment} eq '' } @sqlstates));
die map { "no comment: $_\n" } @silent if @silent;

print <<'TEXT';
# Reference

Every public function, view, table, setting and SQLSTATE. `make reference` writes this page from the comments in the database and
the source: change those, and not this page.

A superuser may call and read all. The other kinds of role get their rights from `sms_grant_tenant`, `sms_grant_service`,
`sms_grant_operator` and `sms_grant_monitor`. A tenant sees the rows of its own orgs only.

[Functions](#functions) · [Views](#views) · [Tables](#tables) · [Settings](#settings) · [SQLSTATEs](#sqlstates)

## Functions
TEXT
print "\n", join(' · ', map { "[$_->{name}](#$_->{name})" } @functions), "\n";
for (@functions) {
    print "\n### $_->{name}\n\n", signature($_), "\n\n", prose($_->{comment}), "\n\nMay call: ", $_->{callers} || 'superusers', ".\n";
}

for my $kind (['v', 'Views'], ['r', 'Tables']) {
    print "\n## $kind->[1]\n";
    for my $relation (grep { $_->{kind} eq $kind->[0] } @relations) {
        my $rights = 'May read: ' . ($relation->{readers} || 'superusers') . '.';
        $rights .= " May write: $relation->{writers}." if $relation->{writers};
        print "\n### $relation->{name}\n\n", prose($relation->{comment}), "\n\n$rights\n\n";
        my @own = grep { $_->{relation} eq $relation->{name} } @columns;
        if ($relation->{kind} eq 'r') {
            print table_row(qw(column type default meaning)), "|---|---|---|---|\n",
              map { table_row(code($_->{name}), short($_->{type}), code($_->{default}), prose($_->{comment})) } @own;
        } else {
            print table_row(qw(column type meaning)), "|---|---|---|\n",
              map { table_row(code($_->{name}), short($_->{type}), prose($_->{comment})) } @own;
        }
    }
}

print "\n## Settings\n\nA setting of context `sighup` is read again at `SELECT pg_reload_conf();`. One of context `superuser` may also be set for a\n",
  "database, a role or a session. The column `unit` has the unit of a bare number.\n\n", table_row(qw(setting default range unit context meaning)), "|---|---|---|---|---|---|\n",
  map { table_row(code($_->{name}), code(value_of($_, $_->{default})), range($_), $_->{unit}, $_->{context}, prose($_->{comment})) } @settings;

print "\n## SQLSTATEs\n\n", table_row('SQLSTATE', 'condition', 'meaning'), "|---|---|---|\n",
  map { table_row($_->{name}, code($_->{condition}), prose($_->{comment})) } @sqlstates;
