# Why messages wait: the sender publishes it at once, sms_queue_stat, sms_health and sms_why show it, and it goes with its reason.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Rules;

my $fake = start_fake(https => 0, callbacks => 'off');
my $node = new_server('main', fake => $fake, clock => 1, conf => short_times(poll_interval => 3_600_000));
$node->go_live;
$node->set_clock('2026-03-10 22:30:00+11');

sub held {
    my ($org, $expected, $name) = @_;
    return $node->wait_for_sql("SELECT held_by FROM sms_queue_stat WHERE org_id = '$org'", $expected, 20, name => $name);
}

sub health { return $node->safe_psql('postgres', 'SELECT ok, problem, waits_for FROM sms_health'); }

# --- reasons that pass by themselves: sms_health is content, and says what waits -----------------------------------------

my $quiet = $node->make_org(timezone => 'Australia/Sydney', quiet_hours_start => 21, quiet_hours_end => 8);
my $id = $node->text($quiet, "quiet $_") for 1 .. 3;
my $night = 'quiet hours, until 2026-03-11 08:00 Australia/Sydney';
held($quiet, $night, 'quiet hours, and until when, in the org\'s zone');
is(health(), "t||3 messages wait (org $quiet): $night", 'sms_health is content, and says what three messages wait for');
like($node->safe_psql('postgres', "SELECT string_agg(detail, '|') FROM sms_messages m, sms_why(m.id) w WHERE org_id = '$quiet' AND what = 'now queued'"),
    qr/^(waits: \Q$night\E\|?){3}$/, 'sms_why says the same');
$node->text($quiet, 'Tokyo', metadata => '{"timezone": "Asia/Tokyo"}');
$node->wait_for_sql("SELECT held_by FROM coach_sms_internal.sms_lane_stat WHERE org_id = '$quiet' AND zone = 'Asia/Tokyo'", '', 20, name => 'half past eight in Tokyo: nothing holds that lane');
$node->set_clock('2026-03-10 23:30:00+11');
$node->text($quiet, 'Tokyo again', metadata => '{"timezone": "Asia/Tokyo"}');
$node->wait_for_sql("SELECT held_by FROM coach_sms_internal.sms_lane_stat WHERE org_id = '$quiet' AND zone = 'Asia/Tokyo'", 'quiet hours, until 2026-03-11 08:00 Asia/Tokyo', 20,
    name => 'an hour later the client\'s own zone holds it');

