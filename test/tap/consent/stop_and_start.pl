# STOP, START, HELP and Twilio's refusals: who is bound by them. The fake's ledger is the judge.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $url = 'https://coach.example/hooks/sms';
my $fake = start_fake(args => [ '--inbound-url', $url ]);
my $node = new_server('main', fake => $fake, conf => short_times() . "coach_sms.public_url = '$url'\n");
$node->go_live;

my ($ann, $bob) = ('+61491570006', '+61491570157');
my ($number, $other_number) = ('+61491570156', '+61491570158');
# The first two share a sender, the third has another one; the last writes later.
my $org = $node->make_org(twilio_phone_number => $number);
my $shares = $node->make_org(twilio_phone_number => $number);
my $apart = $node->make_org(twilio_phone_number => $other_number);
my $late = $node->make_org(twilio_phone_number => $number);

sub sql { return $node->safe_psql('postgres', $_[0]) }

# A text from a person, as Twilio would post it; returns the webhook's statuses.
sub text {
    my ($from, $body, %more) = @_;
    $node->relay_callbacks;    # of what was sent
    $fake->inbound($from, $number, $body, %more);
    return join ' ', $node->relay_callbacks;
}

sub is_list {
    my ($expected, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is(sql("SELECT string_agg(CASE org_id WHEN '$org' THEN 'org' WHEN '$shares' THEN 'shares' WHEN '$apart' THEN 'apart' ELSE 'late' END
                     || ' ' || right(phone, 3) || ' ' || reason, ', ' ORDER BY org_id = '$org' DESC, org_id = '$shares' DESC, phone) FROM sms_suppression"),
        $expected, $name);
}

# Asks, and sends nothing: its callbacks would come among those of the texts below.
sub refused {
    my ($to, $of) = @_;
    my (undef, undef, $error) = $node->psql('postgres', "\\set VERBOSITY sqlstate\nBEGIN; SELECT sms_enqueue('$of', to_phone => '$to', body => 'x'); ROLLBACK");
    return $error =~ /SM007/ ? 'yes' : 'no';
}

# 1. A STOP binds those that wrote to that phone with that sender, and cancels what waits there.
$node->wait_for_status($node->enqueue($_, '0491 570 006', "first of $_"), 'sent') for $org, $shares, $apart;
my @waiting = map { $node->enqueue($_, $ann, "later of $_", scheduled_for => 'tomorrow') } $org, $shares, $apart;
is(text($ann, ' Stop. ', times => 3), '200 200 200', 'a STOP that comes three times is taken');
is_list('org 006 opt_out, shares 006 opt_out', 'both orgs of the sender have it on their lists, the third has not');
is(sql("SELECT string_agg(status || coalesce(' ' || error_code, ''), ', ' ORDER BY id) FROM sms_messages WHERE body LIKE 'later of %'"),
    'cancelled opted_out, cancelled opted_out, pending', 'what waits is cancelled where it binds');
is(sql("SELECT count(*) || ' ' || min(event_status) FROM sms_events WHERE event_type = 'inbound'"), '1 STOP', 'and it is stored once');
is(refused($ann, $late), 'yes', 'an org that writes with that sender later is bound too');
is(refused($ann, $apart), 'no', 'one with another sender is not');
is(sql("SELECT is_phone_suppressed('$late', '0491570006')"), 't', 'and can ask');

# 2. START lifts it, but not what the org itself entered; YES lifts only what a STOP did.
sql("SELECT sms_opt_out('$shares', '$bob', 'manual')");
is(text($bob, 'YES'), '200', 'a YES of somebody who never said STOP');
is(text($bob, 'Start'), '200', 'a START for a manual entry');
is_list('org 006 opt_out, shares 006 opt_out, shares 157 manual', 'both change nothing');
is(text($ann, 'yes!'), '200', 'a YES after a STOP');
is_list('shares 157 manual', 'lifts it for all orgs');
is(refused($ann, $late), 'no', 'and for those to come');
is(sql("SELECT string_agg(coalesce(event_status, '-'), ' ' ORDER BY received_at) FROM sms_events WHERE event_type = 'inbound'"),
    'STOP YES START START', 'the events show the kind of each text');

# 3. Other texts are kept with the org that wrote last; HELP does nothing; OptOutType decides.
is(text($ann, 'See you at nine, I will not stop'), '200', 'an ordinary text');
is(text($ann, 'help'), '200', 'a HELP');
is(sql("SELECT string_agg(coalesce(event_status, '-') || ' ' || (org_id IN ('$org', '$shares', '$late'))::text, ', ' ORDER BY received_at)
          FROM (SELECT * FROM sms_events WHERE event_type = 'inbound' ORDER BY received_at DESC LIMIT 2) e"), '- true, HELP true', 'are kept for the org');
is(text($ann, 'Arrete', opt_out_type => 'STOP'), '200', 'a word of Advanced Opt-Out');
is(refused($ann, $org), 'yes', 'binds');
text($ann, 'START');

# 4. What Twilio refuses for the recipient's sake enters the list, and cancels what waits.
$fake->post('scenario', to => $bob, marker => 'status=400 code=21610');
$node->enqueue($org, $bob, 'later for bob', scheduled_for => 'tomorrow');
$node->wait_for_status($node->enqueue($org, $bob, 'to bob'), 'failed');
$node->wait_for_sql("SELECT reason || ' ' || source || ' ' || notes FROM sms_suppression WHERE org_id = '$org' AND phone = '$bob'", 'opt_out twilio error 21610');
$node->wait_for_sql("SELECT error_code FROM sms_messages WHERE body = 'later for bob'", 'opted_out');
is(refused($bob, $late), 'yes', 'a 21610 binds the sender for all');
my $gone = '+61491570159';
$fake->post('scenario', to => $gone, marker => 'undelivered=30004');
$node->enqueue($apart, $gone, 'lost', scheduled_for => 'tomorrow');
my $undelivered = $node->enqueue($apart, $gone, 'undelivered');
$node->wait_for_status($undelivered, 'sent');
$node->relay_callbacks;
$node->wait_for_status($undelivered, 'failed');
is(sql("SELECT reason || ' ' || source || ' ' || notes FROM sms_suppression WHERE org_id = '$apart' AND phone = '$gone'"), 'carrier_violation twilio error 30004', 'a callback does the same');
is(sql("SELECT status || ' ' || error_code FROM sms_messages WHERE body = 'lost'"), 'cancelled opted_out', 'and cancels what waits');
for my $code (21211, 21614) {
    my $landline = "+614915701$code" =~ s/(?<=701)\d\d//r;
    $fake->post('scenario', to => $landline, marker => "status=400 code=$code");
    $node->wait_for_status($node->enqueue($apart, $landline, 'to a number that takes none'), 'failed');
    $node->wait_for_sql("SELECT reason || ' ' || notes FROM sms_suppression WHERE org_id = '$apart' AND phone = '$landline'", "invalid_number error $code");
}
text($bob, 'START');
is(sql("SELECT string_agg(DISTINCT reason, ' ') FROM sms_suppression WHERE org_id = '$apart'"), 'carrier_violation invalid_number', 'START lifts none of these');

# 5. An opt-out that is acknowledged while the sender stands right before the first byte still wins.
arm($node, 'connected=stop@1');
my $last = $node->enqueue($org, $ann, 'too late');
my $pid = wait_frozen($node);
is(text($ann, 'STOP'), '200', 'a STOP while the sender is about to write');
disarm($node);
kill CONT => $pid;
$node->wait_for_status($last, 'cancelled');
is($fake->count(body => 'too late'), 0, 'nothing was written');
is(sql("SELECT error_code || ' ' || attempt_count FROM sms_messages WHERE id = '$last'"), 'opted_out 0', 'and the message says why');

# So does one that comes between the statement of an org that has not written yet and its commit.
my $carol = '+61491570110';
$node->wait_for_status($node->enqueue($org, $carol, 'to carol'), 'sent');
my $session = $node->background_psql('postgres', on_error_stop => 1);
$session->query_safe("BEGIN; SELECT sms_enqueue('$late', to_phone => '$carol', body => 'raced')");
is(text($carol, 'STOP'), '200', 'a STOP before an enqueue commits');
is(sql("SELECT string_agg(org_id::text, ' ') FROM sms_suppression WHERE phone = '$carol'"), $org, 'is on the list of who wrote');
$session->query_safe('COMMIT');
$session->quit;
$node->wait_for_sql("SELECT status || ' ' || error_code FROM sms_messages WHERE body = 'raced'", 'cancelled opted_out', undef, name => 'and binds who did not');
is($fake->count(body => 'raced'), 0, 'nothing was written');

# 6. An org's own token does not speak for another account's orgs.
my $foreign = $node->make_org(twilio_account_sid => 'AC' . '77' x 16, twilio_auth_token_encrypted => 'foreign', twilio_phone_number => $number);
text($ann, 'STOP', account => 'AC' . '77' x 16);
is(refused($ann, $foreign), 'no', 'an opt-out of one account is none of another');

# 7. A short code is itself in every region: a STOP that is sent to it keeps back what waits, and START lets it go again.
for my $case (['DE', '89045', '+4915112345678'], ['AT', '82812', '+436641234567'], ['FI', '16400', '+358401234567'], ['ZA', '31022', '+27821234567'],
    ['LU', '64666', '+352621123456'], ['IT', '480480', '+393401234567'], ['PH', '256789', '+639171234567'], ['US', '778899', '+12025550143'])
{
    my ($region, $code, $person) = @$case;
    my $sends = $node->make_org(default_region => $region, twilio_phone_number => $code);
    my $waits = $node->enqueue($sends, $person, "waits in $region", scheduled_for => 'tomorrow');
    $fake->inbound($person, $code, 'STOP');
    $node->relay_callbacks;
    is(sql("SELECT status || ' ' || error_code FROM sms_messages WHERE id = '$waits'"), 'cancelled opted_out', "$region: a STOP to $code takes back what waits");
    is(refused($person, $sends), 'yes', "$region: nothing else goes to that person");
    $fake->inbound($person, $code, 'START');
    $node->relay_callbacks;
    $node->wait_for_status($node->enqueue($sends, $person, "goes in $region"), 'sent', undef, name => "$region: after a START it goes");
    is(join(' ', map { "$_->{from} $_->{body}" } $fake->ledger(to => $person)), "$code goes in $region", "$region: from $code, and it alone");
}
done_testing();
