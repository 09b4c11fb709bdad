# The sender at a named place (src/pg/base/failpoint.hpp): frozen, killed, or released there.
#
#   my $node = new_server('main', fake => $fake, conf => short_times());
#   arm($node, 'after-claim=stop@1');
#   $node->enqueue(...);
#   my $pid = wait_frozen($node);
#   disarm($node);
#   kill CONT => $pid;                        # or kill_sender($node, $pid): a crash right there
package CoachSms::Failpoint;
use strict;
use warnings;

use Exporter 'import';
use Test::More;
use CoachSms::Wait qw(wait_until);

our @EXPORT = qw(short_times arm disarm wait_frozen kill_sender);

# Settings under which a lease is over in seconds (it must outlive both timeouts by 5 s) and a message
# counts as absent a second later; further settings of coach_sms by name replace these.
sub short_times {
    my (%settings) = @_;
    my $second = 1000 * ($ENV{COACH_SMS_SLOW} || 1);
    my %all = (
        connect_timeout  => $second,
        request_timeout  => $second,
        reconcile_delay  => 50,
        reconcile_limit  => 1000,
        retry_base_delay => 100,
        poll_interval    => 200,
        %settings);
    $all{lease_duration} //= 2 * $all{connect_timeout} + $all{request_timeout} + 5000;
    return join '', map { "coach_sms.$_ = '$all{$_}'\n" } sort keys %all;
}

# Returns once the sender that runs now has its signal: whoever connects after the postmaster has
# read the file sees its value, and by then the postmaster has signalled all processes.
sub arm {
    my ($node, $failpoints) = @_;
    $node->append_conf('postgresql.conf', "coach_sms.failpoint = '$failpoints'");
    $node->reload;
    my $seen = '';
    wait_until(sub {
        $node->psql('postgres', 'SHOW coach_sms.failpoint', stdout => \$seen);
        return ($seen // '') eq $failpoints;
    }) or die "the server did not take coach_sms.failpoint = '$failpoints'";
    return;
}

sub disarm { my ($node) = @_; return arm($node, ''); }

# An assertion: the sender of the database ('postgres' unless given) gets to a failpoint that stops it. Returns its pid.
sub wait_frozen {
    my ($node, $db) = @_;
    my $pid = $node->sender_pid($db);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok(wait_until(sub { _state($pid) eq 'T' }), 'the sender is frozen')
      or diag("its state is " . _state($pid) . "; the server's log ends:\n" . $node->log_end);
    return $pid;
}

# kill -9, and the server that starts anew after it; another sender runs when this returns.
sub kill_sender {
    my ($node, $pid) = @_;
    kill KILL => $pid or die "no process $pid: $!";
    wait_until(sub { _state($pid) eq '' }) or die "process $pid does not end";
    wait_until(sub {
        my $new = '';
        $node->psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'coach_sms sender'}, stdout => \$new);
        return ($new // '') ne '' && $new != $pid;
    }) or die "no new sender after $pid; the server's log ends:\n" . $node->log_end;
    return;
}

# A letter, as ps shows it; '' where there is no such process (or one that nobody has waited for yet).
sub _state {
    my ($pid) = @_;
    open my $file, '<', "/proc/$pid/stat" or return '';
    my ($state) = (<$file> // '') =~ /\) (\S)/;
    return !defined $state || $state eq 'Z' ? '' : $state;
}

1;
