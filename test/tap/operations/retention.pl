# retention_days: what is finished and old leaves with its attempts and events, in batches; keys, opt-outs, budgets and costs stay.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Rules;

my $fake = start_fake(https => 0, callbacks => 'hold');
my $node = new_server('main', fake => $fake, clock => 1,
    conf => short_times() . "coach_sms.public_url = '" . $fake->url . "/hook'");
$node->go_live;
$node->set_clock('2026-03-02 09:00:00+00');
my ($org, $keeps) = ($node->make_org(retention_days => 5, monthly_budget_segments => 100, price_per_segment => 0.1, currency => 'AUD'), $node->make_org);

sub sql { return $node->safe_psql('postgres', $_[0]) }
sub left { my ($what) = @_; return sql("SELECT count(*) FROM sms_messages WHERE body LIKE '$what%'"); }
sub gone {
    my ($what, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return $node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE body LIKE '$what%'", '0', 30, name => $name);
}

# --- what leaves and what stays ---------------------------------------------------------------------------------------------

my $keyed = $node->enqueue($org, '+61491570006', 'old, with a key', idempotency_key => 'booking 1', variables => '{"a": 1}');
my $plain = $node->enqueue($org, '+61491570110', 'old, without');
my $refused = $node->enqueue($org, '+61491570111', 'old, cancelled', scheduled_for => '2026-03-02 20:00:00+00', idempotency_key => 'booking 2');
sql("SELECT sms_cancel('$refused')");
my $waits = $node->enqueue($org, '+61491570112', 'still waits', scheduled_for => '2026-03-20 09:00:00+00', idempotency_key => 'booking 3');
my $other = $node->enqueue($keeps, '+61491570113', 'another org');
$fake->wait_for(callbacks => 6);
$node->relay_callbacks;
$node->wait_for_status($_, 'delivered') for $keyed, $plain, $other;
sql("UPDATE sms_messages SET price = 0.05, price_unit = 'AUD' WHERE id = '$plain'");
$fake->inbound('+61491570006', '+61491570156', 'Thank you');
$fake->wait_for(callbacks => 7);
$node->relay_callbacks;
is(sql("SELECT count(*) FROM sms_events WHERE org_id = '$org' AND event_type = 'inbound'"), '1', 'a text from a person is kept');
my $spent = sql("SELECT segments FROM sms_cost WHERE org_id = '$org'");
is($spent, '2', 'two segments were handed over');

$node->set_clock('2026-03-07 08:00:00+00');
settle($node);
is(left('old'), 3, 'nothing leaves before retention_days are over');
$node->advance('2 hours');
$node->restart;
gone('old', 'then what is finished leaves');
is(sql("SELECT string_agg(body, ', ' ORDER BY body) FROM sms_messages WHERE body NOT LIKE 'probe%'"), 'another org, still waits', 'what waits stays, and so does another org\'s');
is(sql("SELECT count(*) FROM sms_attempts WHERE message_id IN ('$keyed', '$plain', '$refused')"), '0', 'attempts leave with their messages');
is(sql("SELECT count(*) FROM sms_events WHERE org_id = '$org'"), '0', 'and events, texts from people too');
is(sql("SELECT string_agg(idempotency_key, ', ' ORDER BY 1) FROM sms_idempotency_keys"), 'booking 1, booking 2', 'keys stay');

# --- keys ---------------------------------------------------------------------------------------------------------------------

is($node->enqueue($org, '+61491570006', 'old, with a key', idempotency_key => 'booking 1', variables => '{"a": 1}'), $keyed, 'a key seen before gives the first message\'s id, pruned or not');
raises($node, "SELECT sms_enqueue('$org', to_phone => '+61491570006', body => 'another text', idempotency_key => 'booking 1')", 'SM011', 'and stands for the same payload');
raises($node, "INSERT INTO sms_messages (org_id, to_phone, body, idempotency_key) VALUES ('$org', '+61491570006', 'old, with a key', 'booking 1')", '23505', 'a plain INSERT of it is refused as by the unique index');
is(sql(qq{SELECT message_id FROM sms_enqueue_batch('[{"org_id": "$org", "to_phone": "+61491570006", "body": "old, with a key", "variables": {"a": 1}, "idempotency_key": "booking 1"}]')}), $keyed, 'in a batch too');
settle($node);
is($fake->count(body => 'old, with a key'), 1, 'Twilio got it once');
is($node->enqueue($keeps, '+61491570006', 'its own key', idempotency_key => 'booking 1') ne $keyed, 1, 'another org\'s key is another key');

# A snapshot from before the key was moved must not find it in neither place.
my $slow = $node->enqueue($org, '+61491570114', 'slow', idempotency_key => 'booking 4');
$node->wait_for_status($slow, 'sent');
my $reader = $node->background_psql('postgres');
$reader->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
$node->advance('6 days');
$node->wait_for_sql("SELECT count(*) FROM sms_idempotency_keys WHERE idempotency_key = 'booking 4'", '1', 30, name => 'its key is moved');
settle($node);
is(left('slow'), 1, 'while a snapshot from before is in use, the message stays');
is($reader->query_safe("SELECT sms_enqueue('$org', to_phone => '+61491570114', body => 'slow', idempotency_key => 'booking 4')"), $slow, 'so that it finds the first message');
$reader->query_safe('COMMIT');
$reader->quit;
$node->advance('11 minutes');
gone('slow', 'then it leaves');
is($fake->count(body => 'slow'), 1, 'Twilio got it once');

# --- budget and cost ------------------------------------------------------------------------------------------------------------

is(sql("SELECT messages, segments, price, segments_without_price, cost FROM sms_cost WHERE org_id = '$org'"), '3|3|0.05|2|0.25', 'sms_cost knows what was pruned');
sql("UPDATE sms_settings SET monthly_budget_segments = 4 WHERE org_id = '$org'");
$node->enqueue($org, "+6149157012$_", "budget $_") for 1 .. 3;
wait_for_bodies($node, qr/^budget/, 1, 'the month\'s budget counts what was pruned');
settle($node);
is((bodies($node, qr/^budget/)), 1, 'and nothing above it goes');
$node->restart;
settle($node);
is((bodies($node, qr/^budget/)), 1, 'after a restart either');

# --- many, in batches -------------------------------------------------------------------------------------------------------------

my $bulk = $node->make_org(retention_days => 1);
sql("INSERT INTO sms_messages (org_id, to_phone, body, scheduled_for, idempotency_key)
     SELECT '$bulk', '+614915' || (70000 + n), 'bulk ' || n, now() + interval '1 hour', CASE WHEN n % 2 = 0 THEN 'bulk ' || n END FROM generate_series(1, 3000) n");
sql("UPDATE sms_messages SET status = 'cancelled' WHERE org_id = '$bulk'");
$node->advance('25 hours');
gone('bulk', '3000 leave');
is(sql("SELECT count(*) FROM sms_idempotency_keys WHERE org_id = '$bulk'"), '1500', 'their keys stay');

# --- what a late callback finds ---------------------------------------------------------------------------------------------------

my $late = $node->enqueue($bulk, '+61491570006', 'late');
$node->wait_for_status($late, 'sent');
$fake->wait_for(callbacks => 9);
$node->advance('25 hours');
gone('late', 'a message without its receipt leaves too');
is_deeply([ grep { $_ != 200 } $node->relay_callbacks ], [], 'its callback is taken');
$node->wait_for_sql('SELECT ok, problem FROM sms_health', 't|', undef, name => 'and nobody is troubled by it');

# --- sums of old attempts -----------------------------------------------------------------------------------------------------------

my $figures = "SELECT month, messages, segments, price, cost, sandbox FROM sms_cost WHERE org_id IN ('$org', '$keeps') ORDER BY org_id, month";
my $before = sql($figures);
$node->advance('9 days');
$node->wait_for_sql("SELECT NOT EXISTS (SELECT FROM sms_attempts a WHERE a.id > e.attempt_id) FROM sms_usage_end e", 't', 30, name => 'attempts of more than eight days are summed up');
is(sql("SELECT messages FROM sms_usage WHERE org_id = '$keeps'"), '2', 'also of an org that keeps its messages');
is(sql($figures), $before, 'sms_cost is what it was');
sql("UPDATE sms_settings SET monthly_budget_segments = 3 WHERE org_id = '$keeps'");
$node->enqueue($keeps, "+6149157013$_", "sum $_") for 1 .. 3;
wait_for_bodies($node, qr/^sum/, 1, 'the month\'s budget counts what is summed up');
settle($node);
is((bodies($node, qr/^sum/)), 1, 'and nothing above it goes');
is_deeply([ $fake->duplicates ], [], 'nothing went twice');
done_testing();
