# A running sender: what a reload changes, where it is seen, and what autovacuum learns from it.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Fake;
use CoachSms::Log;

my $fake = start_fake();
my $node = new_server('main', fake => $fake, conf => "coach_sms.max_in_flight = 2
coach_sms.public_url = 'https://app.example/twilio'
autovacuum_naptime = '1s'");
$node->go_live;
my $org = $node->make_org;

sub set {
    my ($name, $value) = @_;
    $node->append_conf('postgresql.conf', "coach_sms.$name = '$value'");
    $node->reload;
    return;
}

# Seen from outside.

my $pid = $node->sender_pid;
$node->wait_for_sql("SELECT application_name, state, wait_event_type, xact_start IS NULL, backend_xmin IS NULL, query
                       FROM pg_stat_activity WHERE pid = $pid",
    'coach_sms sender ' . $node->safe_psql('postgres', 'SELECT sms_library_version()') . '|idle|Extension|t|t|waiting', undef, name => 'pg_stat_activity shows a sender that waits');
is($node->safe_psql('postgres', "SELECT database, pid, state, last_error FROM sms_worker_stat"), "postgres|$pid|live|", 'so does sms_worker_stat');
is($node->safe_psql('postgres', 'SELECT mode, sender_pid, sender_state, ok, problem FROM sms_health'), "live|$pid|live|t|", 'and sms_health');
is($node->safe_psql('postgres', "SELECT string_agg(check_name, ',') FROM sms_doctor() WHERE NOT ok"), '', 'sms_doctor finds nothing');

# max_in_flight: not one request more than it says. Nothing is answered before the test allows it.

$fake->post('default', marker => 'stall-before');
$node->safe_psql('postgres', "SELECT sms_enqueue('$org', to_phone => '+6149157011' || n, body => 'text ' || n) FROM generate_series(0, 5) n");
$fake->wait_for(open => 2);
is($node->safe_psql('postgres', 'SELECT waiting, in_flight FROM sms_queue_stat'), '4|2', 'max_in_flight = 2: four wait');
is($node->safe_psql('postgres', "SELECT state, query, xact_start IS NULL, backend_xmin IS NULL FROM pg_stat_activity WHERE pid = $pid"),
    'idle|sending|t|t', 'no transaction is open while requests are under way');
set(max_in_flight => 4);
$fake->wait_for(open => 4);
is($node->safe_psql('postgres', 'SELECT waiting, in_flight FROM sms_queue_stat'), '2|4', 'reloaded with 4: two wait');
$fake->post('default', marker => '');
$fake->post('release');
$fake->wait_accepted(6);
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status = 'sent'", '6');

# Another URL, from the next request on.

my $other = start_fake(https => 0);
set(twilio_api_url => $other->url);
$node->wait_for_status($node->enqueue($org, '+61491570119', 'elsewhere'), 'sent');
is($other->count, 1, 'reloaded with another twilio_api_url, it goes there');
is($fake->count, 6, 'and to the first no more');

# Impossible values are refused, and the server goes on with the last good one.

my $mark = log_mark($node);
set(twilio_api_url => 'http://203.0.113.1');
set(max_in_flight => 0);
wait_for_log_line($node, $mark, qr/0 is outside the valid range for parameter "coach_sms.max_in_flight"/, 'a wrong number is logged');
$node->wait_for_status($node->enqueue($org, '+61491570119', 'still there'), 'sent');
is($other->count, 2, 'a URL that tokens must not travel to is refused');
set(twilio_api_url => $other->url);
set(max_in_flight => 4);

# coach_sms.databases

$node->safe_psql('postgres', 'CREATE DATABASE second');
$node->create_extension('second');
my $second = $node->make_org(db => 'second');
$node->sender_pid('second');
set(databases => 'second');
$node->wait_for_sql("SELECT string_agg(datname, ',') FROM pg_stat_activity WHERE backend_type = 'coach_sms sender'", 'second', undef,
    name => 'reloaded with databases = second, only that one has a sender');
my $waits = $node->enqueue($org, '+61491570119', 'waits');
$node->wait_for_status($node->enqueue($second, '+61491570119', 'goes', db => 'second'), 'delivered', undef, db => 'second');
is($node->safe_psql('postgres', "SELECT status FROM sms_messages WHERE id = '$waits'"), 'queued', 'messages of another wait');
like($node->safe_psql('postgres', "SELECT problem || ': ' || what_to_do FROM sms_doctor() WHERE check_name = 'sender'"),
    qr/^no sender runs for this database.*coach_sms\.databases \(now 'second'\) must name this database/, 'sms_doctor says why');
is($node->safe_psql('postgres', 'SELECT ok FROM sms_health'), 'f', 'sms_health sees that nobody sends');
set(databases => '*');
$node->wait_for_status($waits, 'sent');

# Statistics reach the server while the sender lives, and autovacuum does its work.

$node->safe_psql('postgres', 'ALTER TABLE coach_sms_internal.sms_queue SET (autovacuum_vacuum_threshold = 100);
    ALTER TABLE sms_attempts SET (autovacuum_analyze_threshold = 100, autovacuum_analyze_scale_factor = 0)');
my $before = $node->safe_psql('postgres', "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'sms_attempts'");
$node->safe_psql('postgres', "SELECT count(sms_enqueue('$org', to_phone => '+61491570110', body => 'bulk ' || n)) FROM generate_series(1, 200) n");
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status = 'sent'", '209');
$node->wait_for_sql("SELECT n_tup_ins - $before >= 200 FROM pg_stat_user_tables WHERE relname = 'sms_attempts'", 't', undef,
    name => 'the attempts that the sender wrote are counted');
$node->wait_for_sql("SELECT n_tup_del >= 200 AND n_tup_upd = 0 FROM pg_stat_user_tables WHERE relname = 'sms_queue'", 't', undef,
    name => 'and what it took out of the queue');
$node->wait_for_sql("SELECT autovacuum_count > 0 FROM pg_stat_user_tables WHERE relname = 'sms_queue'", 't', undef, name => 'autovacuum comes to the queue');
$node->wait_for_sql("SELECT autoanalyze_count > 0 FROM pg_stat_user_tables WHERE relname = 'sms_attempts'", 't', undef, name => 'and autoanalyze to the attempts');

done_testing();
