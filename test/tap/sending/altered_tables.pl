# The sender writes its tables without a plan. All that a statement would do for tables that an administrator or the
# application has altered happens, once a change; and where a change makes it impossible, nothing is lost.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Fake;
use CoachSms::Log;

my $fake = start_fake();
my $node = new_server('main', fake => $fake, conf => 'coach_sms.poll_interval = 200ms');
$node->go_live;
my $org = $node->make_org(max_sms_per_client_per_day => undef);
my $expected = 0;

sub send_three {
    my ($name) = @_;
    $expected += 3;
    $node->wait_for_status($_, 'sent') for $node->texts($org, $name, 3);
    is(scalar($fake->ledger), $expected, "$name: Twilio took each message once");
    return;
}

sub seen { my ($order) = @_; return $node->safe_psql('postgres', "SELECT line, count(*) FROM seen GROUP BY line ORDER BY line; TRUNCATE seen"); }

send_three('as installed');    # the sender's own parts of the tables are made before they are altered

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE seen (line text);
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  INSERT INTO seen VALUES (concat_ws(' ', TG_NAME, CASE WHEN TG_OP = 'UPDATE' THEN OLD.status || ' to' END, NEW.status));
  RETURN NEW;
END
$$;
CREATE TRIGGER a_before BEFORE UPDATE ON sms_messages FOR EACH ROW EXECUTE FUNCTION see();
CREATE TRIGGER b_status AFTER UPDATE OF status ON sms_messages FOR EACH ROW EXECUTE FUNCTION see();
CREATE TRIGGER c_body AFTER UPDATE OF body ON sms_messages FOR EACH ROW EXECUTE FUNCTION see();
CREATE CONSTRAINT TRIGGER d_deferred AFTER UPDATE ON sms_messages DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (NEW.status = 'sent') EXECUTE FUNCTION see();
CREATE TRIGGER e_attempt AFTER INSERT ON sms_attempts FOR EACH ROW EXECUTE FUNCTION see();
ALTER TABLE sms_attempts ADD COLUMN source text DEFAULT 'sender', ADD COLUMN digits int GENERATED ALWAYS AS (length(provider_message_id)) STORED;
SQL
send_three('triggers of rows');
is(seen(), join("\n",
    'a_before queued to sending|3', 'a_before sending to sent|3', 'b_status queued to sending|3', 'b_status sending to sent|3',
    'd_deferred sending to sent|3', 'e_attempt success|3'), 'each trigger fires once a change, and one for another column does not');
is($node->safe_psql('postgres', 'SELECT source, digits, count(*) FROM sms_attempts GROUP BY 1, 2'), 'sender|34|6', 'an attempt has its default and its generated column');

$node->safe_psql('postgres', <<'SQL');
ALTER TABLE sms_messages ADD COLUMN state text GENERATED ALWAYS AS (status || ' ' || attempt_count) STORED;
CREATE FUNCTION see_rows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  INSERT INTO seen SELECT concat_ws(' ', TG_NAME, o.status, 'to', n.status) FROM before o JOIN after n USING (id);
  RETURN NULL;
END
$$;
CREATE TRIGGER f_rows AFTER UPDATE ON sms_messages REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION see_rows();
CREATE RULE copy AS ON INSERT TO sms_attempts DO ALSO INSERT INTO public.seen VALUES ('rule ' || NEW.status);
GRANT INSERT ON seen TO coach_sms_owner;
SQL
send_three('triggers of statements and rules');
is(seen(), join("\n",
    'a_before queued to sending|3', 'a_before sending to sent|3', 'b_status queued to sending|3', 'b_status sending to sent|3',
    'd_deferred sending to sent|3', 'e_attempt success|3', 'f_rows queued to sending|3', 'f_rows sending to sent|3', 'rule success|3'),
    'the rows that need a statement get one');
is($node->safe_psql('postgres', q(SELECT state, count(*) FROM sms_messages WHERE status = 'sent' GROUP BY 1)), 'sent 1|9', 'a generated column follows');
$node->safe_psql('postgres', 'DROP RULE copy ON sms_attempts; DROP TABLE seen CASCADE; DROP FUNCTION see() CASCADE; DROP FUNCTION see_rows() CASCADE');
send_three('without triggers');
$node->safe_psql('postgres', 'ALTER TABLE sms_messages DROP COLUMN state, ALTER COLUMN from_phone TYPE varchar(20); ALTER TABLE sms_attempts ALTER COLUMN error_message TYPE varchar');
send_three('columns of a type that casts');

# A trigger that skips a change keeps the whole change back, and says so.
my $skipped_at = log_mark($node);
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER skip BEFORE UPDATE ON sms_messages FOR EACH ROW WHEN (NEW.body = 'skipped 1') EXECUTE FUNCTION skip();
SQL
my ($skipped) = $node->texts($org, 'skipped', 1);
wait_for_log_line($node, $skipped_at, qr/a trigger on sms_messages has skipped a change/, 'a skipped change is logged');
$node->safe_psql('postgres', 'DROP TRIGGER skip ON sms_messages');
$node->wait_for_status($skipped, 'sent');
is(scalar($fake->ledger), ++$expected, 'its message went once');

# Without its index the queue has no order. The sender says so, claims nothing, and goes on when the index is back.
my $mark = log_mark($node);
my $index = $node->safe_psql('postgres', "SELECT pg_get_indexdef('coach_sms_internal.sms_queue_claim'::regclass)");
$node->safe_psql('postgres', 'DROP INDEX coach_sms_internal.sms_queue_claim');
my @waiting = $node->texts($org, 'no index', 3);
wait_for_log_line($node, $mark, qr/an index of sms_queue is missing or not valid/, 'the sender says that an index is missing');
is($node->safe_psql('postgres', "SELECT count(*) FROM sms_messages WHERE body LIKE 'no index%' AND status = 'queued'"), '3', 'nothing is claimed');
is($node->safe_psql('postgres', "SELECT level FROM sms_doctor() WHERE check_name = 'indexes'"), 'error', 'sms_doctor() reports it');
$node->safe_psql('postgres', $index);
$expected += 3;
$node->wait_for_status($_, 'sent') for @waiting;
is(scalar($fake->ledger), $expected, 'the messages that waited went once');

# A publication without a replica identity refuses changes, as it does for a statement.
$mark = log_mark($node);
$node->safe_psql('postgres', 'SET client_min_messages = error; CREATE PUBLICATION all_messages FOR TABLE sms_messages; ALTER TABLE sms_messages REPLICA IDENTITY NOTHING');
my ($refused) = $node->texts($org, 'no identity', 1);
wait_for_log_line($node, $mark, qr/cannot update table "sms_messages" because it does not have a replica identity/, 'a publication without a replica identity refuses the change');
$node->safe_psql('postgres', 'DROP PUBLICATION all_messages; ALTER TABLE sms_messages REPLICA IDENTITY DEFAULT');
$node->wait_for_status($refused, 'sent');
is(scalar($fake->ledger), $expected + 1, 'it went once');

is_deeply([ $fake->duplicates ], [], 'nothing went twice');
$node->assert_no_crash;
done_testing();
