# The SQL of a plan: what the application does in a second. Every statement can be repeated, as a client must after a broken
# connection: keys and numbers make it the same message or booking.
package Soak::Scripts;
use strict;
use warnings;

use Exporter 'import';
use JSON::PP qw(encode_json);
use CoachSms::Cluster qw(sql_quote);
use Soak::Plan;

our @EXPORT = qw(create_soak_objects load_script change_script);

# A message to somebody who texted STOP is refused (SM007). Such refusals are counted apart.
sub create_soak_objects {
    my ($node) = @_;
    $node->safe_psql('postgres', <<'SQL');
CREATE TABLE soak_refused (name text PRIMARY KEY, phone text NOT NULL);
CREATE FUNCTION soak_refuse(key text, phone text) RETURNS void LANGUAGE sql AS
  $$INSERT INTO soak_refused VALUES (key, phone) ON CONFLICT DO NOTHING$$;
CREATE FUNCTION soak_works(statement text, unless text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  RETURN true;
EXCEPTION WHEN OTHERS THEN
  IF SQLSTATE <> unless THEN RAISE; END IF;
  RETURN false;
END $$;
CREATE FUNCTION soak_batch(messages jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  r record;
BEGIN
  FOR r IN SELECT b.error_code, b.error_message, messages->(b.ordinal - 1) AS message
             FROM sms_enqueue_batch(messages) b WHERE b.error_code IS NOT NULL LOOP
    IF r.error_code <> 'SM007' THEN RAISE 'the batch refused %: % %', r.message, r.error_code, r.error_message; END IF;
    PERFORM soak_refuse(r.message->>'idempotency_key', r.message->>'to_phone');
  END LOOP;
END $$;
SQL
    return;
}

# $orgs has the ids of the plan's orgs.
sub load_script {
    my ($second, $orgs, $app) = @_;
    return join "\n", (map { group_script($orgs, @$_) } @{ $second->{groups} }), 'SET ROLE coach_app;',
        (map { booking_script($app, $_) } @{ $second->{bookings} }), '';
}

sub group_script {
    my ($orgs, $way, @messages) = @_;
    return 'SELECT soak_batch(' . sql_quote(encode_json([ map { batch_row($orgs, $_) } @messages ])) . ');' if $way eq 'batch';
    my @statements = map { attempt($_, $way eq 'insert' ? insert($orgs, $_) : call($orgs, $_)) } @messages;
    my $end = { transaction => 'COMMIT;', undone => 'ROLLBACK;' }->{$way};
    return join "\n", $end ? ('BEGIN;', @statements, $end) : @statements;
}

sub attempt {
    my ($message, $statement) = @_;
    return "$statement;" unless Soak::Plan::may_stop($message->{person});
    return sprintf "SELECT soak_refuse(%s, %s) WHERE NOT soak_works(%s, 'SM007');",
      map { sql_quote($_) } $message->{name}, Soak::Plan::phone_of($message->{person}), $statement;
}

sub body { my ($message) = @_; return "$message->{name} " . marker($message->{marker}); }
sub marker { my ($words) = @_; return $words eq '' ? '' : "[fake:$words]"; }
sub org { my ($orgs, $message) = @_; return $orgs->[ Soak::Plan::org_of($message->{person}) ]; }
sub later { my ($seconds) = @_; return defined $seconds ? "now() + interval '$seconds seconds'" : 'NULL'; }

sub call {
    my ($orgs, $message) = @_;
    return sprintf 'SELECT sms_enqueue(%s, to_phone => %s, body => %s, idempotency_key => %s,
      scheduled_for => %s, expires_at => %s)',
        (map { sql_quote($_) } org($orgs, $message), Soak::Plan::phone_of($message->{person}), body($message), $message->{name}),
        later($message->{due_in}), later($message->{expires_in});
}

sub insert {
    my ($orgs, $message) = @_;
    return sprintf 'INSERT INTO sms_messages (org_id, to_phone, body, idempotency_key, scheduled_for, expires_at)
      VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING',
        (map { sql_quote($_) } org($orgs, $message), Soak::Plan::phone_of($message->{person}), body($message), $message->{name}),
        later($message->{due_in}), later($message->{expires_in});
}

sub batch_row {
    my ($orgs, $message) = @_;
    return { org_id => org($orgs, $message), to_phone => Soak::Plan::phone_of($message->{person}), body => body($message),
        idempotency_key => $message->{name} };
}

# A confirmation's text has the location in it, and the location the fault. So no two texts are the same.
sub booking_script {
    my ($app, $booking) = @_;
    my $client = id('c', $booking->{number});
    return sprintf "BEGIN;\nINSERT INTO clients (id, org_id, full_name, phone) VALUES (%s, %s, 'Ann Lee', %s) ON CONFLICT DO NOTHING;\n"
      . "INSERT INTO bookings (id, org_id, client_id, start_time, end_time, location_details)\n"
      . "  VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING;\nCOMMIT;",
        $client, sql_quote($app), sql_quote($booking->{phone}), id('b', $booking->{number}), sql_quote($app), $client,
        later($booking->{starts_in}), later($booking->{starts_in} + 3600),
        sql_quote("Court $booking->{number} " . marker($booking->{marker}));
}

sub id { my ($kind, $number) = @_; return sprintf "'%s0000000-0000-4000-8000-%012x'", $kind, $number; }

# Each takes the ids of the plan's orgs, and the arguments that the plan gives.
my $later = "interval '90 minutes'";
my $waiting = "status IN ('pending', 'queued')";
my %change = (
    cancel           => sub { return "SELECT sms_cancel(id, 'soak') FROM sms_messages WHERE " . is_message(@_); },
    cancel_by_update => sub { return "UPDATE sms_messages SET status = 'cancelled' WHERE $waiting AND " . is_message(@_); },
    reschedule       => \&reschedule,
    move             => sub { return change_booking($_[1], "UPDATE bookings SET start_time = start_time + $later, end_time = end_time + $later"); },
    relocate         => sub { return change_booking($_[1], "UPDATE bookings SET location_details = 'Hall $_[1]'"); },
    call_off         => sub { return change_booking($_[1], "UPDATE bookings SET status = 'cancelled'"); },
    remove           => sub { return change_booking($_[1], 'DELETE FROM bookings'); },
    pause            => sub { return "SELECT sms_pause('$_[0][$_[1]]')"; },
    resume           => sub { return "SELECT sms_resume('$_[0][$_[1]]')"; },
    limits           => sub { return "UPDATE sms_settings SET max_sms_per_hour = $_[2] WHERE org_id = '$_[0][$_[1]]'"; });

sub is_message { my ($orgs, $number) = @_; return "org_id IN ('" . join("', '", @$orgs) . "') AND idempotency_key = 'soak-$number'"; }

# It may leave between the look and the change (SM012).
sub reschedule {
    return q{SELECT soak_works(format('SELECT sms_reschedule(%L, now() + interval ''5 seconds'')', id), 'SM012')
      FROM sms_messages WHERE expires_at IS NULL AND } . "$waiting AND " . is_message(@_);
}

sub change_booking {
    my ($number, $statement) = @_;
    return "SET ROLE coach_app;\n$statement WHERE id = " . id('b', $number) . ";\nRESET ROLE";
}

sub change_script {
    my ($second, $orgs) = @_;
    return join '', map { my ($kind, @arguments) = @$_; $change{$kind}->($orgs, @arguments) . ";\n" } @{ $second->{changes} };
}

1;
