# The one place where tests wait: for a condition, with a deadline.
package CoachSms::Wait;
use strict;
use warnings;

use Exporter 'import';
use Time::HiRes qw(time);

our @EXPORT_OK = qw(deadline wait_until);

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

1;
