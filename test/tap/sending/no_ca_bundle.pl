# A server that lacks its file of trusted certificates: messages wait and use up no attempt, sms_health is not ok, sms_doctor()
# says what to do, and all go once the file is there.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake();
my $file = PostgreSQL::Test::Utils::tempdir_short() . '/ca.pem';
my $node = new_server('main', fake => $fake, conf => short_times(max_attempts => 1) . "coach_sms.ca_file = '$file'\n");
my $org = $node->make_org;
my $doctor = "SELECT level, problem, what_to_do FROM sms_doctor() WHERE check_name = 'trust'";
like($node->safe_psql('postgres', $doctor), qr/^note\|.*"\Q$file\E": No such file/, 'in the sandbox it is a note');
is($node->safe_psql('postgres', 'SELECT problem IS NULL FROM sms_health'), 't', 'and no trouble');
$node->go_live;
my @ids = map { $node->enqueue($org, "+6149157011$_", "number $_") } 0 .. 9;
$node->wait_for_sql("SELECT min(error_code), max(status), bool_or(error_message ~ 'certificate|trust anchor') FROM sms_attempts", 'server_trouble|transient_error|t', undef,
    name => 'one is tried, and does not leave');
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status = 'queued'", 10, undef, name => 'all wait');
is($node->safe_psql('postgres', 'SELECT max(failures) FROM coach_sms_internal.sms_queue'), 0, 'no attempt is used up');
like($node->safe_psql('postgres', 'SELECT ok, problem FROM sms_health'), qr/^f\|the CA certificates for Twilio cannot be read/, 'sms_health says why');
like($node->safe_psql('postgres', $doctor), qr/^error\|.*\|Set coach_sms.ca_file/, 'sms_doctor() says what to do');
like($node->safe_psql('postgres', 'SELECT last_error FROM sms_worker_stat'), qr/this server cannot make a connection to Twilio/, 'so does the sender');

PostgreSQL::Test::Utils::append_to_file($file, "no certificate\n");
like($node->safe_psql('postgres', $doctor), qr/"\Q$file\E": it holds no certificate/, 'a file without a certificate is not better');
PostgreSQL::Test::Utils::append_to_file($file, PostgreSQL::Test::Utils::slurp_file($fake->ca_file));
$node->reload;
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status = 'sent'", 10, undef, name => 'with the file all go');
is($fake->count, 10, 'each once');
is($node->safe_psql('postgres', 'SELECT ok FROM sms_health'), 't', 'sms_health is ok');
is($node->safe_psql('postgres', $doctor), 'ok||', 'and so is sms_doctor()');

done_testing();