my $hour = $node->make_org(max_sms_per_hour => 1);
$node->text($hour, "hour $_") for 1 .. 2;
held($hour, 'max_sms_per_hour (1) is reached, until 2026-03-10 13:30 UTC', 'max_sms_per_hour');
my $budget = $node->make_org(monthly_budget_segments => 1);
$node->text($budget, "budget $_") for 1 .. 2;
held($budget, 'monthly_budget_segments (1) is used up, until 2026-04-01 00:00 UTC', 'monthly_budget_segments');
is($node->safe_psql('postgres', "SELECT level FROM sms_doctor() WHERE check_name = 'budgets'"), 'warning', 'of which sms_doctor warns');
my $large = $node->make_org(monthly_budget_segments => 2);
$node->text($large, 'x' x 400);
held($large, 'monthly_budget_segments (2) is used up, until 2026-04-01 00:00 UTC', 'one message that does not fit');
my $pace = $node->make_org(max_segments_per_second => 0.01, twilio_phone_number => '+61491570157');
$node->text($pace, "pace $_") for 1 .. 3;
held($pace, 'max_segments_per_second sets the pace', 'max_segments_per_second');
my $paused = $node->make_org;
$node->safe_psql('postgres', "SELECT sms_pause('$paused', '2026-03-12 00:00:00+00')");
$node->text($paused, 'paused');
held($paused, 'sending is paused, until 2026-03-12 00:00 UTC', 'a pause');
$node->safe_psql('postgres', "SELECT sms_pause('$paused')");
$node->safe_psql('postgres', 'SELECT sms_wake_sender()');
held($paused, 'sending is paused', 'a pause without an end');
my $disabled = $node->make_org;
$node->safe_psql('postgres', "SELECT sms_pause('$disabled')");
$node->text($disabled, 'disabled');
$node->set_org($disabled, 'enabled = false');
held($disabled, 'the org is disabled (sms_settings.enabled)', 'a disabled org');
my $client = $node->make_org(max_sms_per_client_per_day => 1);
my $twice = $node->safe_psql('postgres', "WITH one AS (SELECT unnest(ARRAY['a', 'b']) AS body)
    INSERT INTO sms_messages (org_id, to_phone, body) SELECT '$client', '+61491599997', body FROM one RETURNING id");
$node->wait_for_sql("SELECT held_by ~ '^max_sms_per_client_per_day is reached .messages: 1., until 2026-03-11 ' FROM sms_queue_stat WHERE org_id = '$client'", 't', 20,
    name => 'the daily limit of a client');
like(health(), qr/^t\|\|.*; more reasons: [1-9]$/, 'sms_health is content with all of that, and lists the first five');

# --- trouble: somebody must act --------------------------------------------------------------------------------------------

my $wrong = $node->make_org(twilio_auth_token_encrypted => 'wrong' x 8);
$node->text($wrong, 'wrong token');
my $refused = "Twilio refuses the account's requests or does not answer them: error 20003";
held($wrong, $refused, 'an account that Twilio refuses, with its error');
like(health(), qr/^f\|messages wait \(1\): \Q$refused\E\|/, 'sms_health is not content');
is($node->safe_psql('postgres', "SELECT level, problem FROM sms_doctor() WHERE check_name = 'held'"), "error|$refused: $wrong", 'sms_doctor names the org');
$node->set_org($wrong, "twilio_auth_token_encrypted = '" . $fake->token . q{'});
$node->wait_for_sql("SELECT count(*) FROM sms_queue_stat WHERE org_id = '$wrong' AND waiting > 0", '0', undef, name => 'with the right token it goes');
my $without = $node->make_org(paused_until => 'infinity');
$node->text($without, 'no account');
$node->set_org($without, 'twilio_auth_token_encrypted = NULL, twilio_account_sid = NULL, paused_until = NULL');
held($without, 'no Twilio account is configured', 'an org without an account');
my $gone = $node->make_org(paused_until => 'infinity');
$node->text($gone, 'settings gone');
$node->safe_psql('postgres', "DELETE FROM sms_settings WHERE org_id = '$gone'");
$node->safe_psql('postgres', 'SELECT sms_wake_sender()');
held($gone, 'the org has no row in sms_settings', 'an org whose settings were deleted');

# --- who sees what ---------------------------------------------------------------------------------------------------------

$node->safe_psql('postgres', "CREATE ROLE member LOGIN; SELECT sms_grant_tenant('member');
    CREATE FUNCTION public.my_orgs() RETURNS SETOF uuid LANGUAGE sql STABLE SET search_path = '' AS \$\$ SELECT '$paused'::uuid \$\$;
    ALTER SYSTEM SET coach_sms.tenancy_function = 'public.my_orgs()'");
$node->reload;
$node->wait_for_sql('SHOW coach_sms.tenancy_function', 'public.my_orgs()');
is($node->safe_psql('postgres', 'SET ROLE member; SELECT org_id, held_by FROM sms_queue_stat'), "$paused|sending is paused", 'a tenant sees why its own messages wait');
my ($rc) = $node->psql('postgres', 'SET ROLE member; SELECT * FROM coach_sms_internal.sms_holds');
isnt($rc, 0, 'and nothing of others');

# --- a sender that is killed, and the morning --------------------------------------------------------------------------------

kill_sender($node, $node->sender_pid);
held($quiet, $night, 'after a crash it is published anew');
held($disabled, 'the org is disabled (sms_settings.enabled)', 'so is the rest');
$node->append_conf('postgresql.conf', 'coach_sms.quiet_hours_spread = 0');
$node->reload;
$node->set_clock('2026-03-11 10:00:00+11');    # eight in Tokyo too
$node->wait_for_sql("SELECT coalesce(sum(waiting), 0) FROM sms_queue_stat WHERE org_id = '$quiet'", '0', undef, name => 'in the morning all go');
$node->text($quiet, 'morning');
wait_for_bodies($node, qr/^morning/, 1, 'and the next at once');
$node->wait_for_sql("SELECT count(*) FROM coach_sms_internal.sms_holds WHERE org_id = '$quiet'", '0', undef, name => 'their holds are forgotten');
$node->safe_psql('postgres', "UPDATE coach_sms_internal.sms_server SET system_identifier = 1; SELECT sms_wake_sender()");
held($disabled, 'this server is not armed for this database', 'a server that is not armed holds all');
is_deeply([ $fake->duplicates ], [], 'nothing went twice');

done_testing();
