# Messages whose callback never came are asked about: at coach_sms.fetch_delay, and ever more rarely after. What Twilio says
# moves them like a callback; price and segments are noted.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Rules;
use CoachSms::Wait qw(wait_until);

my $fake = start_fake(https => 0, callbacks => 'hold');
my $node = new_server('main', fake => $fake, clock => 1,
    conf => short_times() . "coach_sms.public_url = '" . $fake->url . "/hook'\ncoach_sms.fetch_delay = '10min'");
$fake->post('default', marker => 'callback=sent no-callback');
$node->go_live;
$node->set_clock('2026-03-10 09:00:00+00');
my $org = $node->make_org;

sub sql { return $node->safe_psql('postgres', $_[0]) }

# How often Twilio was asked: about that message, or about any.
sub asked {
    my ($id) = @_;
    my $sid = $id && sql("SELECT provider_message_id FROM sms_messages WHERE id = '$id'");
    my ($message) = grep { $id && $_->{sid} eq $sid } $fake->ledger;
    return scalar grep { $_->{kind} eq 'fetch' && (!$id || $_->{message_seq} == $message->{seq}) } $fake->requests;
}

my $number = 0;
sub text { my ($body, %more) = @_; return $node->enqueue($org, sprintf('+614916%05d', ++$number), $body, %more); }

# Twilio's own record of a text changes, and no callback comes of it.
sub twilio_says {
    my ($id, %columns) = @_;
    my $sid = sql("SELECT provider_message_id FROM sms_messages WHERE id = '$id'");
    $fake->post('status', sid => $sid, %columns);
    return $sid;
}

# --- the callback that never came -----------------------------------------------------------------------------------------

my $lost = text('its callback is lost');
my $refused = text('its failure is lost');
my $called_back = text('its callback comes');
my $slow = text('the carrier is slow');
$node->wait_for_status($_, 'sent') for $lost, $refused, $called_back, $slow;
twilio_says($lost, status => 'delivered', price => '-0.0515', price_unit => 'usd');
sql("UPDATE sms_messages SET segments = 9 WHERE id = '$lost'");
twilio_says($refused, status => 'undelivered', error_code => 30005);
my $sid = twilio_says($called_back, status => 'delivered');
my $callback;
ok(wait_until(sub { ($callback) = grep { $_->{message_sid} eq $sid && $_->{status} eq 'delivered' } $fake->callbacks; return $callback }), 'the callback is made');
sql(sprintf 'SELECT sms_twilio_webhook(%s, %s, %s)', map { sql_quote($_) } @$callback{qw(url body signature)});
$node->wait_for_status($called_back, 'delivered');

$node->set_clock('2026-03-10 09:09:00+00');
settle($node);
is(asked(), 0, 'Twilio is not asked before coach_sms.fetch_delay is over');
$node->set_clock('2026-03-10 09:11:30+00');
$node->wait_for_status($lost, 'delivered');
$node->wait_for_status($refused, 'failed');
is(sql("SELECT error_code FROM sms_messages WHERE id = '$refused'"), '30005', 'with its reason');
$node->wait_for_sql("SELECT price, price_unit FROM sms_messages WHERE id = '$lost'", '0.0515|USD', undef, name => 'and what it cost, as a positive number');
is(sql("SELECT segments FROM sms_messages WHERE id = '$lost'"), '1', 'and how many segments it had');
is(sql("SELECT string_agg(DISTINCT event_type || ' ' || event_status, ', ') FROM sms_events WHERE message_id = '$lost'"), 'fetch delivered', 'the answer is an event');
like(sql("SELECT string_agg(what || ': ' || detail, '; ') FROM sms_why('$lost')"), qr/twilio was asked: delivered/, 'sms_why() shows it');
$node->wait_for_sql("SELECT event_status FROM sms_events WHERE message_id = '$slow'", 'sent', undef, name => 'one of which Twilio knows no end stays');
$node->wait_for_status($slow, 'sent');
is_deeply([ map { asked($_) } $lost, $refused, $called_back, $slow ], [ 1, 1, 0, 1 ], 'each was asked about once, and the one whose callback came was not');

# --- ever more rarely --------------------------------------------------------------------------------------------------------

$node->set_clock('2026-03-10 09:35:00+00');
settle($node);
is(asked($slow), 1, 'it is not asked about again at once');
$node->set_clock('2026-03-10 09:50:00+00');
ok(wait_until(sub { asked($slow) == 2 }), 'but at four times the age');
twilio_says($slow, status => 'delivered');
$node->set_clock('2026-03-10 12:00:00+00');
$node->wait_for_status($slow, 'delivered');

