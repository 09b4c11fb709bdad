# Quiet hours by a clock that is moved: nothing arrives inside, what waited goes when the window opens, spread and
# soonest session first.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Rules;

# No poll helps: whatever goes is woken for.
my $fake = start_fake(https => 0, callbacks => 'off');
my $node = new_server('main', fake => $fake, clock => 1, conf => short_times(poll_interval => 3_600_000));
$node->go_live;
my $sydney = $node->make_org(timezone => 'Australia/Sydney', quiet_hours_start => 21, quiet_hours_end => 8);

# --- an evening, a night and a morning ---------------------------------------------------------------------------------

$node->set_clock('2026-03-10 20:00:00+11');
$node->text($sydney, 'evening');
$node->text($sydney, 'evening, session at nine', expires_at => '2026-03-10 20:30:00+11');
wait_for_bodies($node, qr/^evening/, 2, 'the evening is free');
my ($plain, $soon) = map { $_->{validity_period} } arrivals($node, qr/^evening/);
ok($plain > 3500 && $plain <= 3600, 'Twilio may keep it until the night begins') or diag($plain);
ok($soon > 1700 && $soon <= 1800, 'or until its session') or diag($soon);

$node->set_clock('2026-03-10 20:59:58+11');
$fake->post('scenario', to => '+61491599999', marker => 'status=429 retry-after=3 times=1');
my $again = $node->enqueue($sydney, '+61491599999', 'night: refused at first');
$node->wait_for_sql("SELECT status, attempt_count FROM sms_messages WHERE id = '$again'", 'queued|1');

$node->set_clock('2026-03-10 21:00:00+11');
$node->text($sydney, "night: session at $_", expires_at => "2026-03-11 $_:00:00+11") for 13, 10, 12, 11;
$node->text($sydney, 'urgent', metadata => '{"quiet_hours_override": true}');
$node->text($sydney, 'no urgency', metadata => '{"quiet_hours_override": "true"}', expires_at => '2026-03-10 23:30:00+11');
$node->text($sydney, 'New York', metadata => '{"timezone": "America/New_York"}');
wait_for_bodies($node, qr/^urgent/, 1, 'the override goes at once');
for my $time ('21:00:30', '22:59:50') {
    $node->set_clock("2026-03-10 $time+11");
    settle($node);
    is_deeply([ bodies($node, qr/night|New York|no urgency/) ], [], "at $time nothing else goes, not even what Twilio had refused for now");
}
$node->set_clock('2026-03-10 23:00:00+11');
$node->advance('6 minutes');
wait_for_bodies($node, qr/^New York/, 1, 'it is eight in New York, where this client lives');
$node->set_clock('2026-03-11 07:59:55+11');
settle($node);
is_deeply([ bodies($node, qr/^night/) ], [], 'still nothing just before eight');

# Five minutes for five that waited.
$node->set_clock('2026-03-11 08:00:00+11');
my @counts;
for (0 .. 5) {
    settle($node);
    push @counts, scalar bodies($node, qr/^night/);
    $node->text($sydney, 'morning') if $_ == 0;
    $node->advance('1 minute');
}
wait_for_bodies($node, qr/^night/, 5, 'when five minutes are over all have gone');
ok($counts[0] <= 2 && $counts[2] >= 2 && $counts[2] <= 4, 'they are spread') or diag("each minute: @counts");
is_deeply([ grep { /session/ } bodies($node, qr/^night/) ], [ map { "night: session at $_" } 10 .. 13 ], 'the soonest session goes first');
ok(scalar(grep { $_ eq 'morning' } (bodies($node, qr/^(night|morning)/))[ 0 .. 2 ]), 'what falls due after eight does not queue behind them')
  or diag(explain([ bodies($node, qr/^(night|morning)/) ]));

# --- settings ----------------------------------------------------------------------------------------------------------

