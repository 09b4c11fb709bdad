# The promises, asked of the tables at the end: each query returns the rows that break one.
package Soak::Verdict;
use strict;
use warnings;

use Exporter 'import';
use Test::More;

our @EXPORT = qw(unfinished judge_messages judge_load judge_log);

# The fake's threads share the cores with all the rest, so an arrival may be read late.
my $late = 100_000;    # microseconds

# The condition on sms_messages for those that have not ended. One that is not due yet need not have.
sub unfinished { return "status NOT IN ('sent', 'delivered', 'failed', 'cancelled') AND scheduled_for <= now()" }

sub promises {
    my ($plan) = @_;
    return (
        'each planned message was stored or refused for its STOP' => "
            SELECT 'soak-' || n FROM generate_series(1, ${\ $plan->made}) n
             WHERE NOT EXISTS (SELECT FROM sms_messages m WHERE m.idempotency_key = 'soak-' || n)
               AND NOT EXISTS (SELECT FROM soak_refused r WHERE r.name = 'soak-' || n)",
        'only people who texted STOP were refused' => q{
            SELECT name FROM soak_refused WHERE phone NOT IN (SELECT phone FROM stopped)},
        'each booking got its confirmation, or the reason is recorded' => q{
            SELECT b.id FROM bookings b WHERE NOT EXISTS (
              SELECT FROM sms_booking_texts t WHERE t.booking_id = b.id AND t.type = 'confirmation'
                 AND (t.message_id IS NOT NULL OR t.reason IS NOT NULL))},
        'what was rolled back left no message' => q{
            SELECT id FROM sms_messages WHERE idempotency_key LIKE 'undone-%'},
        'each message that is due ended' => '
            SELECT id, status FROM sms_messages WHERE ' . unfinished(),
        'a failed or cancelled one has its reason' => q{
            SELECT id, status FROM sms_messages WHERE status IN ('failed', 'cancelled') AND error_code IS NULL},
        'an outcome stayed unknown only after the last attempt allowed' => q{
            SELECT m.id, m.error_message FROM sms_messages m WHERE m.error_code = 'outcome_unknown'
               AND (SELECT count(*) FROM sms_attempts a WHERE a.message_id = m.id AND a.status <> 'success')
                   < current_setting('coach_sms.max_attempts')::int},
        'Twilio accepted no text twice' => q{
            SELECT to_phone, body, count(*) FROM accepted GROUP BY 1, 2 HAVING count(*) > 1},
        'what Twilio accepted is a message with that SID, and sent' => q{
            SELECT a.sid, a.body, m.status FROM accepted a LEFT JOIN sms_messages m
                ON m.provider_message_id = a.sid AND m.to_phone = a.to_phone AND m.body = a.body
             WHERE m.status IS NULL OR m.status NOT IN ('sent', 'delivered') AND m.error_code IS DISTINCT FROM '30003'},
        'no two messages have one SID' => q{
            SELECT provider_message_id FROM sms_messages WHERE provider_message_id IS NOT NULL
             GROUP BY 1 HAVING count(*) > 1},
        'each sent message was accepted, and each with a SID' => q{
            SELECT m.id, m.status FROM sms_messages m
             WHERE (m.status IN ('sent', 'delivered') OR m.provider_message_id IS NOT NULL)
               AND NOT EXISTS (SELECT FROM accepted a WHERE a.sid = m.provider_message_id)},
        'nothing arrived after its STOP was acknowledged' => "
            SELECT a.sid, a.received_at - s.acknowledged_at FROM accepted a JOIN stopped s
                ON s.phone = a.to_phone AND s.org_phone = a.from_phone
             WHERE a.received_at > s.acknowledged_at + $late",
        'nothing arrived after its send-by time' => "
            SELECT a.sid FROM accepted a JOIN sms_messages m ON m.provider_message_id = a.sid
             WHERE a.received_at > extract(epoch FROM m.expires_at) * 1000000 + $late",
        'nothing is left over' => q{
            SELECT message_id FROM coach_sms_internal.sms_queue WHERE due_at <= now()
            UNION ALL SELECT message_id FROM coach_sms_internal.sms_in_flight});
}

sub judge_messages {
    my ($node, $plan) = @_;
    my @promises = promises($plan);
    while (my ($promise, $sql) = splice @promises, 0, 2) {
        is($node->safe_psql('postgres', "SELECT * FROM ($sql) broken LIMIT 10"), '', $promise);
    }
    return;
}

# A soak without these would show little: each is a count.
my %ran = (
    'texts were stopped by STOP'        => "SELECT count(*) FROM sms_messages WHERE error_code = 'opted_out'",
    'texts were refused after STOP'     => 'SELECT count(*) FROM soak_refused',
    'texts were cancelled'              => "SELECT count(*) FROM sms_messages WHERE error_code = 'cancelled_by_user'",
    'texts of changed bookings did not leave' => "SELECT count(*) FROM sms_messages WHERE error_code LIKE 'booking_%'",
    'texts were rejected'               => "SELECT count(*) FROM sms_messages WHERE error_code = '21617'",
    'outcomes were unknown at first'    => "SELECT count(*) FROM sms_attempts WHERE status = 'unknown'");

sub judge_load {
    my ($node) = @_;
    for my $what (sort keys %ran) {
        cmp_ok($node->safe_psql('postgres', $ran{$what}), '>', 0, $what);
    }
    return;
}

# What stops and crashes of a server make it log. Everything else at these levels is a finding.
my $explained = join '|', (
    'terminating connection (?:due to administrator command|because of crash of another server process)',
    'terminating autovacuum process due to administrator command',
    'terminating background worker "coach_sms \w+" due to administrator command',
    'the database system is (?:shutting down|starting up|in recovery mode|not yet accepting connections)',
    'canceling authentication due to timeout');    # a stop while a client logs in

sub judge_log {
    my ($node) = @_;
    my @findings = grep { /(?:WARNING|ERROR|FATAL|PANIC):  / && !/(?:WARNING|ERROR|FATAL):  (?:$explained)/ }
      split /^/, PostgreSQL::Test::Utils::slurp_file($node->logfile);
    is(join('', @findings > 20 ? @findings[ 0 .. 19 ] : @findings), '', 'the log has no warning or error but those of stops and crashes');
    return;
}

1;
