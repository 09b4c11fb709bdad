# The one place where tests wait: for a condition, with a deadline.
package CoachSms::Wait;
use strict;
use warnings;

use Exporter 'import';
use Time::HiRes qw(time);

our @EXPORT_OK = qw(deadline wait_until create_wait_until);

# Seconds to allow: 60 unless given, more where sanitizers make all slow.
sub deadline {
    my ($seconds) = @_;
    return ($seconds // 60) * ($ENV{COACH_SMS_SLOW} || 1);
}

# Calls $condition every 50 ms until it is true; false at the deadline.
sub wait_until {
    my ($condition, $seconds) = @_;
    my $end = time + deadline($seconds);
    while (1) {
        return 1 if $condition->();
        return 0 if time >= $end;
        Time::HiRes::sleep(0.05);
    }
}

# Makes the procedure wait_until(condition): the same on the server, for scripts that psql runs. Raises at the deadline.
sub create_wait_until {
    my ($node, $seconds) = @_;
    $node->safe_psql('postgres', sprintf <<'SQL', deadline($seconds));
CREATE PROCEDURE wait_until(condition text) LANGUAGE plpgsql AS $$
DECLARE
  give_up_at timestamptz := clock_timestamp() + interval '%d seconds';
  is_met boolean;
BEGIN
  LOOP
    EXECUTE condition INTO is_met;
    EXIT WHEN is_met;
    IF clock_timestamp() > give_up_at THEN RAISE 'it never became true: %%', condition; END IF;
    COMMIT;
    PERFORM pg_sleep(0.05);
  END LOOP;
END
$$;
SQL
    return;
}

1;
