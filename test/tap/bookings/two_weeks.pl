# Two weeks of an application's bookings, by a clock that is moved: booked, moved, reminded, cancelled, completed; the
# sender killed and the server down in between. What went out, and when, is counted at the fake.
use strict;
use warnings;
use Test::More;
use CoachSms::Bookings;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake(https => 0);
my $node = new_server('main', fake => $fake, clock => 1,
    conf => short_times() . "coach_sms.webapp_url = 'https://coach.example/'\n");
$node->set_clock('2026-05-11 09:00+10');    # a Monday in Sydney
$node->go_live;
my $app = attach_app($node, zone => 'Australia/Sydney', quiet_hours_start => 21, quiet_hours_end => 8);

# The server's clock when the fake took the n-th text to a number, as Sydney has it.
sub taken_at {
    my ($to, $nth) = @_;
    my @rows = $fake->ledger(to => $to);
    return $node->safe_psql('postgres', "SELECT to_char(to_timestamp(" . $node->clock_at($rows[$nth]{received_at})
          . ") AT TIME ZONE 'Australia/Sydney', 'Dy HH24:MI')");
}

# --- booked, moved into quiet hours, reminded, completed ---------------------------------------
my $ann = $app->client('Ann Lee', '0491 570 006');
my $to = '+61491570006';
my $booking = $app->book($ann, '2026-05-13 09:00+10');
$app->wait_for_texts($booking, 'confirmation sent');
is(($fake->ledger(to => $to))[0]{body},
    'Hi Ann, your session with Coach Kim is confirmed for Wed 13 May 2026, 9:00 AM. Location: Court 1. Reply STOP to opt out.',
    'the confirmation says when, by the org\'s clock');

$node->set_clock('2026-05-11 15:00+10');
$app->change($booking, start_time => '2026-05-14 07:00+10', end_time => '2026-05-14 08:00+10');
$node->set_clock('2026-05-12 09:05+10');    # when the first reminder would have been due
$node->set_clock('2026-05-13 06:59+10');
$app->wait_for_texts($booking, 'confirmation sent, reminder pending');
like($node->safe_psql('postgres', "SELECT explanation FROM sms_explain('$booking') WHERE type = 'reminder'"), qr/^waits: /, 'sms_explain() says that it waits');
$node->set_clock('2026-05-13 07:59+10');
$node->wait_for_sql("SELECT count(*) FROM sms_booking_texts WHERE booking_id = '$booking' AND type = 'reminder'", 1);
is($fake->count(to => $to), 1, 'a reminder that is due in quiet hours waits');
$node->set_clock('2026-05-13 08:10+10');
$app->wait_for_texts($booking, 'confirmation sent, reminder sent');
is(($fake->ledger(to => $to))[1]{body},
    'Hi Ann, reminder: your session is coming up on Thu 14 May 2026, 7:00 AM at Court 1. See you soon! - Coach Kim', 'and names the time it was moved to');
is(taken_at($to, 1), 'Wed 08:10', 'once the window is open');
is($app->sql("SELECT reminder_sent, feedback_sent FROM bookings"), 't|f', 'the application sees the flag');

$node->set_clock('2026-05-14 08:10+10');
$app->change($booking, status => 'completed');
$node->set_clock('2026-05-14 09:55+10');
$node->set_clock('2026-05-14 10:01+10');
$app->wait_for_texts($booking, 'confirmation sent, reminder sent, feedback sent');
is(($fake->ledger(to => $to))[2]{body},
    "Hi Ann, thanks for your session with Coach Kim! How did it go? Share your feedback: https://coach.example/feedback/$booking", 'feedback is asked for two hours after the end');
is($app->sql("SELECT feedback_sent FROM bookings"), 't', 'and marked');

# --- cancelled between the claim and the first byte ---------------------------------------------
my $ben = $app->client('Ben', '0491 570 156');
arm($node, 'after-claim=stop@1');
my $called_off = $app->book($ben, '2026-05-20 09:00+10');
my $pid = wait_frozen($node);
disarm($node);
is($app->texts($called_off), 'confirmation sending', 'the sender holds the confirmation');
$app->change($called_off, status => 'cancelled');
kill CONT => $pid;
$app->wait_for_texts($called_off, 'confirmation cancelled booking_cancelled');