# --- locked, gone, another account ------------------------------------------------------------------------------------------

my $locked = text('its row is locked');
my $deleted = text('its row is deleted');
$node->wait_for_status($_, 'sent') for $locked, $deleted;
twilio_says($_, status => 'delivered') for $locked, $deleted;
sql("DELETE FROM sms_messages WHERE id = '$deleted'");
my $holder = $node->background_psql('postgres');
$holder->query_safe("BEGIN; SELECT FROM sms_messages WHERE id = '$locked' FOR UPDATE");
$node->set_clock('2026-03-10 12:12:00+00');
$node->wait_for_sql("SELECT event_status FROM sms_events WHERE message_id = '$locked' AND processed_at IS NULL", 'delivered', undef, name => 'news of a message that the application has locked waits');
$holder->query_safe('COMMIT');
$holder->quit;
$node->wait_for_status($locked, 'delivered');

# --- where no webhook can reach us -------------------------------------------------------------------------------------------

$node->append_conf('postgresql.conf', "coach_sms.public_url = ''\n");
$node->reload;
my $poor = text('nobody can call us');
$node->wait_for_status($poor, 'sent');
twilio_says($poor, status => 'delivered');
$node->advance('70 seconds');
$node->wait_for_status($poor, 'delivered');
like(sql("SELECT problem FROM sms_doctor() WHERE check_name = 'public_url'"), qr/asked about each message/, 'sms_doctor() says how delivery is known');

# --- a new sender, a Twilio that is down, and many ---------------------------------------------------------------------------

my @many = map { text("one of many, $_") } 1 .. 60;
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE body LIKE 'one of many%' AND status = 'sent'", '60');
twilio_says($_, status => 'delivered') for @many[0 .. 58];
$node->stop;
$node->start;
$node->advance('90 seconds');
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE body LIKE 'one of many%' AND status = 'delivered'", '59');
is($fake->count(contains => 'one of many'), 60, 'asking sends nothing');

# --- prices -------------------------------------------------------------------------------------------------------------------

my $price = text('its price comes later');
$node->wait_for_status($price, 'sent');
twilio_says($price, status => 'delivered');
$node->advance('70 seconds');
$node->wait_for_status($price, 'delivered');
is(sql("SELECT price FROM sms_messages WHERE id = '$price'"), '', 'a price may not be known yet');
twilio_says($price, price => '-0.05', price_unit => 'USD');
$node->append_conf('postgresql.conf', 'coach_sms.fetch_prices = on');
$node->reload;
$node->advance('4 minutes');
$node->wait_for_sql("SELECT price FROM sms_messages WHERE id = '$price'", '0.05', undef, name => 'with fetch_prices it is asked for later');

# --- off ------------------------------------------------------------------------------------------------------------------------

$node->append_conf('postgresql.conf', 'coach_sms.fetch_delay = 0');
$node->reload;
$node->wait_for_sql('SHOW coach_sms.fetch_delay', '0');
settle($node);
my $off = text('nobody asks');
$node->wait_for_status($off, 'sent');
my $before = asked();
$node->advance('4 days');
settle($node);
is(asked(), $before, 'with fetch_delay 0 nothing is asked');

# --- sms_cost ------------------------------------------------------------------------------------------------------------------

sql("UPDATE sms_settings SET price_per_segment = 0.08, currency = 'AUD' WHERE org_id = '$org'");
is(sql("SELECT month, currency, price, cost FROM sms_cost WHERE org_id = '$org' AND currency = 'USD'"), '2026-03-01|USD|0.1015|0.1015', 'sms_cost sums what Twilio charged');
is(sql("SELECT cost = segments_without_price * 0.08 AND price IS NULL AND segments_without_price > 60 FROM sms_cost WHERE org_id = '$org' AND currency = 'AUD'"), 't', 'and estimates the rest');
is(sql("SELECT count(*) FROM sms_cost WHERE org_id = '$org' AND note IS NOT NULL"), '0', 'with nothing to add');
sql("UPDATE sms_settings SET price_per_segment = NULL WHERE org_id = '$org'");
is(sql("SELECT segments > 60, cost IS NULL, note FROM sms_cost WHERE org_id = '$org' AND currency = 'AUD'"),
    't|t|no price is known: set sms_settings.price_per_segment and currency, or coach_sms.fetch_prices = on', 'without a price it says what to set');

$node->wait_for_sql('SELECT unprocessed_events FROM sms_health', '0');
is_deeply([ $fake->duplicates ], [], 'nothing went twice');
done_testing();
