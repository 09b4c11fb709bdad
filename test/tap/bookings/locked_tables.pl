# The application's tables are locked (a migration), and many texts of bookings are due: each waits, and nobody else's does.
use strict;
use warnings;
use Test::More;
use CoachSms::Bookings;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Log;
use CoachSms::Wait qw(wait_until);

my $many = 100;
my $fake = start_fake();
my $node = new_server('main', fake => $fake, clock => 1, conf => short_times(request_timeout => 10_000));
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
BEGIN LOOP BEGIN PERFORM pg_advisory_xact_lock(42); RETURN name; EXCEPTION WHEN query_canceled OR lock_not_available THEN NULL; END; END LOOP; END $$;
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
$holder->query_safe('SELECT pg_advisory_unlock(42)');
$node->advance('2 minutes');
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status = 'sent' AND org_id = '${\ $app->org}'", $many + 1, undef, name => 'once it ends, the text is made and goes');

# The same in the pre-send check, where there are others' texts in the batch: nothing was asked of Twilio for them, and so they go.
$node->safe_psql('postgres', 'SELECT sms_pause()');
my @others = map { $node->enqueue($other, "+6149157012$_", "In the same batch $_") } 1 .. 3;
$app->book($ann, $node->safe_psql('postgres', "SELECT now() + interval '30 hours'"));
# Both orgs' messages were claimed, judged, and put back.
$node->wait_for_sql("SELECT count(*) FROM sms_queue_stat WHERE due > 0 AND held_by ~ 'paused'", 2, undef, name => 'the messages of both orgs wait for the pause');
$holder->query_safe('SELECT pg_advisory_lock(42)');
$sender = $node->sender_pid;
$node->safe_psql('postgres', 'SELECT sms_resume()');
$node->wait_for_sql("SELECT wait_event FROM pg_stat_activity WHERE pid = $sender", 'advisory', undef, name => 'the pre-send check does not end');
is($node->safe_psql('postgres', "SELECT count(*) FROM sms_messages WHERE status = 'sending'"), 4, 'with four messages in hand');
$node->wait_for_sql("SELECT count(*) FROM pg_stat_activity WHERE pid = $sender", 0, undef, name => 'the sender ends');
$node->wait_for_status($_, 'sent') for @others;
is($node->safe_psql('postgres', "SELECT status, attempt_count FROM sms_messages WHERE org_id = '${\ $app->org}' AND status <> 'sent'"), 'queued|0', "the booking's text waits");
is($node->safe_psql('postgres', "SELECT count(*) FROM sms_attempts WHERE status <> 'success'"), 0, 'nothing was ever in doubt');
$holder->query_safe('SELECT pg_advisory_unlock(42)');
$node->advance('3 minutes');
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status = 'sent' AND org_id = '${\ $app->org}'", $many + 2, undef, name => 'until the bookings can be read');
is($fake->count(to => "+6149157012$_"), 1, 'each went once') for 1 .. 3;

# A sender that gets SIGTERM while it reads bookings ends at once: it does not call them slow, nor what it has not read unreadable.
$node->safe_psql('postgres', <<'SQL');
SET ROLE coach_app;
CREATE OR REPLACE FUNCTION stuck(name text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(42); RETURN name; END $$;
SQL
$holder->query_safe('SELECT pg_advisory_lock(42)');
$node->safe_psql('postgres', "SET session_replication_role = replica; INSERT INTO bookings (org_id, client_id, start_time, end_time)
  VALUES ('${\ $app->org}', '$ann', now() + interval '20 hours', now() + interval '21 hours')");
my $mark = log_mark($node);
$sender = $node->sender_pid;
$node->advance('2 minutes');
$node->wait_for_sql("SELECT wait_event FROM pg_stat_activity WHERE pid = $sender", 'advisory', undef, name => 'it reads bookings');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($sender)");
$node->wait_for_sql("SELECT count(*) FROM pg_stat_activity WHERE pid = $sender", 0, undef, name => 'and ends at SIGTERM');
is($node->safe_psql('postgres', "SELECT count(*) FROM sms_booking_texts WHERE reason = 'unreadable'"), 0, 'no booking is called unreadable');
my $log = join '', log_lines($node, $mark);
unlike($log, qr/took longer|statement timeout/, 'nor slow');
like($log, qr/canceling statement due to user request/, 'it was cancelled');
$holder->quit;
$node->safe_psql('postgres', 'DO $$ BEGIN PERFORM sms_detach_bookings(); END $$');

# Where our own table is locked, what came back cannot be recorded: sms_health says so, and all is well again by itself.
my $id = $node->enqueue($other, '+61491570110', 'Hello [fake:delay=1000]');
$fake->wait_for(open => 1);
my $index = $node->background_psql('postgres', on_error_stop => 1);
$index->query_safe('BEGIN; LOCK TABLE sms_messages IN SHARE MODE');
# Two minutes pass once the answer is on its way back: a request that was still open would be given up.
ok(wait_until(sub { grep { $_->{end} eq 'answered' } $fake->requests(to => '+61491570110') }), 'Twilio has answered');
$node->advance('2 minutes');
$node->wait_for_sql("SELECT NOT ok AND problem LIKE 'results of requests cannot be recorded%' FROM sms_health", 't', undef, name => 'sms_health reports results that cannot be recorded');
is($node->safe_psql('postgres', "SELECT problem LIKE 'results of requests cannot be recorded%' FROM sms_doctor() WHERE check_name = 'sender'"), 't', 'and so does sms_doctor');
$index->query_safe('COMMIT');
$index->quit;
$node->wait_for_status($id, 'sent');
$node->wait_for_sql('SELECT ok FROM sms_health', 't', undef, name => 'then all is well again');
is($fake->count(to => '+61491570110'), 1, 'and it went once');
done_testing();