$node->append_conf('postgresql.conf', 'coach_sms.quiet_hours_spread = 0');
$node->reload;
$node->set_clock('2026-03-11 22:00:00+11');
$node->text($sydney, "held $_") for 1 .. 8;
settle($node);
is_deeply([ bodies($node, qr/^held/) ], [], 'the next night holds too');
$node->set_org($sydney, 'quiet_hours_start = 23');
wait_for_bodies($node, qr/^held/, 8, 'a later start lets all of them go, at once');
$node->set_org($sydney, 'quiet_hours_start = 22');
$node->text($sydney, 'held by the zone');
settle($node);
is_deeply([ bodies($node, qr/^held by/) ], [], 'an earlier one counts at once too');
$node->set_org($sydney, q{timezone = 'Europe/Berlin'});
wait_for_bodies($node, qr/^held by/, 1, 'as does another zone');
my $moved = $node->text($sydney, 'held in Auckland', metadata => '{"timezone": "Pacific/Auckland"}');
settle($node);
is($fake->count(body => 'held in Auckland'), 0, 'it is night where this client was thought to live');
raises($node, "UPDATE sms_messages SET metadata = '{\"timezone\": \"Pacific/Aukland\"}' WHERE id = '$moved'", 'SM020', 'a zone that does not exist is refused there too');
$node->safe_psql('postgres', "UPDATE sms_messages SET metadata = '{\"timezone\": \"Asia/Tokyo\"}' WHERE id = '$moved'");
wait_for_bodies($node, qr/^held in/, 1, 'the message goes once it is known where they are');

my %org = (
    'start is end' => $node->make_org(quiet_hours_start => 11, quiet_hours_end => 11),
    'no start'     => $node->make_org(quiet_hours_start => undef, quiet_hours_end => 8),
    'at noon'      => $node->make_org(quiet_hours_start => 12, quiet_hours_end => 14));
$node->set_clock('2026-03-12 11:59:50+00');
$node->text($org{$_}, "$_: before twelve") for sort keys %org;
wait_for_bodies($node, qr/: before twelve$/, 3, 'before twelve all may send');
$node->set_clock('2026-03-12 12:00:00+00');
$node->text($org{$_}, "$_: after twelve") for sort keys %org;
settle($node);
is_deeply([ sort(bodies($node, qr/: after twelve$/)) ], [ 'no start: after twelve', 'start is end: after twelve' ],
    'an hour that begins and ends quiet hours, or none, holds nothing; a window within a day does');
$node->set_clock('2026-03-12 14:00:00+00');
wait_for_bodies($node, qr/^at noon: after twelve/, 1, 'until it ends');

# --- what is on its way when the night begins -----------------------------------------------------------------------------

# Claims that are frozen before a byte has left; the clock, or a person, then makes it night.
sub frozen_until {
    my ($org, $body, $place, $night) = @_;
    arm($node, "$place=stop\@1");
    $node->text($org, $body);
    my $pid = wait_frozen($node);
    disarm($node);
    $night->();
    kill CONT => $pid;
    settle($node);
    is($fake->count(body => $body), 0, "$body: it does not leave any more");
    return;
}
my $org = $node->make_org(quiet_hours_start => 21, quiet_hours_end => 8);
for my $place ('after-claim', 'before-connect') {
    my $day = $place eq 'after-claim' ? 12 : 13;
    $node->set_clock("2026-03-$day 20:59:58+00");
    frozen_until($org, "dusk at $place", $place, sub { $node->set_clock("2026-03-$day 21:00:00+00") });
    $node->set_org($org, 'quiet_hours_start = 23');
    wait_for_bodies($node, qr/^dusk at $place/, 1, 'but when it may');
    $node->set_org($org, 'quiet_hours_start = 21');
}
$node->set_clock('2026-03-14 12:00:00+00');
frozen_until($org, 'dusk by decree', 'after-claim', sub { $node->set_org($org, 'quiet_hours_start = 11, quiet_hours_end = 14') });
$node->set_org($org, 'quiet_hours_start = 21, quiet_hours_end = 8');
wait_for_bodies($node, qr/^dusk by decree/, 1, 'until it is day again');

