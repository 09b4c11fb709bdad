# A booking is changed when its text has passed the pre-send check, and the sender stands right before the first byte: once
# the change is committed, the old text does not leave, whichever way the change came.
use strict;
use warnings;
use Test::More;
use CoachSms::Bookings;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake();
my $node = new_server('main', fake => $fake, clock => 1, conf => short_times());
$node->go_live;
my $app = attach_app($node, max_sms_per_client_per_day => undef, quiet_hours_start => undef);
my $bystander = $app->client('Bob', '0491 570 157');
$app->sql("INSERT INTO bookings (org_id, client_id, start_time, end_time, status)
  SELECT '${\ $app->org}', '$bystander', now() + interval '3 days', now() + interval '73 hours', 'draft' FROM generate_series(1, 600)");

# Books for a client of its own, changes it while the sender is held there, and lets go.
my $number = 10;
sub changed_at_the_last_moment {
    my ($how, $expected, $change) = @_;
    my $phone = '+614915701' . ++$number;
    my $client = $app->client('Ann Lee', $phone);
    arm($node, 'connected=stop@1');
    my $booking = $app->book($client, $node->safe_psql('postgres', "SELECT now() + interval '2 days'"));
    my $pid = wait_frozen($node);
    is($app->texts($booking), 'confirmation sending', "$how: the sender is about to write");
    my @held = $change->($booking, $client);
    disarm($node);
    kill CONT => $pid;
    $app->wait_for_texts($booking, "confirmation cancelled $expected");
    is($fake->count(to => $phone), 0, "$how: and does not");
    $_->quit for @held;
    return;
}

# Somebody else decides the booking's texts, and does not come to an end.
sub hold {
    my ($booking) = @_;
    my $session = $node->background_psql('postgres', on_error_stop => 1);
    $session->query_safe("BEGIN; SELECT pg_advisory_xact_lock(coach_sms_internal.sms_lock_booking('$booking'))");
    return $session;
}

changed_at_the_last_moment('cancelled', 'booking_cancelled', sub { $app->change($_[0], status => 'cancelled'); return });
changed_at_the_last_moment('moved', 'booking_changed', sub { $app->change($_[0], location_details => 'Court 2'); return });
changed_at_the_last_moment('cancelled with 600 others', 'booking_cancelled', sub { $app->sql("BEGIN; UPDATE bookings SET status = 'cancelled' WHERE id <> '$_[0]'; UPDATE bookings SET status = 'cancelled' WHERE id = '$_[0]'; COMMIT"); return });
changed_at_the_last_moment('deleted with 600 others', 'booking_cancelled', sub { $app->sql("BEGIN; DELETE FROM bookings WHERE id <> '$_[0]'; DELETE FROM bookings WHERE id = '$_[0]'; COMMIT"); return });
changed_at_the_last_moment('cancelled while others decide', 'booking_cancelled', sub { my $held = hold($_[0]); $app->change($_[0], status => 'cancelled'); return $held });
changed_at_the_last_moment('the client changed while others decide', 'booking_changed',
    sub { my $held = hold($_[0]); $app->sql("UPDATE clients SET phone = '0491 570 158' WHERE id = '$_[1]'"); return $held });

is_deeply([ $fake->duplicates ], [], 'nothing went twice');
done_testing();
