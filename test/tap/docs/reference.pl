# doc/reference.md is what the database and the source say of themselves, and every public object says something.
# With COACH_SMS_WRITE=1, as `make reference` runs it, it only writes the page into the results.
use strict;
use warnings;
use PostgreSQL::Test::Utils qw(append_to_file run_command slurp_file);
use Test::More;
use CoachSms::Cluster;

my $node = new_server('main', conf => "coach_sms.databases = ''");
local @ENV{qw(PGHOST PGPORT PGDATABASE)} = ($node->host, $node->port, 'postgres');
my ($page, $error) = run_command([ $^X, 'test/tools/reference.pl' ]);
is($error, '', 'every public object has a comment');
append_to_file("$ENV{COACH_SMS_RESULTS}/reference.md", "$page\n");
is("$page\n", slurp_file('doc/reference.md'), 'doc/reference.md is as the source has it; if not, run: make reference') unless $ENV{COACH_SMS_WRITE};

$node->safe_psql('postgres', q(COMMENT ON FUNCTION sms_why(uuid) IS NULL; COMMENT ON COLUMN sms_health.ok IS NULL));
(undef, $error) = run_command([ $^X, 'test/tools/reference.pl' ]);
is($error, "no comment: function sms_why\nno comment: column sms_health.ok", 'one without a comment is named');
done_testing();
