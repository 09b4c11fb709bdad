# move_clock.pl FILE TIME: moves the clock of a server under test_clock.cpp, whose file it is, to TIME (timestamptz) unless it is later
# already. Returns once the sender has handed over what is due then, and holds the rest. PGHOST and its like name the server.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../tap/lib";
use CoachSms::Wait qw(wait_until);

my ($file, $time) = @ARGV;

sub query {
    my ($sql) = @_;
    open my $psql, '-|', 'psql', '-XAtq', '-c', $sql or die "cannot start psql: $!";
    chomp(my $result = join '', <$psql>);
    close $psql or die "psql failed\n";
    return $result;
}

my $ahead = query("SELECT extract(epoch FROM '$time'::timestamptz - clock_timestamp())");
if ($ahead > 0) {
    open my $clock, '+<:raw', $file or die "cannot open $file: $!";
    sysread $clock, my $offset, 8;
    sysseek $clock, 0, 0;
    syswrite $clock, pack('q', unpack('q', $offset) + $ahead * 1e6), 8;
}
query('SELECT sms_schedule_reminders()');
query('SELECT sms_wake_sender()');
wait_until(sub {
    return query("SELECT coalesce(bool_and((due = 0 OR held_by IS NOT NULL) AND in_flight = 0), true)
                     AND NOT EXISTS (SELECT FROM sms_messages WHERE status IN ('sending', 'sent')) FROM sms_queue_stat") eq 't';
}) or die "the sender does not come to rest\n";
