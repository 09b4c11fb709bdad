# A server without coach_sms in shared_preload_libraries: SQL works, messages wait, and it says what is missing.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Fake;

my $fake = start_fake();
my $node = new_server('main', fake => $fake, start => 0, conf => "coach_sms.public_url = 'https://app.example/twilio'");
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->start;
$node->create_extension;
my $org = $node->make_org;
$node->go_live;

my $id = $node->enqueue($org, '+61491570006', 'waits for a restart');
my $cancelled = $node->enqueue($org, '+61491570110', 'is cancelled meanwhile');
is($node->safe_psql('postgres', "SELECT sms_cancel('$cancelled')"), 't', 'messages can be enqueued and cancelled');
is($node->safe_psql('postgres', 'SELECT waiting, due FROM sms_queue_stat'), '1|1', 'one waits');
my $prepared = $node->safe_psql('postgres', "BEGIN; SELECT sms_enqueue('$org', to_phone => '+61491570111', body => 'prepared'); PREPARE TRANSACTION 'p'");
$node->safe_psql('postgres', "COMMIT PREPARED 'p'");

is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'coach_sms%'"), '0', 'nobody sends');
is($node->safe_psql('postgres', 'SELECT ok, problem, sender_pid FROM sms_health'),
    'f|coach_sms is not in shared_preload_libraries: nothing is sent|', 'sms_health says so');
is($node->safe_psql('postgres', 'SELECT count(*) FROM sms_worker_stat'), '0', 'sms_worker_stat has nothing to show');
like($node->safe_psql('postgres', "SELECT problem || ' -> ' || what_to_do FROM sms_doctor() WHERE check_name = 'preloaded'"),
    qr/^coach_sms is not in shared_preload_libraries: messages wait -> Add coach_sms to shared_preload_libraries \(.*postgresql\.conf.* and restart the server; a reload is not enough\.$/,
    'sms_doctor says what to do, and where');
is($node->safe_psql('postgres', "SELECT string_agg(check_name, ',') FROM sms_doctor() WHERE NOT ok"), 'preloaded,launcher,sender',
    'and finds nothing else that is wrong');
is($node->safe_psql('postgres', "SELECT what FROM sms_why('$id') ORDER BY at DESC LIMIT 1") ne '', 1, 'sms_why works');
is($fake->count, 0, 'nothing was sent');

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'coach_sms'");
$node->restart;
$node->wait_for_status($id, 'sent');
$prepared =~ s/\s.*//s;
$node->wait_for_status($prepared, 'sent');
$fake->wait_accepted(2);
is_deeply([ $fake->duplicates ], [], 'after a restart with the library they are sent, once');
is($node->safe_psql('postgres', 'SELECT ok, problem FROM sms_health'), 't|', 'sms_health is content');
is($node->safe_psql('postgres', "SELECT string_agg(check_name, ',') FROM sms_doctor() WHERE NOT ok"), '', 'and sms_doctor');

done_testing();