# In doubt when the night began, and found absent in it.
$node->set_clock('2026-03-14 20:59:58+00');
$fake->post('scenario', to => '+61491599998', marker => 'stall-before times=1');
my $doubtful = $node->enqueue($org, '+61491599998', 'doubtful');
$fake->wait_for(open => 1);
$node->set_clock('2026-03-14 21:00:00+00');
$node->wait_for_status($doubtful, 'queued');
settle($node);
is($fake->count(body => 'doubtful'), 0, 'what turns out not to have been taken waits for the morning too');
$node->set_clock('2026-03-15 08:00:00+00');
wait_for_bodies($node, qr/^doubtful/, 1, 'and goes then');

# --- zones that do not exist --------------------------------------------------------------------------------------------

raises($node, "UPDATE sms_settings SET timezone = 'Australia/Sidney'", 'SM020', 'an org cannot live in a zone that does not exist');
raises($node, "SELECT sms_enqueue('$sydney', to_phone => '+61491570006', body => 'x', metadata => '{\"timezone\": \"Mars/Olympus\"}')", 'SM020', 'nor a client');
raises($node, "INSERT INTO sms_messages (org_id, to_phone, body, metadata) VALUES ('$sydney', '+61491570006', 'x', '{\"timezone\": \"Mars/Olympus\"}')", 'SM020',
    'nor by a plain INSERT');

# --- a sender that is killed while it spreads ---------------------------------------------------------------------------

$node->append_conf('postgresql.conf', "coach_sms.quiet_hours_spread = '5min'");
$node->reload;
$node->set_org($sydney, q{timezone = 'Australia/Sydney', quiet_hours_start = 21});
$node->set_clock('2026-03-16 23:00:00+11');
$node->text($sydney, "late $_") for 1 .. 30;
$node->set_clock('2026-03-17 08:00:00+11');
settle($node);
my $before = bodies($node, qr/^late/);
arm($node, 'connected=stop@3');
$node->advance('2 minutes');
my $pid = wait_frozen($node);
disarm($node);
kill_sender($node, $pid);
settle($node);
my $after = bodies($node, qr/^late/);
cmp_ok($after, '<', 30, 'the one after it goes on spreading');
$node->advance('4 minutes');
wait_for_bodies($node, qr/^late/, 30, 'none is lost');
is_deeply([ $fake->duplicates ], [], 'and none went twice');
diag("before $before, after $after") unless $before < 10;
cmp_ok($before, '<', 10, 'it was in the midst of it');

my @inside = grep {
    my $hour = $node->safe_psql('postgres', sprintf "SELECT extract(hour FROM to_timestamp(%s) AT TIME ZONE 'Australia/Sydney')", $node->clock_at($_->{received_at}));
    $hour >= 21 || $hour < 8;
} arrivals($node, qr/^(evening|night|morning|late)/);
is(scalar(@inside), 0, 'by the clock of their arrival none came inside quiet hours');

# --- a zone that this server does not know any more ---------------------------------------------------------------------

my $gone = $node->make_org(max_sms_per_hour => 100, monthly_budget_segments => 100, max_segments_per_second => 100);
my $bystander = $node->make_org(max_sms_per_hour => 100, monthly_budget_segments => 100);
$node->safe_psql('postgres', "ALTER TABLE sms_settings DISABLE TRIGGER sms_settings_check;
    UPDATE sms_settings SET timezone = 'Nowhere/Gone' WHERE org_id = '$gone'; ALTER TABLE sms_settings ENABLE TRIGGER sms_settings_check");
$node->text($gone, 'zone gone');
$node->text($bystander, 'zone known');
wait_for_bodies($node, qr/^zone/, 2, 'an org whose zone is gone sends, as in UTC, and holds up no other');
is($node->safe_psql('postgres', "SELECT messages FROM sms_cost WHERE org_id = '$gone'"), '1', 'its month can be found');
is($node->safe_psql('postgres', "SELECT count(*) FROM sms_queue_stat WHERE org_id = '$gone'"), '1', 'and its queue');
like($node->safe_psql('postgres', "SELECT problem FROM sms_doctor() WHERE check_name = 'zones'"), qr/does not know: $gone/, 'sms_doctor() reports it');

done_testing();
