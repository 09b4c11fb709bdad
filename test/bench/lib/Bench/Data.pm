# What the databases hold: the org, a template, tables shaped like ours for plain INSERTs, and in `full` a million
# messages of the past, of a thousand orgs, and those of the one that wait for tomorrow.
package Bench::Data;
use strict;
use warnings;

use Exporter 'import';
use Bench::Fake;
use Bench::Server;
use Bench::Size qw(size);

our @EXPORT_OK = qw(add_org add_waiting_orgs forget_waiting_orgs make_dead_rows create_databases empty empty_plain forget_queued bulk_enqueue batch_enqueue bulk_insert stored_org enqueue_script insert_script);

my $org = $Bench::Server::org;
my $variables = q({"name": "Alex", "date": "Tuesday 12 May", "time": "9:30 am"});
my $text = 'Hi {{name}}, your session on {{date}} at {{time}} is confirmed. Reply STOP to opt out.';
my $rendered = 'Hi Alex, your session on Tuesday 12 May at 9:30 am is confirmed. Reply STOP to opt out.';
my $digest = q(\x) . "0a" x 32;

# The orgs of the past.
sub stored_org { my ($number) = @_; return sprintf '0b000000-0000-4000-8000-%012x', $number }

sub phone { my ($number) = @_; return "'+614' || lpad(($number)::text, 8, '0')"; }

# A booking confirmation with all that an application gives, so that all five indexes get their entry.
sub enqueue_call {
    my ($phone) = @_;
    return "sms_enqueue('$org', client_id => gen_random_uuid(), to_phone => $phone, template_key => 'booking_confirmation',"
      . " variables => '$variables', related_entity_type => 'booking', related_entity_id => gen_random_uuid(),"
      . " idempotency_key => gen_random_uuid()::text)";
}

# The same rows as sms_enqueue's, given ready-made, in one statement too.
sub plain_insert {
    my ($phone, $source) = @_;
    return <<"SQL";
WITH message AS (
  INSERT INTO plain_messages (org_id, client_id, to_phone, template_id, template_key, body, variables, related_entity_type,
    related_entity_id, idempotency_key, payload_hash, segments, encoding, sandbox)
  SELECT '$org', gen_random_uuid(), $phone, '$org', 'booking_confirmation', '$rendered', '$variables', 'booking',
    gen_random_uuid(), gen_random_uuid()::text, '$digest', 1, 'GSM-7', false $source
  RETURNING id, org_id, priority)
INSERT INTO plain_queue (message_id, org_id, priority, due_at) SELECT id, org_id, priority, now() FROM message
SQL
}

sub enqueue_script { return "\\set n random(0, 99999999)\nSELECT " . enqueue_call(phone(':n')) . ";\n"; }
sub insert_script { return "\\set n random(0, 99999999)\n" . (plain_insert(phone(':n'), '') =~ s/\n/ /gr) . ";\n"; }
sub bulk_enqueue { my ($count) = @_; return 'SELECT count(' . enqueue_call(phone('n')) . ") FROM generate_series(1, $count) n"; }
sub bulk_insert { my ($count) = @_; return plain_insert(phone('n'), "FROM generate_series(1, $count) n"); }

# The arrays are made beforehand: bench_batches. A row that is refused ends it, by a division by zero.
sub batch_enqueue {
    return q{SELECT 1 / (count(b.error_code) = 0)::int FROM bench_batches, LATERAL sms_enqueue_batch(messages) b};
}

sub create_databases {
    my ($server) = @_;
    $server->sql('postgres', 'CREATE ROLE app LOGIN', 'CREATE DATABASE fresh', 'CREATE DATABASE "full"');
    for my $db (qw(fresh full)) {
        $server->sql($db, 'CREATE EXTENSION coach_sms');
        $server->sql($db, "SELECT sms_create_key('$server->{settings}{'coach_sms.key_file'}')") if $db eq 'fresh';
        create_org($server, $db);
        create_plain_tables($server, $db);
    }
    fill($server);
    return;
}

sub create_org {
    my ($server, $db) = @_;
    $server->sql($db, 'SELECT FROM sms_go_live()', "SELECT sms_grant_service('app')");
    add_org($server, $db, $org);
    $server->sql($db,
        "INSERT INTO sms_templates (org_id, template_key, body) VALUES ('$org', 'booking_confirmation', '$text')",
        'CREATE SEQUENCE bench_numbers', 'GRANT USAGE ON bench_numbers TO app');
    return;
}

