# A sender that Twilio refuses: once two recipients in a row got such a code its messages wait, none is lost and none pays for it; another sender's go on.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake(https => 0, callbacks => 'off');
my $node = new_server('main', fake => $fake, conf => short_times(max_in_flight_per_account => 5));
$node->go_live;
my ($bad, $good) = ('+61491570156', 'Peak-Fit');
my $org = $node->make_org(twilio_phone_number => $bad);
my $other = $node->make_org(twilio_phone_number => $good);

# The fake knows faults by recipient: each of an org's is answered alike.
sub answer_to { my ($marker, @to) = @_; $fake->post('scenario', to => $_, marker => $marker) for @to; return; }
my @to = map { '+614915' . (71000 + $_) } 1 .. 50;
my @others = map { "+6149157018$_" } 0 .. 3;
answer_to('status=400 code=21606', @to);

$node->safe_psql('postgres', "SELECT count(sms_enqueue('$org', to_phone => '+614915' || 71000 + n, body => 'Text ' || n)) FROM generate_series(1, 50) n");
$node->wait_for_sql("SELECT count(*) > 1 FROM sms_attempts WHERE error_code = '21606'", 't', undef, name => 'Twilio refuses the sender');
$node->wait_for_sql("SELECT last_error FROM sms_worker_stat", 'Twilio refuses a sender', undef, name => 'the view says so');
like(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/Twilio refuses a sender: error 21606/, 'and so does the log');
my $why = 'Twilio refuses the sender: error 21606';
$node->wait_for_sql("SELECT held_by FROM sms_queue_stat WHERE org_id = '$org'", $why, undef, name => 'held_by says why its messages wait');
like($node->safe_psql('postgres', 'SELECT ok, problem FROM sms_health'), qr/^f\|.*\Q$why\E/, 'sms_health is not ok, and says why');
is($node->safe_psql('postgres', "SELECT level, problem FROM sms_doctor() WHERE check_name = 'held'"), "error|$why: $org", 'sms_doctor names the org');
$node->wait_for_status($node->enqueue($other, $_, 'Of the other'), 'sent', undef, name => 'another sender of the account goes on') for @others;
is($node->safe_psql('postgres', "SELECT count(*) FROM sms_messages WHERE org_id = '$org' AND status IN ('queued', 'sending')"), 50, 'all of its messages wait');
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM coach_sms_internal.sms_queue WHERE failures > 0"), '<=', 1, 'and at most the first used up an attempt');
cmp_ok(scalar(grep { $_->{status} == 400 } $fake->requests), '<=', 12, 'those under way were refused, hardly any other was tried');
is($node->safe_psql('postgres', 'SELECT count(*) FROM sms_attempts WHERE status = \'permanent_error\''), 0, 'none was refused for good');

# Put right in the settings: it goes at once.
answer_to('', @to);
$node->safe_psql('postgres', "UPDATE sms_settings SET twilio_phone_number = '0491 570 157' WHERE org_id = '$org'");
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE org_id = '$org' AND status = 'sent'", '50', undef, name => 'with another sender all are sent');
is($fake->count(contains => 'Text'), 50, 'Twilio took them');
is_deeply([ $fake->duplicates ], [], 'and none twice');

# Put right at Twilio: a probe finds out.
my @of_service = map { "+6149157020$_" } 0 .. 5;
answer_to('status=400 code=21703', @of_service);
my $service = $node->make_org(twilio_messaging_service_sid => 'MG' . '1a' x 16);
$node->enqueue($service, $_, "Service $_") for @of_service;
$node->wait_for_sql("SELECT count(*) > 2 FROM sms_attempts WHERE error_code = '21703'", 't', undef, name => 'a Messaging Service has nothing to send with');
answer_to('', @of_service);
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE org_id = '$service' AND status = 'sent'", '6', 90, name => 'once it has, all are sent');

# A recipient whom this sender does not reach fails alone.
my $alone = $node->enqueue($org, '+61491570210', 'Alone [fake:status=400 code=21612]');
$node->wait_for_status($alone, 'failed', undef, name => 'refused for one recipient again: that message fails');
is(scalar($fake->requests(to => '+61491570210')), 2, 'at the second time');
$node->wait_for_status($node->enqueue($org, '+61491570211', 'After it'), 'sent');
is_deeply([ $fake->duplicates ], [], 'nothing went twice');

done_testing();
