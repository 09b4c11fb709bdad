# Tests of rules by the moved clock: what must not go has had every chance to, and what went is read at the fake.
#
#   $node->set_clock('2026-03-10 21:00:00+11');
#   settle($node);                                       # whatever may go now has gone
#   is_deeply([ bodies($node, qr/^night/) ], []);
#   cmp_ok(most_within($node, 3600, qr/^bulk/), '<=', 5);
package CoachSms::Rules;
use strict;
use warnings;

use Exporter 'import';
use Test::More;
use CoachSms::Cluster qw(sql_quote);
use CoachSms::Wait qw(wait_until);

our @EXPORT = qw(settle arrivals bodies settled_count wait_for_bodies most_within raises);

my $probe = '+61491570158';

# Returns once the sender has looked at all lanes since the call: two texts of an org that may send at any hour have
# arrived one after the other, and what was claimed with them is no longer on its way. The fake must answer.
sub settle {
    my ($node) = @_;
    my $fake = $node->fake;
    $node->{coach_sms_probe} //= $node->make_org(twilio_phone_number => '+61491570159');
    for (1, 2) {
        my $count = $fake->count(to => $probe);
        $node->enqueue($node->{coach_sms_probe}, $probe, 'probe ' . ++$node->{coach_sms_probes});
        wait_until(sub { $fake->count(to => $probe) > $count }) or die "a probe did not arrive; the server's log ends:\n" . $node->log_end;
    }
    wait_recorded($node);
    return;
}

# What has arrived is recorded too, so that a move of the clock does not come in between. No request may hang.
sub wait_recorded {
    my ($node) = @_;
    wait_until(sub { $node->safe_psql('postgres', "SELECT count(*) FROM coach_sms_internal.sms_in_flight WHERE state = 'leased'") == 0 })
      or die "requests do not end; the server's log ends:\n" . $node->log_end;
    return;
}

# The fake's rows whose body matches, in the order of their arrival; their bodies.
sub arrivals { my ($node, $pattern) = @_; return grep { $_->{body} =~ $pattern } $node->fake->ledger; }
sub bodies { my ($node, $pattern) = @_; return map { $_->{body} } arrivals($node, $pattern); }

# How many have arrived once all that may go now has gone.
sub settled_count { my ($node, $pattern) = @_; settle($node); return scalar bodies($node, $pattern); }

# An assertion: that many arrive, and are recorded.
sub wait_for_bodies {
    my ($node, $pattern, $number, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @found;
    wait_until(sub { (@found = bodies($node, $pattern)) >= $number }, 30);
    wait_recorded($node);
    return ok(@found == $number, $name)
      || diag('arrived: ' . join(', ', @found) . "; the server's log ends:\n" . $node->log_end);
}

# The greatest number of them in any stretch of that many seconds, by the moved clock.
sub most_within {
    my ($node, $seconds, $pattern) = @_;
    my @times = sort { $a <=> $b } map { $node->clock_at($_->{received_at}) } arrivals($node, $pattern);
    my ($most, $first) = (0, 0);
    for my $last (0 .. $#times) {
        $first++ while $times[$last] - $times[$first] >= $seconds;
        $most = $last - $first + 1 if $last - $first + 1 > $most;
    }
    return $most;
}

# An assertion: the statement fails with that SQLSTATE and a hint.
sub raises {
    my ($node, $sql, $state, $name) = @_;
    my ($status, undef, $error) = $node->psql('postgres', "\\set VERBOSITY verbose\n$sql");
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok($status != 0 && $error =~ /ERROR:  $state: .*HINT:/s, $name) || diag($error);
}

1;
