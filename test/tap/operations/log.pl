# The server's log: one line for each thing that goes wrong, none for a message, nobody's number, no token.
use strict;
use warnings;
use MIME::Base64 qw(encode_base64);
use Test::More;
use CoachSms::Cluster;
use CoachSms::Fake;
use CoachSms::Log;

my $fake = start_fake();
my $node = new_server('main', fake => $fake, conf => "coach_sms.retry_base_delay = '100ms'
coach_sms.reconcile_delay = '100ms'
log_min_messages = 'info'");
$node->go_live;
my $org = $node->make_org;
my $mark;

# 200 messages to as many numbers; $bodies goes into each text.
sub enqueue_many {
    my ($for, $bodies) = @_;
    $node->safe_psql('postgres', "SELECT count(sms_enqueue('$for', to_phone => '+614915' || 70000 + n, body => '$bodies ' || n))
                                    FROM generate_series(1, 200) n");
    return;
}

sub wait_for_all {
    my ($status, $number) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return $node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status = '$status'", $number);
}

$node->wait_for_sql('SELECT state FROM sms_worker_stat', 'live');

$mark = log_mark($node);
enqueue_many($org, 'well');
wait_for_all(sent => 200);
is(join('', log_lines($node, $mark)), '', '200 messages leave no line in the log');

$mark = log_mark($node);
enqueue_many($org, '[fake:status=400 code=21617] refused');
wait_for_all(failed => 200);
is(join('', log_lines($node, $mark)), '', 'nor do 200 that Twilio refuses: each says why in its own row');

# An account's token that is wrong: one line, with what to do.

my $wrong = $node->make_org(twilio_auth_token_encrypted => 'dead' x 8);
$mark = log_mark($node);
enqueue_many($wrong, 'unpaid');
$fake->wait_for(requests => 401);
wait_for_log_line($node, $mark, qr/Twilio refuses an account's credentials: error 20003/, 'a wrong token is logged');
$node->wait_for_sql("SELECT in_flight FROM sms_queue_stat WHERE org_id = '$wrong'", '0');
is(scalar(log_lines($node, $mark)), 1, 'once') or diag(log_lines($node, $mark));
like(log_since($node, $mark), qr/HINT:  Set the right token with sms_set_twilio_credentials/, 'and what to do about it');
is($node->safe_psql('postgres', "SELECT count(*) FROM sms_messages WHERE org_id = '$wrong' AND status NOT IN ('queued', 'sending')"), '0', 'its messages wait');
$node->safe_psql('postgres', "SELECT sms_pause('$wrong')");

# Twilio cannot be reached: one line, not one for each message and attempt.

$mark = log_mark($node);
$fake->stop;
enqueue_many($org, 'into the void');
$node->wait_for_sql("SELECT count(DISTINCT message_id) FROM sms_attempts WHERE status = 'transient_error' AND error_code = 'connect_failed'", '200');
wait_for_log_line($node, $mark, qr/requests to Twilio fail: connect_failed/, 'that nobody answers is logged');
is(scalar(log_lines($node, $mark)), 1, 'once') or diag(log_lines($node, $mark));
like($node->safe_psql('postgres', 'SELECT last_error FROM sms_worker_stat'), qr/requests to Twilio fail: connect_failed/, 'sms_worker_stat knows it too');

# What may not be in a log. A forged call is logged, but not the statement that it came in.

my ($token, $basic) = ($fake->token, encode_base64($fake->account . ':' . $fake->token, ''));
$node->safe_psql('postgres', "SELECT http_status FROM sms_twilio_webhook('https://app.example/', 'MessageSid=SM1&From=%2B61491570006', 'forged')");
$node->stop('fast');
like(log_since($node, $mark), qr/a call to the webhook was refused/, 'a forged callback is logged');
my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
unlike($log, qr/\Q$token\E|\Q$basic\E|(dead){8}/, 'no token');
unlike($log, qr/614915[67]|into the void|unpaid|refused \d/, 'no number and no text');

done_testing();
