# The application's tables are locked (a migration), and many texts of bookings are due: each waits, and nobody else's does.
use strict;
use warnings;
use Test::More;
use CoachSms::Bookings;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $many = 100;
my $fake = start_fake();
my $node = new_server('main', fake => $fake, clock => 1, conf => short_times());
$node->go_live;
my $app = attach_app($node);
my $other = $node->make_org;
my $ann = $app->client('Ann Lee', '0491 570 006');
$node->safe_psql('postgres', 'SELECT sms_pause()');
$app->sql("INSERT INTO bookings (org_id, client_id, start_time, end_time)
  SELECT '${\ $app->org}', '$ann', now() + n * interval '1 day', now() + n * interval '25 hours' FROM generate_series(2, $many + 1) n");
my $migration = $node->background_psql('postgres', on_error_stop => 1);
$migration->query_safe('BEGIN; LOCK TABLE clients');
$node->safe_psql('postgres', 'SELECT sms_resume()');
$node->wait_for_sql("SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'coach_sms sender' AND wait_event_type = 'Lock'", 't', undef, name => 'the sender waits for the table');
$node->wait_for_status($node->enqueue($other, '+61491570007', 'Hello'), 'sent', undef, name => "another org's text goes meanwhile");
is($fake->count(to => '+61491570006'), 0, 'those of the bookings do not');
$migration->query_safe('COMMIT');
$migration->quit;
$node->advance('2 minutes');
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status = 'sent' AND org_id = '${\ $app->org}'", $many, undef, name => 'and then they go');
is_deeply([ $fake->duplicates ], [], 'each once');

# Code of the application's that will not end, and catches whatever would end it: the sender's process ends instead, and another
# goes on with what is everybody's. (The trigger would run that code in the application's own session.)
$node->safe_psql('postgres', <<'SQL');
SET ROLE coach_app;
CREATE FUNCTION stuck(name text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN LOOP BEGIN PERFORM pg_advisory_xact_lock(42); EXCEPTION WHEN query_canceled OR lock_not_available THEN NULL; END; END LOOP; END $$;
CREATE VIEW stuck_clients AS SELECT id, org_id, stuck(full_name) AS full_name, phone FROM clients;
RESET ROLE;
DO $$ BEGIN PERFORM sms_attach_bookings('bookings', 'stuck_clients', 'orgs'); END $$;
SQL
my $holder = $node->background_psql('postgres', on_error_stop => 1);
$holder->query_safe('SELECT pg_advisory_lock(42)');
my $sender = $node->sender_pid;
$node->safe_psql('postgres', "SET session_replication_role = replica; INSERT INTO bookings (org_id, client_id, start_time, end_time)
  VALUES ('${\ $app->org}', '$ann', now() + interval '20 hours', now() + interval '21 hours')");
$node->advance('2 minutes');
$node->wait_for_sql("SELECT wait_event FROM pg_stat_activity WHERE pid = $sender", 'advisory', undef, name => "the application's code does not end");
$node->wait_for_sql("SELECT count(*) FROM pg_stat_activity WHERE pid = $sender", 0, undef, name => 'the sender ends');
$node->wait_for_status($node->enqueue($other, '+61491570112', 'Hello again'), 'sent', undef, name => 'and another one sends');
$sender = $node->sender_pid;
$node->wait_for_sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'coach_sms sender' AND wait_event = 'advisory'", 1, undef, name => 'it comes there too');
$node->safe_psql('postgres', "DO \$\$ BEGIN PERFORM sms_detach_bookings(), pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'coach_sms sender'; END \$\$");
$node->wait_for_sql("SELECT count(*) FROM pg_stat_activity WHERE pid = $sender", 0, undef, name => 'and ends when it is told to');
$holder->quit;

# Where our own table is locked, what came back cannot be recorded: sms_health says so, and all is well again by itself.
my $id = $node->enqueue($other, '+61491570110', 'Hello [fake:delay=1000]');
$fake->wait_for(open => 1);
my $index = $node->background_psql('postgres', on_error_stop => 1);
$index->query_safe('BEGIN; LOCK TABLE sms_messages IN SHARE MODE');
$node->advance('2 minutes');
$node->wait_for_sql("SELECT NOT ok AND problem LIKE 'results of requests cannot be recorded%' FROM sms_health", 't', undef, name => 'sms_health tells of results that cannot be recorded');
is($node->safe_psql('postgres', "SELECT problem LIKE 'results of requests cannot be recorded%' FROM sms_doctor() WHERE check_name = 'sender'"), 't', 'and so does sms_doctor');
$index->query_safe('COMMIT');
$index->quit;
$node->wait_for_status($id, 'sent');
$node->wait_for_sql('SELECT ok FROM sms_health', 't', undef, name => 'then all is well again');
is($fake->count(to => '+61491570110'), 1, 'and it went once');
done_testing();
