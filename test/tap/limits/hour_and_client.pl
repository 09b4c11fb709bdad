# max_sms_per_hour and max_sms_per_client_per_day, by the moved clock and counted at the fake: exact in any 60 minutes
# and any 24 hours, at once when they change, and free of cost while an org waits. Crashes: limits/limits_after_crashes.pl.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Rules;

my ($hour, $day) = (3600, 86_400);
my $fake = start_fake(https => 0, callbacks => 'off');
my $node = new_server('main', fake => $fake, clock => 1, conf => short_times(poll_interval => 3_600_000));
$node->go_live;
$node->set_clock('2026-03-10 09:00:00+00');

# --- messages in any 60 minutes -----------------------------------------------------------------------------------------

my $org = $node->make_org(max_sms_per_hour => 5);
$node->texts($org, 'hour', 3);
wait_for_bodies($node, qr/^hour/, 3, 'three go');
$node->advance('30 minutes');
$node->texts($org, 'hour', 12);
wait_for_bodies($node, qr/^hour/, 5, 'then two, and the hour is full');

settle($node);
my $requests = $fake->requests;
my $claimed = $node->safe_psql('postgres', 'SELECT claimed FROM sms_worker_stat');
$node->advance('10 minutes') for 1, 2;
settle($node);
is(scalar($fake->requests) - $requests, 2, 'while it waits there is no request but the two probes');
is($node->safe_psql('postgres', 'SELECT claimed FROM sms_worker_stat') - $claimed, 2, 'and no claim');
is($node->safe_psql('postgres', "SELECT sum(attempt_count) FROM sms_messages WHERE org_id = '$org'"), 5, 'nor an attempt');
is($node->safe_psql('postgres', "SELECT held_by ~ 'max_sms_per_hour' FROM sms_queue_stat WHERE org_id = '$org'"), 't', 'sms_queue_stat says what holds them');

$node->advance('9 minutes');
is(settled_count($node, qr/^hour/), 5, 'an hour less a minute after the first three: nothing');
$node->advance('1 minute 5 seconds');
is(settled_count($node, qr/^hour/), 8, 'their places are free after an hour, and no others');
$node->advance('30 minutes');
is(settled_count($node, qr/^hour/), 10, 'then the next two');
$node->restart;
is(settled_count($node, qr/^hour/), 10, 'a restart frees none');
$node->set_org($org, 'max_sms_per_hour = 7');
is(settled_count($node, qr/^hour/), 12, 'a raised limit works at once');
$node->set_org($org, 'max_sms_per_hour = 2');
$node->advance('31 minutes');
is(settled_count($node, qr/^hour/), 12, 'so does a lowered one');
$node->advance('30 minutes');
is(settled_count($node, qr/^hour/), 14, 'once there are fewer than that in an hour it lets go of as many');
$node->set_org($org, 'max_sms_per_hour = NULL');
wait_for_bodies($node, qr/^hour/, 15, 'and none at all of the rest');
cmp_ok(most_within($node, $hour, qr/^hour (?!15)/), '<=', 7, 'never more than seven arrived in any 60 minutes');

my $closed = $node->make_org(max_sms_per_hour => 0);
$node->texts($closed, 'closed', 1);
is(settled_count($node, qr/^closed/), 0, 'a limit of nothing lets nothing go');

# What Twilio refused was not handed to it.
my $refusing = $node->make_org(max_sms_per_hour => 2);
$fake->post('scenario', to => "+6149157799$_", marker => 'status=400 code=21211') for 1 .. 3;
$node->wait_for_status($node->enqueue($refusing, "+6149157799$_", "refused $_"), 'failed') for 1 .. 3;
$node->texts($refusing, 'after refusals', 3);
wait_for_bodies($node, qr/^after refusals/, 2, 'rejected ones do not count');
is(settled_count($node, qr/^after refusals/), 2, 'the others do');

# --- messages to one client in any 24 hours -----------------------------------------------------------------------------

my $daily = $node->make_org(max_sms_per_client_per_day => 4);
my ($one, $other) = ('11111111-0000-4000-8000-000000000000', '22222222-0000-4000-8000-000000000000');
$node->texts($daily, 'one', 4, client_id => $one);    # each to another number
$node->enqueue($daily, '+61491570101', "by number $_") for 1 .. 4;
$node->texts($daily, 'other', 1, client_id => $other);
wait_for_bodies($node, qr/^(one|other|by number)/, 9, 'each client gets theirs');

