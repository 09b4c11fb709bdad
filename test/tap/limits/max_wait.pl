# coach_sms.max_wait: what has been due for that long ends as expired, whatever holds it, and no request is made for it. What Twilio may have is found
# out about first. sms_doctor(), sms_resume() and sms_go_live() say how many.
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
$node->safe_psql('postgres', 'CREATE DATABASE trial');
$node->create_extension('trial');
$node->set_clock('2026-03-10 09:00:00+00');

sub end_of { my ($name) = @_; return "SELECT concat_ws(' ', status, error_code, attempt_count) FROM sms_messages WHERE body = 'waits for $name'"; }

# Returns the number of messages that are not sent, as the call's notice has it, or "nothing".
sub not_sent {
    my ($call, $db) = @_;
    $node->psql($db // 'postgres', "SELECT $call", stderr => \my $notice);
    return $notice =~ /are not sent: (\d+)/ ? $1 : 'nothing';
}

my %org = (
    'the hour'         => $node->make_org(max_sms_per_hour => 0),
    'the budget'       => $node->make_org(monthly_budget_segments => 0),
    'a client'         => $node->make_org(paused_until => 'infinity'),
    'a pause'          => $node->make_org(paused_until => 'infinity'),
    'being enabled'    => $node->make_org,
    'its settings'     => $node->make_org,
    'its SID'          => $node->make_org,
    'its account'      => $node->make_org(twilio_account_sid => 'AC' . '0b' x 16, twilio_auth_token_encrypted => 'not the token'),
);
my $first = $node->text($org{'its account'}, 'a text that finds the token refused');
$node->wait_for_sql("SELECT attempt_count > 0 FROM sms_messages WHERE id = '$first'", 't', undef, name => 'an account is in trouble');
$node->safe_psql('postgres', "SELECT sms_cancel('$first')");

# All at once with what will hold them, so that none goes before.
my %hold = (
    'being enabled' => "UPDATE sms_settings SET enabled = false",
    'its settings'  => 'DELETE FROM sms_settings',
    'its SID'       => "UPDATE sms_settings SET twilio_account_sid = 'AC...'",
    'a client'      => 'UPDATE sms_settings SET paused_until = NULL, max_sms_per_client_per_day = 0',
);
for my $name (sort keys %org) {
    my $to = $node->fresh_number;
    my $then = $hold{$name} ? "$hold{$name} WHERE org_id = '$org{$name}';" : '';
    $node->safe_psql('postgres', "BEGIN; SELECT sms_enqueue('$org{$name}', to_phone => '$to', body => 'waits for $name'); $then COMMIT");
}
my $later = $node->text($org{'a pause'}, 'is due later', scheduled_for => '2026-03-12 09:00:00+00');
my $ends = $node->text($org{'a pause'}, 'has an end of its own', expires_at => '2026-03-11 09:00:00+00');

# The sandbox of another database.
my $trial = $node->make_org(paused_until => 'infinity', db => 'trial');
$node->enqueue($trial, '+61491570006', 'waits for a trial', db => 'trial');

$node->set_clock('2026-03-17 08:58:00+00');
settle($node);
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE body LIKE 'waits for%' AND status IN ('pending', 'queued')", scalar keys %org, 20, name => 'up to then they wait');
is($node->safe_psql('trial', end_of('a trial')), 'queued 0', 'in the sandbox too');
is(not_sent("sms_resume('$org{'a client'}')"), 'nothing', 'sms_resume() has nothing to say yet');
is($node->safe_psql('postgres', "SELECT problem FROM sms_doctor() WHERE check_name = 'max_wait'"), 'messages that coach_sms.max_wait (7d) ends within a day: ' . keys %org, 'sms_doctor() says how many it will be');

is($node->safe_psql('postgres', "SELECT problem FROM sms_doctor() WHERE check_name = 'settings'"), "messages of orgs without a row in sms_settings: 1, of $org{'its settings'}", 'it names the org without settings');
is($node->safe_psql('postgres', "SELECT held_by FROM sms_queue_stat WHERE org_id = '$org{'its settings'}'"), 'the org has no row in sms_settings', 'and so does sms_queue_stat');

$node->set_clock('2026-03-17 09:02:00+00');
for my $name (grep { $_ ne 'its account' } sort keys %org) {
    $node->wait_for_sql(end_of($name), 'cancelled expired 0', 90, name => "waiting for $name it expires, and no attempt was made");
    is($fake->count(body => "waits for $name"), 0, 'nor did Twilio have it');
}
$node->wait_for_sql("SELECT status, error_code FROM sms_messages WHERE body = 'waits for its account'", 'cancelled|expired', 90, name => 'waiting for its account too');
$node->wait_for_sql(end_of('a trial'), 'cancelled expired 0', 90, db => 'trial', name => 'and in the sandbox');
is($node->safe_psql('postgres', "SELECT status FROM sms_messages WHERE id = '$later'"), 'queued', 'what was due later waits on');
is($node->safe_psql('postgres', "SELECT problem FROM sms_doctor() WHERE check_name = 'max_wait'"), 'messages that waited longer than coach_sms.max_wait (7d) and are not sent: ' . keys %org, 'sms_doctor() says how many');
is(not_sent("sms_resume('$org{'a pause'}')"), 1, 'sms_resume() says it of the org');
is(not_sent('sms_resume()'), scalar keys %org, 'and of all, without those that had an end of their own');
$node->wait_for_status($later, 'sent', undef, name => 'what was due later is sent');

# --- eight days of downtime, and what Twilio may have ------------------------------------------------------------------------

my $open = $node->make_org;
my $down = $node->text($open, 'waits for the server', scheduled_for => '2026-03-17 10:00:00+00');
$fake->post('list-fault', marker => 'status=503');
my $lost = $node->text($open, 'lost its answer [fake:stall]');
$node->wait_for_status($lost, 'unknown');
$node->stop;
$node->advance('8 days');
$fake->post('list-fault', marker => '');
$node->start;
$node->wait_for_sql(end_of('the server'), 'cancelled expired 0', 90, name => 'what waited while the server was down is not sent late');
$node->wait_for_status($lost, 'sent', undef, name => 'what Twilio may have is found out about, and does not just end');
is($fake->count(body => 'waits for the server'), 0, 'nothing went');

# --- live again ---------------------------------------------------------------------------------------------------------------

$node->safe_psql('postgres', "SELECT sms_pause('$open')");
my $kept = $node->text($open, 'waits for going live');
$node->safe_psql('postgres', 'SELECT sms_go_sandbox()');
$node->advance('8 days');
is($node->safe_psql('postgres', "SELECT status FROM sms_messages WHERE id = '$kept'"), 'queued', 'a live message waits in the sandbox');
is(not_sent('sms_go_live()'), 1, 'sms_go_live() says how many are not sent');
$node->wait_for_sql(end_of('going live'), 'cancelled expired 0', 90, name => 'it ends');
is_deeply([ $fake->duplicates ], [], 'nothing went twice');

done_testing();
