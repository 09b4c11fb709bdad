# A monitor sees how it goes in all orgs, and neither texts nor numbers; it may change nothing.
use strict;
use warnings;
use Test::More;
use CoachSms::Bookings;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake(https => 0, callbacks => 'off');
my $node = new_server('main', fake => $fake, conf => short_times());
$node->go_live;
$node->safe_psql('postgres', "CREATE ROLE watcher LOGIN; CREATE ROLE member LOGIN; SELECT sms_grant_monitor('pg_monitor'); GRANT pg_monitor TO watcher; SELECT sms_grant_tenant('member'), sms_grant_monitor('member')");

sub as { my ($role, $sql) = @_; my ($rc, $out, $error) = $node->psql('postgres', $sql, extra_params => [ '-U', $role ]); return $rc == 0 ? $out : $error; }
my @shown = ('SELECT * FROM sms_health', 'SELECT * FROM sms_worker_stat', 'SELECT * FROM sms_queue_stat', 'SELECT * FROM sms_delivery_stats',
    'SELECT * FROM sms_cost', 'SELECT * FROM sms_doctor()');

# 21211 names the number in Twilio's words, and so do others.
my $org = $node->make_org;
my $number = '+61491570006';
my $refused = $node->enqueue($org, $number, '[fake:status=400 code=21211] secret text');
$node->wait_for_status($refused, 'failed');
$node->enqueue($org, '+61491570007', '[fake:status=401 code=20003] secret text');
$node->wait_for_sql("SELECT problem IS NOT NULL FROM sms_health", 't', undef, name => 'there is trouble to report');
like($node->safe_psql('postgres', "SELECT error_message FROM sms_messages WHERE id = '$refused'"), qr/./, 'Twilio gave words for the refusal');
for my $sql (@shown) {
    my $seen = as('watcher', $sql);
    unlike($seen, qr/permission denied|ERROR/, "may: $sql");
    unlike($seen, qr/49157000|secret/, '... without numbers and texts');
}
like(as('watcher', "SELECT org_id FROM sms_delivery_stats"), qr/^\Q$org\E$/m, 'it sees the figures of all orgs');

like(as('watcher', $_), qr/permission denied/, "may not: $_")
  for 'SELECT * FROM sms_messages', 'SELECT * FROM sms_attempts', 'SELECT * FROM sms_events', 'SELECT * FROM sms_settings', 'SELECT sms_pause()', 'SELECT sms_resume()',
  'SELECT sms_go_live()', 'SELECT sms_go_sandbox()', "SELECT sms_cancel('$refused')", "SELECT * FROM sms_why('$refused')", 'SELECT * FROM sms_every_org()';

is($node->safe_psql('postgres', "SELECT level FROM sms_doctor() WHERE check_name = 'grants'"), 'ok', 'sms_doctor knows the kind');

# The application's own code may quote anything in its errors.
attach_app($node);
$node->safe_psql('postgres', "SELECT sms_detach_bookings(); SET ROLE coach_app;
  CREATE FUNCTION shown(timestamptz) RETURNS timestamptz LANGUAGE plpgsql AS 'BEGIN RETURN \$1; END';
  ALTER TABLE bookings RENAME TO sessions;
  CREATE VIEW bookings AS SELECT id, org_id, client_id, shown(start_time) AS start_time, end_time, status, location_details, reminder_sent, feedback_sent FROM sessions;
  INSERT INTO sessions (org_id, start_time, end_time) SELECT id, now() + interval '5 hours', now() + interval '6 hours' FROM orgs;
  RESET ROLE; SELECT sms_attach_bookings();
  CREATE OR REPLACE FUNCTION shown(timestamptz) RETURNS timestamptz LANGUAGE plpgsql AS 'BEGIN RAISE ''no such client: +61491570008, secret text''; END'");
my $bookings = "SELECT problem FROM sms_doctor() WHERE check_name = 'bookings'";
like($node->safe_psql('postgres', $bookings), qr/cannot be read: no such client: /, 'the words are for those who act for all');
is(as('watcher', $bookings), 'the attached bookings cannot be read: SQLSTATE P0001', 'a monitor sees the SQLSTATE');

# So may a trigger of the application's, in a step of the sender.
$node->safe_psql('postgres', "SELECT sms_detach_bookings();
  CREATE FUNCTION refuses() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no room for +61491570009, secret text''; END';
  CREATE TRIGGER refuses BEFORE UPDATE ON sms_messages FOR EACH ROW WHEN (NEW.status = 'sent') EXECUTE FUNCTION refuses()");
$node->enqueue($node->make_org, '+61491570110', 'is sent, and cannot be recorded');
$node->wait_for_sql("SELECT last_error FROM sms_worker_stat", 'no room for +61491570009, secret text', undef, name => 'the words of its error are for those who act for all');
is(as('watcher', 'SELECT last_error FROM sms_worker_stat'), "a step failed with SQLSTATE P0001; the server's log says more", 'a monitor sees the SQLSTATE');
for my $sql (@shown) {
    my $seen = as('watcher', $sql);
    unlike($seen, qr/permission denied|ERROR/, "may: $sql");
    unlike($seen, qr/49157000|secret/, '... without the words of the error');
}
$node->safe_psql('postgres', 'DROP TRIGGER refuses ON sms_messages');

# Who watches every org acts for none but its own.
like(as('member', "SELECT sms_cancel('$refused')"), qr/unknown message/, 'a tenant that watches does not act for others');
is(as('member', 'SELECT count(*) FROM sms_messages'), '0', 'nor read their messages');
like(as('member', "SELECT org_id FROM sms_delivery_stats"), qr/^\Q$org\E$/m, 'it sees their figures');

$node->safe_psql('postgres', "SELECT sms_revoke_monitor('pg_monitor')");
like(as('watcher', 'SELECT * FROM sms_health'), qr/permission denied/, 'the right is taken back');

done_testing();