# All limits as they are by default, except the messages an hour.
sub add_org {
    my ($server, $db, $id) = @_;
    $server->sql($db, "INSERT INTO sms_settings (org_id, twilio_account_sid, twilio_auth_token_encrypted, twilio_messaging_service_sid,
           max_sms_per_hour, quiet_hours_start, quiet_hours_end, timezone)
         VALUES ('$id', '$Bench::Fake::account', '$Bench::Fake::token', 'MG' || repeat('0a', 16), NULL, 0, 0, 'UTC')");
    return;
}

# Orgs with the server's route, each with a message for tomorrow.
sub add_waiting_orgs {
    my ($server, $db, $count) = @_;
    my $one = "('0c000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid";
    $server->sql($db, "INSERT INTO sms_settings (org_id, timezone) SELECT $one, 'UTC' FROM generate_series(1, $count) n",
        'SET session_replication_role = replica',
        "INSERT INTO sms_messages (id, org_id, to_phone, body, segments, encoding, sandbox, status, scheduled_for)
         SELECT sms_uuidv7(), $one, '+61491570006', 'Hi Alex', 1, 'GSM-7', false, 'pending', now() + interval '1 day'
           FROM generate_series(1, $count) n",
        "INSERT INTO coach_sms_internal.sms_queue (message_id, org_id, priority, due_at)
         SELECT id, org_id, priority, scheduled_for FROM sms_messages WHERE status = 'pending'",
        'ANALYZE');
    return;
}

sub forget_waiting_orgs {
    my ($server, $db) = @_;
    empty($server, $db);
    $server->sql($db, "DELETE FROM sms_settings WHERE org_id::text LIKE '0c000000-%'");
    return;
}

