# Messages that end without being delivered: refused by Twilio for good, cancelled, opted out, expired; and orgs that
# are disabled or paused, whose messages wait.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake();
my $node = new_server('main', fake => $fake, conf => short_times());
$node->go_live;
my $org = $node->make_org;

sub message { my ($id, $columns) = @_; return $node->safe_psql('postgres', "SELECT $columns FROM sms_messages WHERE id = '$id'"); }
sub in_seconds { my ($seconds) = @_; return $node->safe_psql('postgres', "SELECT now() + interval '$seconds seconds'"); }

# Refused for good, with Twilio's code.
my $number = 70110;
for my $code (21211, 21408, 21610, 21614, 30007) {
    my $id = $node->enqueue($org, '+614915' . $number++, "refused [fake:status=400 code=$code]");
    $node->wait_for_status($id, 'failed', undef, name => "$code: it failed");
    is(message($id, 'error_code, attempt_count, failed_at IS NOT NULL, provider_message_id'), "$code|1|t|", "$code: with Twilio's code, at once");
    isnt(message($id, 'error_message'), '', "$code: and words");
    is(message($id, 'body'), "refused [fake:status=400 code=$code]", "$code: its text is kept");
    is($node->safe_psql('postgres', "SELECT status, response_status, error_code, response_payload->>'code' FROM sms_attempts WHERE message_id = '$id'"),
        "permanent_error|400|$code|$code", "$code: so does its attempt");
}
is($fake->count, 0, 'Twilio took none of them');
is(scalar($fake->requests), 5, 'and each was tried once');

# Taken back before its time.
my $soon = in_seconds(2);
my ($cancelled, $removed, $kept) = map { $node->enqueue($org, "+6149157012$_", "soon $_", scheduled_for => $soon) } 0 .. 2;
is($node->safe_psql('postgres', "SELECT sms_cancel('$cancelled', 'changed my mind')"), 't', 'sms_cancel');
$node->safe_psql('postgres', "UPDATE sms_messages SET status = 'cancelled' WHERE id = '$removed'");
$node->wait_for_status($kept, 'sent');
is(message($cancelled, 'status, error_code, error_message'), 'cancelled|cancelled_by_user|changed my mind', 'one was cancelled by the function');
is(message($removed, 'status'), 'cancelled', 'one by the application\'s UPDATE');

# Opted out while it waited: by the function, and by a row that only the pre-send check sees.
$soon = in_seconds(2);
my ($out, $listed, $in) = map { $node->enqueue($org, "+6149157013$_", "wanted? $_", scheduled_for => $soon) } 0 .. 2;
$node->safe_psql('postgres', "SELECT sms_opt_out('$org', '+61491570130')");
$node->safe_psql('postgres', "INSERT INTO sms_suppression (org_id, phone, reason) VALUES ('$org', '+61491570131', 'manual')");
$node->wait_for_status($in, 'sent');
$node->wait_for_status($_, 'cancelled') for $out, $listed;
is(message($_, 'error_code, attempt_count'), 'opted_out|0', 'opted out') for $out, $listed;

# Disabled and paused orgs: everything waits, and goes on; what expires meanwhile is not sent.
my $disabled = $node->make_org;
my $paused = $node->make_org;
$soon = in_seconds(1);
my $waits = $node->enqueue($disabled, '+61491570140', 'disabled', scheduled_for => $soon);
$node->safe_psql('postgres', "UPDATE sms_settings SET enabled = false WHERE org_id = '$disabled'");
$node->safe_psql('postgres', "SELECT sms_pause('$paused')");
my $halted = $node->enqueue($paused, '+61491570141', 'paused');
my $expires = $node->enqueue($paused, '+61491570142', 'expires', expires_at => in_seconds(2));
my $goes_on = $node->enqueue($org, '+61491570143', 'goes on', scheduled_for => in_seconds(2));
$node->wait_for_status($goes_on, 'sent');
is(join(' ', message($waits, 'status'), message($halted, 'status')), 'queued queued', 'those of a disabled and of a paused org wait');
$node->safe_psql('postgres', "UPDATE sms_settings SET enabled = true WHERE org_id = '$disabled'");
$node->safe_psql('postgres', "SELECT sms_resume('$paused')");
$node->wait_for_status($_, 'sent', 20) for $waits, $halted;
$node->wait_for_status($expires, 'cancelled', 20);
is(message($expires, 'error_code, attempt_count'), 'expired|0', 'expired');

is_deeply([ sort map { $_->{to} } $fake->ledger ],
    [ map { "+614915701$_" } 22, 32, 40, 41, 43 ], 'Twilio took what was to be sent, each once');
is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM coach_sms_internal.sms_queue), (SELECT count(*) FROM coach_sms_internal.sms_in_flight)'), '0|0', 'nothing is left over');
is($node->safe_psql('postgres', 'SELECT count(*) FROM sms_attempts'), 10, 'only requests are attempts');

done_testing();
