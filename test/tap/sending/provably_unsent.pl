# Provably unsent: refused connections, names that do not resolve, certificates that nobody trusts. Retried with
# back-off, never unknown, and failed with the reason when the attempts are used up.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake();
my $stranger = start_fake();    # its CA signed nothing of ours
my $node = new_server('main', fake => $fake, conf => short_times(max_attempts => 20, retry_base_delay => 200, retry_max_delay => 1000));
$node->go_live;
my $org = $node->make_org;
my $sender = $node->sender_pid;

sub set {
    my (%settings) = @_;
    $node->append_conf('postgresql.conf', "coach_sms.$_ = '$settings{$_}'") for sort keys %settings;
    $node->reload;
    return;
}

# 1,000 messages while nobody listens, and each of them tried at least twice.
$fake->stop;
$node->safe_psql('postgres', "SELECT count(sms_enqueue('$org', to_phone => '+614915' || 80000 + n, body => 'Number ' || n))
                                FROM generate_series(1, 1000) n");
$node->wait_for_sql("SELECT count(*) FROM sms_messages m WHERE 2 <= (SELECT count(*) FROM sms_attempts a WHERE a.message_id = m.id)",
    '1000', undef, name => 'each of 1,000 messages was tried twice');
is( $node->safe_psql('postgres', "SELECT DISTINCT status, error_code, response_status, request_payload IS NOT NULL FROM sms_attempts"),
    'transient_error|connect_failed||t', 'every attempt says that nothing was sent');
is($node->safe_psql('postgres', "SELECT count(*) FROM sms_messages WHERE status NOT IN ('queued', 'sending')"), 0, 'no message is lost or unknown');
cmp_ok($node->safe_psql('postgres', "SELECT extract(epoch FROM min(b.created_at - a.created_at))
                         FROM sms_attempts a JOIN sms_attempts b USING (message_id)
                        WHERE a.attempt_number = 1 AND b.attempt_number = 2"), '>', 0.15, 'the second attempt waits its back-off');
cmp_ok($node->safe_psql('postgres', "SELECT extract(epoch FROM max(b.created_at - a.created_at) - min(b.created_at - a.created_at))
                         FROM sms_attempts a JOIN sms_attempts b USING (message_id)
                        WHERE a.attempt_number = 1 AND b.attempt_number = 2"), '>', 0.02, 'and they do not all come back at once');

$fake->start;
$fake->wait_accepted(1000);
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status = 'sent'", '1000');
is($fake->count, 1000, 'when it listens again, Twilio takes all');
is_deeply([ $fake->duplicates ], [], 'and none twice');
is($node->sender_pid, $sender, 'the sender is the same process');

# One that no attempt is left for.
sub try_in_vain {
    my ($name, $to, %settings) = @_;
    set(%settings);
    my $id = $node->enqueue($org, $to, $name);
    $node->wait_for_sql("SELECT count(*) >= 2 FROM sms_attempts WHERE message_id = '$id'", 't', undef, name => "$name: tried twice");
    is($node->safe_psql('postgres', "SELECT DISTINCT status, error_code FROM sms_attempts WHERE message_id = '$id'"),
        'transient_error|connect_failed', "$name: nothing was sent");
    return $id;
}

my $unnamed = try_in_vain('a name that does not resolve', '+61491570111', twilio_api_url => 'https://no-such-host.invalid');
set(twilio_api_url => $fake->url);
$node->wait_for_status($unnamed, 'sent');

my $untrusted = try_in_vain('a certificate that nobody trusts', '+61491570112', ca_file => $stranger->ca_file);
like($node->safe_psql('postgres', "SELECT max(error_message) FROM sms_attempts WHERE message_id = '$untrusted'"), qr/certificate/i, 'and why');
is($fake->count(to => '+61491570112'), 0, 'it was not taken');
set(ca_file => $fake->ca_file);
$node->wait_for_status($untrusted, 'sent');

set(max_attempts => 2, twilio_api_url => 'https://127.0.0.1:1');
my $given_up = $node->enqueue($org, '+61491570113', 'given up');
$node->wait_for_status($given_up, 'failed');
is($node->safe_psql('postgres', "SELECT attempt_count, error_code, failed_at IS NOT NULL, provider_message_id FROM sms_messages WHERE id = '$given_up'"),
    '2|connect_failed|t|', 'after two attempts it failed');
like($node->safe_psql('postgres', "SELECT error_message FROM sms_messages WHERE id = '$given_up'"), qr/refused|connect/i, 'with the reason');
is($node->safe_psql('postgres', "SELECT count(*) FROM sms_attempts WHERE message_id = '$given_up'"), 2, 'both attempts are written down');
is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM coach_sms_internal.sms_queue), (SELECT count(*) FROM coach_sms_internal.sms_in_flight)'), '0|0', 'nothing is left over');
is($node->safe_psql('postgres', "SELECT count(*) FROM sms_attempts WHERE status = 'unknown'"), 0, 'nothing ever was unknown');
is($node->sender_pid, $sender, 'the sender is still the same process');
is($fake->count, 1002, 'Twilio took what it was to take');

done_testing();
