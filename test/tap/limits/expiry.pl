# expires_at: whatever a message waits for, it is cancelled as expired once that is over, and no request was made for it;
# Twilio gets the time for which it may keep one. Downtime is no exception.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Rules;

my $fake = start_fake(https => 0, callbacks => 'off', args => [ '--account', 'AC' . '0b' x 16, '--token', 'other' ]);
my $node = new_server('main', fake => $fake, clock => 1, conf => short_times());
$node->go_live;
$node->set_clock('2026-03-10 09:00:00+00');

# --- what it waits for -----------------------------------------------------------------------------------------------------

my %org = (
    'quiet hours'      => $node->make_org(quiet_hours_start => 9, quiet_hours_end => 12),
    'the hour\'s limit' => $node->make_org(max_sms_per_hour => 0),
    'the budget'       => $node->make_org(monthly_budget_segments => 0),
    'a client\'s day'  => $node->make_org(paused_until => 'infinity', max_sms_per_client_per_day => 5),
    'the end of a pause' => $node->make_org(paused_until => 'infinity'),
    'being enabled'    => $node->make_org,
    'its account'      => $node->make_org(twilio_account_sid => 'AC' . '0b' x 16, twilio_auth_token_encrypted => 'not the token'),
);

# The account's trouble is found out with another text.
my $first = $node->text($org{'its account'}, 'a text that finds the token refused');
$node->wait_for_sql("SELECT attempt_count > 0 FROM sms_messages WHERE id = '$first'", 't', undef, name => 'an account is in trouble');

my %message;
for my $name (sort keys %org) {
    $message{$name} = $node->text($org{$name}, "waits for $name", expires_at => '2026-03-10 09:50:00+00',
        ($name eq 'being enabled' ? (scheduled_for => '2026-03-10 09:10:00+00') : ()));
}
$node->set_org($org{'being enabled'}, 'enabled = false');
$node->set_org($org{'a client\'s day'}, 'paused_until = NULL, max_sms_per_client_per_day = 0');
settle($node);
$node->set_clock('2026-03-10 09:49:00+00');
settle($node);
is($node->safe_psql('postgres', "SELECT count(*) FROM sms_messages WHERE body LIKE 'waits for%' AND status IN ('pending', 'queued', 'sending')"), scalar keys %message, 'up to then they wait')
  or diag($node->safe_psql('postgres', "SELECT body, status FROM sms_messages WHERE body LIKE 'waits for%'"));
$node->set_clock('2026-03-10 09:50:01+00');
for my $name (sort keys %message) {
    $node->wait_for_sql("SELECT status, error_code FROM sms_messages WHERE id = '$message{$name}'", 'cancelled|expired', 20, name => "waiting for $name it expires");
    is($fake->count(body => "waits for $name"), 0, 'and Twilio never had it');
}
is($node->safe_psql('postgres', "SELECT count(*) FROM coach_sms_internal.sms_queue q JOIN sms_messages m ON m.id = q.message_id WHERE m.body LIKE 'waits for%'"), '0', 'none of them waits any more');
for my $name (grep { $_ ne 'its account' } sort keys %message) {
    is($node->safe_psql('postgres', "SELECT attempt_count FROM sms_messages WHERE id = '$message{$name}'"), '0', "there was no request for the one that waited for $name");
}
$node->safe_psql('postgres', "SELECT sms_cancel('$first')");

# Bounds of quiet hours and of expiry: the window opens after the session has begun.
$node->set_clock('2026-03-11 08:00:00+00');
my $late = $node->text($org{'quiet hours'}, 'too late: the window opens after its session', scheduled_for => '2026-03-11 09:30:00+00', expires_at => '2026-03-11 11:59:59+00');
$node->set_clock('2026-03-11 12:00:00+00');
$node->wait_for_sql("SELECT status, error_code FROM sms_messages WHERE id = '$late'", 'cancelled|expired', 20, name => 'a window that opens after expires_at is too late');
is($fake->count(contains => 'too late'), 0, 'and nothing goes');

# --- how long Twilio may keep it ----------------------------------------------------------------------------------------------

my $open = $node->make_org;
$node->text($open, 'kept: two hours', scheduled_for => '2026-03-11 12:30:00+00', expires_at => '2026-03-11 14:30:00+00');
$node->text($open, 'kept: as long as Twilio does', scheduled_for => '2026-03-11 12:30:00+00', expires_at => '2026-03-13 12:30:00+00');
$node->text($open, 'kept: no end', scheduled_for => '2026-03-11 12:30:00+00');
$node->set_clock('2026-03-11 13:00:00+00');
wait_for_bodies($node, qr/^kept/, 3, 'three go half an hour late');
my %kept = map { $_->{body} => $_->{validity_period} } arrivals($node, qr/^kept/);
ok($kept{'kept: two hours'} <= 5400 && $kept{'kept: two hours'} > 5380, 'Twilio may keep it as long as is left') or diag($kept{'kept: two hours'});
ok($kept{'kept: as long as Twilio does'} == 0 || $kept{'kept: as long as Twilio does'} == 36_000, 'at most as long as Twilio keeps any');
is($kept{'kept: no end'}, 0, 'and one without an end as Twilio likes');

# --- six hours of downtime -------------------------------------------------------------------------------------------------------

$node->set_clock('2026-03-12 08:00:00+00');
my $scheduled = $node->safe_psql('postgres', "SELECT sms_enqueue('$open', to_phone => '+61491570006', body => 'downtime: its session began', scheduled_for => '2026-03-12 08:30:00+00', expires_at => '2026-03-12 13:00:00+00')");
my $lasting = $node->text($open, 'downtime: still worth it', scheduled_for => '2026-03-12 08:30:00+00', expires_at => '2026-03-12 16:00:00+00');
my $closed = $node->text($org{'quiet hours'}, 'downtime: its quiet hours came and went', scheduled_for => '2026-03-12 08:30:00+00', expires_at => '2026-03-12 16:00:00+00');
settle($node);
$node->stop;
$node->advance('6 hours');
$node->start;
$node->wait_for_status($_, 'sent') for $lasting, $closed;
$node->wait_for_sql("SELECT status, error_code FROM sms_messages WHERE id = '$scheduled'", 'cancelled|expired', 20, name => 'a session that began meanwhile: expired');
is($fake->count(contains => 'its session began'), 0, 'and nothing went');
is_deeply([ sort(bodies($node, qr/^downtime/)) ], [ 'downtime: its quiet hours came and went', 'downtime: still worth it' ], 'what still makes sense went, once');
$node->wait_for_sql('SELECT ok, problem FROM sms_health', 't|', undef, name => 'sms_health is content');
is($node->safe_psql('postgres', 'SELECT count(*) FROM coach_sms_internal.sms_queue'), '0', 'nothing waits');

# A time that only PostgreSQL's calendar holds is as none.
$node->wait_for_status($node->text($node->make_org, 'the end of all times', expires_at => '294276-12-31'), 'sent');
is_deeply([ $fake->duplicates ], [], 'nothing went twice');

done_testing();