arm($node, 'after-claim=stop@1');
my $moved = $app->book($ben, '2026-05-20 11:00+10');
$pid = wait_frozen($node);
disarm($node);
$app->change($moved, start_time => '2026-05-20 12:00+10', end_time => '2026-05-20 13:00+10');
kill CONT => $pid;
$app->wait_for_texts($moved, 'confirmation cancelled booking_changed');
$node->advance('61 seconds');
$app->wait_for_texts($moved, 'confirmation cancelled booking_changed, confirmation sent');
is(join('|', map { $_->{body} =~ /confirmed for (.*?)\./ } $fake->ledger(to => '+61491570156')), 'Wed 20 May 2026, 12:00 PM', 'the acknowledged change won, both times');

# --- the sender is killed with a reminder in hand -----------------------------------------------
arm($node, 'after-claim=stop@1');
$node->set_clock('2026-05-19 12:01+10');
$pid = wait_frozen($node);
disarm($node);
kill_sender($node, $pid);
$app->wait_for_texts($moved, 'confirmation cancelled booking_changed, confirmation sent, reminder sent');
is($fake->count(to => '+61491570156'), 2, 'it goes once all the same');

# --- the server is down --------------------------------------------------------------------------
my $cid = $app->client('Cid', '0491 570 157');
my $late = $app->book($cid, '2026-05-22 15:00+10');      # its reminder is due on Thursday at 15:00
my $missed = $app->book($cid, '2026-05-22 09:00+10');    # its reminder too, at 9:00; and it starts before the server is back
$app->wait_for_texts($missed, 'confirmation sent');
$app->wait_for_texts($late, 'confirmation sent');
$node->stop;
$node->advance('70 hours');                               # Friday, 10:00
$node->start;
$app->wait_for_texts($late, 'confirmation sent, reminder sent');
is($app->texts($missed), 'confirmation sent', 'nothing is sent once the session has started');
is($node->safe_psql('postgres', "SELECT explanation FROM sms_explain('$missed') WHERE type = 'reminder'"), 'is not sent any more: the session has started', 'and it says so');
is($fake->count(to => '+61491570157'), 3, 'late is better than never, before that');

# --- several reminders ----------------------------------------------------------------------------
$node->safe_psql('postgres', "INSERT INTO sms_templates (org_id, template_key, body) VALUES ('${\ $app->org}', 'two_hours', 'In two hours, {{client_name}}');
  INSERT INTO sms_schedules (org_id, type, label, mins_offset, template_key) VALUES
  ('${\ $app->org}', 'pre_session', 'two days', 2880, 'session_reminder'), ('${\ $app->org}', 'pre_session', 'two hours', 120, 'two_hours')");
my $dee = $app->client('Dee', '0491 570 158');
my $twice = $app->book($dee, '2026-06-05 15:00+10');
$app->wait_for_texts($twice, 'confirmation sent');
$node->set_clock('2026-06-03 14:50+10');
$node->set_clock('2026-06-03 15:01+10');
$app->wait_for_texts($twice, 'confirmation sent, reminder sent');
is($app->sql("SELECT reminder_sent FROM bookings WHERE id = '$twice'"), 't', 'the flag is set by the first');
$node->set_clock('2026-06-05 12:50+10');
$node->set_clock('2026-06-05 13:01+10');
$app->wait_for_texts($twice, 'confirmation sent, reminder sent, reminder sent');
is(join(', ', map { taken_at('+61491570158', $_) } 1, 2), 'Wed 15:01, Fri 13:01', 'each at its time');

is_deeply([ $fake->duplicates ], [], 'nothing went twice');
is($fake->count, 3 + 2 + 3 + 3, 'and nothing else');
is($node->safe_psql('postgres', 'SELECT count(*) FROM coach_sms_internal.sms_queue'), '0', 'nothing is left over');

done_testing();
