# A step of the sender that keeps failing is reported, with its error, whichever step it is; and is over when it works again.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake();
my $node = new_server('main', fake => $fake, conf => short_times());
my $org = $node->make_org;

sub check_report {
    my ($how, $error, $repair, $name) = @_;
    $node->safe_psql('postgres', $how);
    $node->wait_for_sql("SELECT state, last_error ~ '$error' FROM sms_worker_stat", 'step failed|t', undef, name => "$name: sms_worker_stat shows the error");
    $node->wait_for_sql("SELECT ok, problem ~ '^a step of the sender keeps failing: .*$error' FROM sms_health", 'f|t', undef, name => 'so does sms_health');
    is($node->safe_psql('postgres', "SELECT level, problem ~ '$error' FROM sms_doctor() WHERE check_name = 'sender'"), 'error|t', 'and sms_doctor()');
    $node->safe_psql('postgres', $repair);
    $node->wait_for_sql('SELECT state FROM sms_worker_stat', 'sandbox', undef, name => 'all is well once it works again');
    $node->wait_for_sql('SELECT ok FROM sms_health', 't', undef, name => 'sms_health too');
    return;
}

$node->wait_for_status($node->enqueue($org, '+61491570006', 'first'), 'delivered');
check_report('ALTER TABLE coach_sms_internal.sms_queue RENAME due_at TO due_at_gone', 'due_at', 'ALTER TABLE coach_sms_internal.sms_queue RENAME due_at_gone TO due_at', 'the sweep');
# Behind a sweep that works.
check_report('ALTER TABLE coach_sms_internal.sms_queue RENAME expires_at TO expires_gone', 'expires_at', 'ALTER TABLE coach_sms_internal.sms_queue RENAME expires_gone TO expires_at', 'housekeeping');
# What is only for people who watch.
my $held = $node->make_org(enabled => 'f');
$node->safe_psql('postgres', "UPDATE sms_settings SET enabled = true WHERE org_id = '$held'; SELECT sms_pause('$held'); ALTER TABLE coach_sms_internal.sms_holds RENAME why TO why_gone");
$node->enqueue($held, '+61491570006', 'held');
$node->wait_for_sql('SELECT state FROM sms_worker_stat', 'step failed', undef, name => 'holds that cannot be published are reported');
$node->wait_for_status($node->enqueue($org, '+61491570006', 'meanwhile'), 'delivered', undef, name => 'and keep nothing from being sent');
$node->safe_psql('postgres', 'ALTER TABLE coach_sms_internal.sms_holds RENAME why_gone TO why');
$node->wait_for_sql("SELECT held_by FROM sms_queue_stat WHERE org_id = '$held'", 'sending is paused', undef, name => 'they are published later');
$node->wait_for_sql('SELECT ok FROM sms_health', 't', undef, name => 'then all is well');

done_testing();