sub enqueue_sql {
    my ($to, %more) = @_;
    my %arguments = (org_id => $daily, to_phone => $to, body => 'one too many', %more);
    return 'SELECT sms_enqueue(' . join(', ', map { "$_ => " . sql_quote($arguments{$_}) } sort keys %arguments) . ')';
}
raises($node, enqueue_sql('+61491570199', client_id => $one), 'SM018', 'a fifth to one client is refused, whatever the number');
raises($node, enqueue_sql('+61491570101'), 'SM018', 'by number where there is no client');
raises($node, enqueue_sql('+61491570199', client_id => $one, scheduled_for => '2026-03-11 09:00:00+00'), 'SM018', 'also one that is due within the same 24 hours');
like( $node->safe_psql('postgres', "SELECT string_agg(concat_ws(' ', ordinal, error_code), ',' ORDER BY ordinal) FROM sms_enqueue_batch(jsonb_build_array("
      . "jsonb_build_object('org_id', '$daily', 'client_id', '$one', 'to_phone', '+61491570199', 'body', 'batch'),"
      . "jsonb_build_object('org_id', '$daily', 'client_id', '$other', 'to_phone', '+61491570198', 'body', 'other: batch')))"),
    qr/^\d SM018,\d$/, 'a batch reports it and takes the rest');
ok($node->safe_psql('postgres', enqueue_sql('+61491570199', client_id => $one, scheduled_for => '2026-03-13 09:00:00+00')), 'later is no trouble');
$node->set_org($daily, 'max_sms_per_client_per_day = 6');
$node->texts($daily, 'one more', 2, client_id => $one);
wait_for_bodies($node, qr/^one/, 6, 'a raised limit lets more through');

# What waits counts like what went.
my $waiting = $node->make_org(max_sms_per_client_per_day => 2, paused_until => 'infinity');
$node->texts($waiting, 'waiting', 2, client_id => $one);
$node->enqueue($waiting, '+61491570102', "waiting by number $_") for 1, 2;
raises($node, enqueue_sql('+61491570199', org_id => $waiting, client_id => $one), 'SM018', 'what waits for a client counts too, whatever the number');
raises($node, enqueue_sql('+61491570102', org_id => $waiting), 'SM018', 'and what waits for a number');
my ($first) = $node->safe_psql('postgres', "SELECT id FROM sms_messages WHERE body = 'waiting 1'");
$node->safe_psql('postgres', "SELECT sms_cancel('$first')");
ok($node->safe_psql('postgres', enqueue_sql('+61491570199', org_id => $waiting, client_id => $one)), 'what was cancelled does not');

# What was let in and does not fit any more: two waiting for one client, four for the other, a limit of three.
$node->set_org($daily, 'paused_until = \'infinity\', max_sms_per_client_per_day = 20');
$node->texts($daily, 'one again', 2, client_id => $one);
$node->texts($daily, 'other', 4, client_id => $other);
$node->set_org($daily, 'paused_until = NULL, max_sms_per_client_per_day = 3');
wait_for_bodies($node, qr/^other/, 3, 'the other client gets a third, with the batch\'s');
is(settled_count($node, qr/^(one|other)/), 9, 'and nobody more than the limit');
is($node->safe_psql('postgres', "SELECT count(*), min(held_for) FROM coach_sms_internal.sms_queue WHERE org_id = '$daily' AND due_at < '2026-03-12'"), '5|client_daily_limit', 'the rest waits and says why');
$node->set_org($daily, 'max_sms_per_client_per_day = 4');
wait_for_bodies($node, qr/^other/, 4, 'a raised limit lets one more go at once');
$node->advance('24 hours 5 minutes');
wait_for_bodies($node, qr/^other/, 6, 'a day later the rest');
wait_for_bodies($node, qr/^one again/, 2, 'of both');
cmp_ok(most_within($node, $day, qr/^one/), '<=', 6, 'one client: never more than its limit in any 24 hours');
cmp_ok(most_within($node, $day, qr/^other/), '<=', 4, 'the other too');
is_deeply([ $fake->duplicates ], [], 'nothing went twice');

done_testing();