# Rows of the org's lane and of claims that one transaction writes and deletes: a claim's index scan meets them first.
sub make_dead_rows {
    my ($server) = @_;
    my $rows = size('dead');
    $server->sql('fresh', "INSERT INTO coach_sms_internal.sms_queue (message_id, org_id, priority, due_at)
           SELECT gen_random_uuid(), '$org', column_default::smallint, now() - interval '1 hour' + n * interval '1 ms'
             FROM generate_series(1, $rows) n, information_schema.columns
            WHERE table_name = 'sms_messages' AND column_name = 'priority';
         DELETE FROM coach_sms_internal.sms_queue;
         INSERT INTO coach_sms_internal.sms_in_flight (message_id, org_id, fence, attempt_number, failures, priority, claimed_at,
             lease_until, client_key, segments)
           SELECT gen_random_uuid(), '$org', n, 1, 0, 1, now(), now(), n::text, 1 FROM generate_series(1, $rows) n;
         DELETE FROM coach_sms_internal.sms_in_flight");
    return;
}

# LIKE copies columns, defaults, checks and indexes, but not the fillfactor.
sub create_plain_tables {
    my ($server, $db) = @_;
    for my $table (qw(sms_messages coach_sms_internal.sms_queue sms_events)) {
        my ($name) = $table =~ /sms_(\w+)$/;
        $server->sql($db, "CREATE TABLE plain_$name (LIKE $table INCLUDING ALL)", "GRANT ALL ON plain_$name TO app");
        my $options = $server->sql($db, "SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE oid = '$table'::regclass");
        $server->sql($db, "ALTER TABLE plain_$name SET ($options)") if $options ne '';
    }
    my ($bulk, $batch, $phone) = (size('bulk'), size('batch'), phone('n'));
    $server->sql($db, "CREATE TABLE bench_batches AS
        SELECT jsonb_agg(jsonb_build_object('org_id', '$org', 'client_id', gen_random_uuid(), 'to_phone', $phone,
            'template_key', 'booking_confirmation', 'variables', '$variables'::jsonb, 'related_entity_type', 'booking',
            'related_entity_id', gen_random_uuid()) || jsonb_build_object('idempotency_key', gen_random_uuid())) AS messages
          FROM generate_series(1, $bulk) n GROUP BY n / $batch");
    return;
}

# An id of version 7 of that time.
sub id_of {
    my ($time) = @_;
    return "overlay(overlay(lpad(to_hex((extract(epoch FROM $time) * 1000)::bigint), 12, '0') || md5(random()::text)"
      . " PLACING '7' FROM 13) PLACING '8' FROM 17)::varchar(32)::uuid";
}

# The triggers on the tables would refuse messages that are delivered already.
sub fill {
    my ($server) = @_;
    my ($stored, $waiting, $phone) = (size('stored'), size('waiting'), phone('n'));
    my $orgs = size('orgs');
    my $past_org = "('0b000000-0000-4000-8000-' || lpad(to_hex(n % $orgs), 12, '0'))::uuid";
    my $columns = 'id, org_id, client_id, to_phone, template_id, template_key, body, variables, related_entity_type, '
      . 'related_entity_id, idempotency_key, segments, encoding, sandbox';
    my $values = "%s, %s, gen_random_uuid(), $phone, '$org', 'booking_confirmation', '$rendered', '$variables', "
      . "'booking', gen_random_uuid(), gen_random_uuid()::text, 1, 'GSM-7', false";
    my $past = "now() - interval '90 days' * (1 - n::float / $stored)";
    my $status = "CASE WHEN (n / $orgs) % 20 = 0 THEN 'failed' ELSE 'delivered' END";  # as many in each org
    # Each org writes to 200 people.
    my $of_the_past = sprintf $values =~ s/\Q$phone/phone("(n \/ $orgs) %% 200 * $orgs + n %% $orgs")/er, id_of($past), $past_org;
    my $of_the_org = sprintf $values, 'sms_uuidv7()', "'$org'";
    $server->sql('full', "INSERT INTO sms_settings (org_id) SELECT $past_org FROM generate_series(1, $orgs) n",
        'SET session_replication_role = replica',
        "INSERT INTO sms_messages ($columns, status, scheduled_for, created_at, sent_at, delivered_at, failed_at, error_code,
           attempt_count, provider_message_id)
         SELECT $of_the_past, $status, $past, $past, $past, CASE WHEN $status = 'delivered' THEN $past END,
           CASE WHEN $status = 'failed' THEN $past END, CASE WHEN $status = 'failed' THEN '30003' END, 1, 'SM' || md5(n::text)
           FROM generate_series(1, $stored) n",
        "INSERT INTO sms_attempts (id, message_id, attempt_number, provider_message_id, request_payload, response_payload,
           response_status, status, created_at, org_id, client_key, segments, duration_ms)
         SELECT " . id_of('sent_at') . ", id, 1, provider_message_id, jsonb_build_object('To', to_phone, 'Body', body),
           jsonb_build_object('sid', provider_message_id, 'status', 'accepted'), 201, 'success', sent_at, org_id, client_id::text, 1, 90
           FROM sms_messages",
        "INSERT INTO sms_events (id, org_id, event_type, event_payload, dedupe_key, received_at, processed_at)
         SELECT " . id_of('failed_at') . ", org_id, 'inbound', jsonb_build_object('From', to_phone, 'Body', 'Did you text me?'), id,
           failed_at + interval '1 minute', failed_at FROM sms_messages WHERE status = 'failed'",
        "INSERT INTO sms_suppression (org_id, phone, reason) SELECT org_id, to_phone, 'opt_out' FROM sms_messages
          WHERE status = 'failed' ON CONFLICT DO NOTHING",
        "INSERT INTO sms_messages ($columns, status, scheduled_for)
         SELECT $of_the_org, 'pending', now() + interval '1 day' FROM generate_series(1, $waiting) n",
        "INSERT INTO coach_sms_internal.sms_queue (message_id, org_id, priority, due_at)
         SELECT id, org_id, priority, scheduled_for FROM sms_messages WHERE status = 'pending'");
    $server->sql('full', 'VACUUM (FREEZE, ANALYZE)', 'CHECKPOINT');
    return;
}

sub empty {
    my ($server, $db) = @_;
    return forget_queued($server, $db) if $db eq 'full';
    $server->sql($db, 'TRUNCATE sms_messages, coach_sms_internal.sms_queue, coach_sms_internal.sms_in_flight, sms_attempts, sms_events');
    return;
}

sub empty_plain { my ($server) = @_; $server->sql('fresh', 'TRUNCATE plain_messages, plain_queue, plain_events'); return; }

# What was enqueued where no sender runs is not to be sent later. Only future ones stay.
sub forget_queued { my ($server, $db) = @_; $server->sql($db, 'DELETE FROM coach_sms_internal.sms_queue WHERE due_at <= now()'); return; }

1;
