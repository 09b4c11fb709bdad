# Tables that are replicated to a second server, which sends for itself: it sends nothing of what was replicated.
use strict;
use warnings;
use Test::More;
use CoachSms::Bookings;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my @tables = qw(sms_settings sms_templates sms_messages sms_attempts sms_events sms_suppression coach_sms_internal.sms_queue coach_sms_internal.sms_in_flight);
my $fake = start_fake();
my $publisher = new_server('publisher', fake => $fake, init => { allows_streaming => 'logical' }, conf => short_times());
my $subscriber = new_server('subscriber', fake => $fake, fresh => 1, init => { allows_streaming => 'logical' }, conf => short_times());
$_->go_live for $publisher, $subscriber;

# Some before the subscription begins, some after, and each in one of the states that wait.
my $org = $publisher->make_org;
$publisher->wait_for_status($publisher->enqueue($org, '+61491570110', 'sent before'), 'sent');
$publisher->safe_psql('postgres', 'SELECT sms_pause()');
$publisher->enqueue($org, '+61491570111', 'waits before');
$publisher->safe_psql('postgres', 'CREATE PUBLICATION texts FOR TABLE ' . join ', ', @tables);
$subscriber->safe_psql('postgres', sprintf "CREATE SUBSCRIPTION texts CONNECTION '%s' PUBLICATION texts", $publisher->connstr . ' dbname=postgres');
$subscriber->wait_for_subscription_sync($publisher, 'texts');
$publisher->enqueue($org, '+61491570112', 'waits after');
$publisher->enqueue($org, '+61491570113', 'later', scheduled_for => 'tomorrow');
$publisher->wait_for_catchup('texts');
is($subscriber->safe_psql('postgres', "SELECT string_agg(body || ' ' || status, ', ' ORDER BY id) FROM sms_messages"),
    'sent before sent, waits before queued, waits after queued, later pending', 'the messages are there');
is($subscriber->safe_psql('postgres', "SELECT twilio_auth_token_encrypted = '" . $publisher->safe_psql('postgres', 'SELECT twilio_auth_token_encrypted FROM sms_settings') . "' FROM sms_settings"),
    't', 'and the sealed token, as it was');

# The subscriber sends its own, also after a restart of its sender, and nothing else.
my $own = $subscriber->make_org;
$subscriber->wait_for_status($subscriber->enqueue($own, '+61491570120', 'its own'), 'sent');
$subscriber->restart;
$subscriber->wait_for_status($subscriber->enqueue($own, '+61491570120', 'its own again'), 'sent');
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM coach_sms_internal.sms_queue'), '0', 'what was replicated is not in its queue');

# Nor does arming it again put it there, whatever waits without a row; its own stay.
my $later = $subscriber->enqueue($own, '+61491570121', 'its own tomorrow', scheduled_for => 'tomorrow');
$subscriber->safe_psql('postgres', 'SELECT sms_go_live()');
is($subscriber->safe_psql('postgres', 'SELECT message_id FROM coach_sms_internal.sms_queue'), $later, 'sms_go_live() queues none of it');
is($subscriber->safe_psql('postgres', "SELECT string_agg(check_name || ' ' || ok || coalesce(' ' || problem, ''), ', ' ORDER BY check_name) FROM sms_doctor() WHERE check_name IN ('queue', 'live_messages', 'subscription')"),
    'live_messages true, queue true, subscription true messages come from another server by a subscription, and that server sends them', 'sms_doctor says whose they are');
$subscriber->safe_psql('postgres', 'SELECT sms_go_sandbox()');
is($subscriber->safe_psql('postgres', 'SELECT message_id FROM coach_sms_internal.sms_queue'), $later, 'nor the sandbox');
$subscriber->go_live;
is($subscriber->safe_psql('postgres', 'SELECT message_id FROM coach_sms_internal.sms_queue'), $later, 'and back');

# The publisher goes on, and the subscriber learns of it.
$publisher->safe_psql('postgres', 'SELECT sms_resume()');
$publisher->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status = 'sent'", '3');
$subscriber->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status = 'sent' AND org_id = '$org'", '3', undef, name => 'the subscriber sees what the publisher has sent');
is($fake->count, 5, 'Twilio took each');
is_deeply([ $fake->duplicates ], [], 'once');

# Bookings that are replicated are texted by the publisher.
my $app = attach_app($subscriber);
my $ann = $app->client('Ann', '0491 570 123');
$subscriber->safe_psql('postgres', "SET session_replication_role = replica; INSERT INTO bookings (org_id, client_id, start_time, end_time)
  VALUES ('${\ $app->org}', '$ann', now() + interval '20 hours', now() + interval '21 hours')");
is($subscriber->safe_psql('postgres', 'SELECT reminders, skipped FROM sms_schedule_reminders()'), '0|0', 'no reminder is made here');

# The publisher is lost, and the subscriber takes over what waits.
$publisher->enqueue($org, '+61491570114', 'to be taken over', scheduled_for => 'tomorrow');
$publisher->wait_for_catchup('texts');
$publisher->stop('immediate');
$subscriber->safe_psql('postgres', 'ALTER SUBSCRIPTION texts DISABLE');
$subscriber->safe_psql('postgres', 'ALTER SUBSCRIPTION texts SET (slot_name = NONE)');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION texts');
is($subscriber->safe_psql('postgres', 'SELECT queued FROM sms_go_live()'), '2', 'without the subscription they are its own');
$subscriber->safe_psql('postgres', 'SELECT sms_schedule_reminders()');
is($subscriber->safe_psql('postgres', "SELECT count(*) FROM sms_booking_texts WHERE type = 'reminder'"), '1', 'and so are the bookings');

done_testing();
