# A dump of a database of 0.1.0, restored under this version: its triggers on the application's tables are there, and work.
use strict;
use warnings;
use File::Copy qw(copy);
use Test::More;
use CoachSms::Bookings;
use CoachSms::Cluster;
use CoachSms::Fake;
use CoachSms::Program;

my $fake = start_fake();
my $node = new_server('main', fake => $fake, extension => 0);
chomp(my $folder = `pg_config --sharedir`);
copy('test/upgrade/coach_sms--0.1.0.sql', "$folder/extension") or die "cannot copy to $folder: $!";
$node->safe_psql('postgres', q{CREATE EXTENSION coach_sms VERSION '0.1.0'});
$node->safe_psql('postgres', 'SELECT sms_create_key(' . sql_quote($node->key_file) . ')');
my $app = attach_app($node);
my $client = $app->client('Ann Lee', '0491 570 006');

my $triggers = q{SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger WHERE tgname LIKE 'coach_sms_%' ORDER BY 1, 2};
my $before = $node->safe_psql('postgres', $triggers);
is(scalar(split /\n/, $before), 6, 'the tables have triggers');

local @ENV{qw(PGHOST PGPORT)} = ($node->host, $node->port);
my $dir = PostgreSQL::Test::Utils::tempdir();
my (undef, $dump_error) = run_program('pg_dump', '-f', "$dir/dump", 'postgres');
is($dump_error, '', 'it is dumped');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
my (undef, $log) = run_program('psql', '-Xq', '-d', 'restored', '-f', "$dir/dump");
my @errors = grep { !/function public\.\w+\(.*\) does not exist/ } $log =~ /ERROR:.*/g;
is_deeply(\@errors, [], 'the restore fails with grants on internal functions alone') or diag($log);
isnt($node->safe_psql('restored', q{SELECT extversion FROM pg_extension WHERE extname = 'coach_sms'}), '0.1.0', 'the copy has this version');
is($node->safe_psql('restored', $triggers), $before, 'and the same triggers');

$node->safe_psql('restored', 'SELECT sms_go_sandbox()');
$node->safe_psql('restored', "SET ROLE coach_app; INSERT INTO bookings (org_id, client_id, start_time, end_time)
  VALUES ('" . $app->org . "', '$client', now() + interval '2 days', now() + interval '49 hours')");
$node->wait_for_sql('SELECT to_phone, status FROM sms_messages', '+61491570006|delivered', undef, db => 'restored', name => 'a booking is confirmed');
$node->safe_psql('restored', 'SELECT sms_detach_bookings()');
is($node->safe_psql('restored', $triggers), '', 'detaching takes them off');

done_testing();
