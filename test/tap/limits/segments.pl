# Money and pace: segments a message, segments a month in the org's zone, segments a second of one sender, and countries.
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

# --- a message ---------------------------------------------------------------------------------------------------------------

my $short = $node->make_org(max_segments => 2);
sub of_length { my ($length) = @_; return "SELECT sms_enqueue('$short', to_phone => '+61491570006', body => repeat('x', $length))"; }
ok($node->safe_psql('postgres', of_length(306)), 'two segments are taken');
raises($node, of_length(307), 'SM017', 'a third is refused');

# --- a month -----------------------------------------------------------------------------------------------------------------

$node->set_clock('2026-04-30 23:30:00+10');
my $budget = $node->make_org(timezone => 'Australia/Sydney', monthly_budget_segments => 5);
$node->enqueue($budget, '+61491570006', 'budget 0' . 'x' x 200);
wait_for_bodies($node, qr/^budget/, 1, 'a text of two segments goes');
$node->texts($budget, 'budget', 6);
wait_for_bodies($node, qr/^budget/, 4, 'and three of one');
is(settled_count($node, qr/^budget/), 4, 'then the budget is spent');
$node->restart;
is(settled_count($node, qr/^budget/), 4, 'after a restart too');
$node->advance('2 minutes');
is($node->safe_psql('postgres', "SELECT held_by ~ 'budget' FROM sms_queue_stat WHERE org_id = '$budget'"), 't', 'sms_queue_stat says what holds them');
is($node->safe_psql('postgres', "SELECT ok, problem FROM sms_doctor() WHERE check_name = 'budgets'"), "f|orgs whose monthly_budget_segments is used up, and whose messages wait: $budget", 'sms_doctor() reports it');
$node->set_org($budget, 'monthly_budget_segments = 6');
wait_for_bodies($node, qr/^budget/, 5, 'a raised one works at once');
$node->set_clock('2026-04-30 23:59:55+10');
is(settled_count($node, qr/^budget/), 5, 'in the last seconds of the month nothing goes');
$node->wait_for_sql("SELECT now() >= '2026-05-01 00:00:00+10'", 't', undef, name => 'the month ends by itself');
wait_for_bodies($node, qr/^budget/, 7, 'the next month begins by the org\'s clock');
$node->set_org($budget, 'monthly_budget_segments = 0');
$node->texts($budget, 'no budget', 1);
is(settled_count($node, qr/^no budget/), 0, 'a budget of nothing lets nothing go');

# A place that is free again because Twilio refused.
my $tight = $node->make_org(monthly_budget_segments => 1);
$fake->post('scenario', to => '+61491599997', marker => 'delay=500 status=400 code=21211');
my $refused = $node->enqueue($tight, '+61491599997', 'refused');
$fake->wait_for(open => 1);
my $next = $node->enqueue($tight, '+61491570006', 'next in the budget');
$node->wait_for_status($refused, 'failed');
$node->wait_for_status($next, 'sent', 20, name => 'what Twilio refused leaves its part of the budget to the next');

# --- a second ------------------------------------------------------------------------------------------------------------------

# Two orgs that share a sender share its pace: ten a second, and never more than that and a burst of a second's.
my $rate = 10;
my @paced = map { $node->make_org(max_segments_per_second => $rate, twilio_phone_number => '+61491570155') } 1, 2;
$node->set_org($_, q{paused_until = 'infinity'}) for @paced;
$node->safe_psql('postgres', "SELECT count(sms_enqueue('$_', to_phone => '+614915' || 80000 + n, body => 'paced ' || n || ' $_')) FROM generate_series(1, 30) n") for @paced;
$node->set_org($_, 'paused_until = NULL') for @paced;
wait_for_bodies($node, qr/^paced/, 60, 'all of both orgs arrive');
my @times = sort { $a <=> $b } map { $_->{received_at} / 1e6 } arrivals($node, qr/^paced/);
my $worst = 0;
for my $first (0 .. $#times) {
    for my $last ($first .. $#times) {
        my $over = $last - $first + 1 - $rate * ($times[$last] - $times[$first]) - $rate;
        $worst = $over if $over > $worst;
    }
}
cmp_ok($worst, '<=', 2, 'in no stretch of time more than its seconds allow, and a burst');    # two for the way to the fake
cmp_ok($times[-1] - $times[0], '<', 12 * ($ENV{COACH_SMS_SLOW} || 1), 'nor much slower than that');

# --- countries -----------------------------------------------------------------------------------------------------------------

my $org = $node->make_org;
sub to { my ($phone) = @_; return "SELECT sms_enqueue('$org', to_phone => '$phone', body => 'abroad')"; }
$node->append_conf('postgresql.conf', "coach_sms.allowed_countries = 'AU, nz'");
$node->reload;
$node->wait_for_sql('SHOW coach_sms.allowed_countries', 'AU, nz');
ok($node->safe_psql('postgres', to('+61491570006')), 'Australia is allowed');
ok($node->safe_psql('postgres', to('+64211234567')), 'New Zealand too');
raises($node, to('+12025550123'), 'SM019', 'the United States are not');
is( $node->safe_psql('postgres', "SELECT error_code FROM sms_enqueue_batch(jsonb_build_array(jsonb_build_object('org_id', '$org', 'to_phone', '+12025550123', 'body', 'x')))"),
    'SM019', 'a batch reports it');
$node->append_conf('postgresql.conf', "coach_sms.allowed_countries = ''");
$node->reload;
$node->wait_for_sql('SHOW coach_sms.allowed_countries', '');
ok($node->safe_psql('postgres', to('+12025550123')), 'an empty list allows all');

is_deeply([ grep { $_->{body} ne 'abroad' } $fake->duplicates ], [], 'nothing went twice');

done_testing();
