# The main job, live: from sms_enqueue to delivered, over HTTPS and back through a signed callback.
use strict;
use warnings;
use MIME::Base64 qw(encode_base64);
use Test::More;
use CoachSms::Cluster;
use CoachSms::Fake;

my $public_url = 'https://app.example/functions/v1/twilio';
my $fake = start_fake();
my $node = new_server('main', fake => $fake, conf => "coach_sms.public_url = '$public_url'");
my $sandboxed = $node->make_org;
$node->go_live;
my $org = $node->make_org;

my $to = '+61491570006';
my $body = "See you at 9, G\x{e2}".'&To=+61491570110 {{x}}';
utf8::encode($body);
my $id = $node->enqueue($org, $to, $body, client_id => '0190a0b0-0000-7000-8000-000000000001');
$fake->wait_accepted(1);
$node->wait_for_status($id, 'sent');

my ($sent, @more) = $fake->ledger;
is(scalar(@more), 0, 'Twilio took one message');
is($sent->{to}, $to, 'to the one person');
is($sent->{from}, '+61491570156', 'from the org\'s number');
utf8::encode(my $arrived = $sent->{body});
is($arrived, $body, 'with the text as it was written');
is($sent->{odd_parameters}, undef, 'and no parameter that Twilio does not know');
like($sent->{status_callback}, qr/^\Q$public_url\E\?org=$org&message=$id&attempt=1(#|$)/,
    'the StatusCallback carries org, message and attempt');

is( $node->safe_psql('postgres', "SELECT provider_message_id, attempt_count, sandbox, sent_at IS NOT NULL, error_code
                                  FROM sms_messages WHERE id = '$id'"),
    "$sent->{sid}|1|f|t|", 'the SID of the 201 is stored');
is($node->safe_psql('postgres', "SELECT (SELECT count(*) FROM coach_sms_internal.sms_queue), (SELECT count(*) FROM coach_sms_internal.sms_in_flight)"),
    '0|0', 'nothing waits and nothing is under way any more');

is( $node->safe_psql('postgres', "SELECT attempt_number, provider, provider_message_id, response_status, status, error_code,
                                         org_id, client_key, segments, duration_ms > 0
                                  FROM sms_attempts WHERE message_id = '$id'"),
    "1|twilio|$sent->{sid}|201|success||$org|0190a0b0-0000-7000-8000-000000000001|1|t", 'one attempt is written down');
my $attempt = $node->safe_psql('postgres', "SELECT to_jsonb(a) FROM sms_attempts a WHERE message_id = '$id'");
like($attempt, qr/"To": "\Q$to\E"/, 'with its request');
like($attempt, qr/"sid": "$sent->{sid}"/, 'and its answer');
my ($token, $basic) = ($fake->token, encode_base64($fake->account . ':' . $fake->token, ''));
unlike($attempt, qr/\Q$token\E|\Q$basic\E|Authorization/i, 'and no secret in it');

# The callbacks that Twilio signed: sent, then delivered; a second time they change nothing.
$fake->wait_for(callbacks => 2);
is_deeply([ $node->relay_callbacks ], [ 200, 200 ], 'the webhook takes both callbacks');
$node->wait_for_status($id, 'delivered');
$fake->{relayed} = 0;
is_deeply([ $node->relay_callbacks ], [ 200, 200 ], 'and once more');
is( $node->safe_psql('postgres', "SELECT string_agg(event_status, ',' ORDER BY received_at) FROM sms_events WHERE message_id = '$id'"),
    'sent,delivered', 'each event is stored once');
is($node->safe_psql('postgres', "SELECT status, delivered_at IS NOT NULL FROM sms_messages WHERE id = '$id'"),
    'delivered|t', 'delivered it is');

# Forged: the right form, signed by nobody.
my ($callback) = $fake->callbacks;
is( $node->safe_psql('postgres', sprintf 'SELECT http_status FROM sms_twilio_webhook(%s, %s, %s)',
        map { sql_quote($_) } $callback->{url}, $callback->{body}, 'A' x 27 . '='),
    '403', 'a forged callback is refused');

# A batch, each row to its own person, and a text of several segments.
my $rows = $node->safe_psql('postgres', "SELECT count(*) FROM sms_enqueue_batch((
    SELECT jsonb_agg(jsonb_build_object('org_id', '$org', 'to_phone', '+614915' || 70100 + n, 'body', repeat('x', 100 * n)))
      FROM generate_series(1, 5) n)) WHERE message_id IS NOT NULL");
is($rows, 5, 'a batch of five');
$fake->wait_accepted(6);
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status = 'sent'", '5');
is_deeply([ $fake->duplicates ], [], 'nothing went twice');

# The token is in no place where it could be read.
my $everything = $node->safe_psql('postgres', "SELECT row_to_json(m) FROM sms_messages m; SELECT row_to_json(s) FROM sms_settings s;
    SELECT row_to_json(a) FROM sms_attempts a; SELECT row_to_json(e) FROM sms_events e; SELECT row_to_json(w) FROM coach_sms_internal.sms_worker_state() w");
unlike($everything, qr/\Q$token\E|\Q$basic\E/, 'no table and no view holds the token');
$node->stop('fast');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/\Q$basic\E|See you at 9|\Q$to\E/,
    'the log has neither credentials nor text nor number');

done_testing();
