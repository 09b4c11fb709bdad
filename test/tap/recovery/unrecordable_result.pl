# A result that cannot be recorded (here a trigger of somebody's raises for it) holds up no other message.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake(callbacks => 'off');
my $node = new_server('main', fake => $fake, conf => short_times());
my $org = $node->make_org;
$node->go_live;
$node->safe_psql('postgres', q{
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
      $$BEGIN IF NEW.to_phone = '+61491570199' THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NULL; END$$;
    CREATE TRIGGER refuse AFTER UPDATE ON sms_messages FOR EACH ROW WHEN (NEW.status = 'sent') EXECUTE FUNCTION refuse();
});

$node->safe_psql('postgres', "SELECT sms_enqueue('$org', to_phone => '+614915701' || (80 + n), body => 'with a bad one ' || n) FROM generate_series(1, 19) n");
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status = 'sent'", '18');
my $later = $node->enqueue($org, '+61491570170', 'and after it');
$node->wait_for_status($later, 'sent');
$node->wait_for_sql("SELECT status FROM sms_messages WHERE to_phone = '+61491570199'", 'unknown', undef, name => 'the bad one becomes unknown');
is($fake->count(to => '+61491570199'), 1, 'it was accepted once');
$node->safe_psql('postgres', 'DROP TRIGGER refuse ON sms_messages');
$node->wait_for_sql("SELECT status FROM sms_messages WHERE to_phone = '+61491570199'", 'sent', undef, name => 'and is found out once nothing is in the way');
is($fake->count, 20, 'every message was accepted once');
like(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/a result could not be recorded alone; Twilio's SID: SM/, 'the log has its SID');

done_testing();
