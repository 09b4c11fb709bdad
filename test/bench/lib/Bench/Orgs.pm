# What many orgs cost that have something waiting, and how long one org's message waits beside the backlog of another.
package Bench::Orgs;
use strict;
use warnings;

use Time::HiRes qw(time);
use Bench::Data qw(add_waiting_orgs add_org bulk_enqueue empty forget_waiting_orgs stored_org);
use Bench::Drain qw(sender_cpu use_fake);
use Bench::Fake;
use Bench::Latency;
use Bench::Report qw(median note number percentile section);
use Bench::Size qw(size);

sub measure {
    my ($server) = @_;
    my $fake = Bench::Fake->start;
    use_fake($server, $fake, 256);
    many($server, $fake);
    beside_a_backlog($server, $fake);
    empty($server, 'fresh');
    return;
}

sub many {
    my ($server, $fake) = @_;
    my ($orgs, $seconds, $count) = (size('waiting_orgs'), 10, size('latency'));
    empty($server, 'fresh');
    add_waiting_orgs($server, 'fresh', $orgs);
    use_fake($server, $fake, 256);
    section("processor time of the sender with " . number($orgs) . ' orgs that have a message for tomorrow', '');
    $server->wait_until('the end of its first sweep', sub { $server->sql('fresh', 'SELECT activity FROM sms_worker_stat') eq 'waiting' });
    my $idle = idle_cpu($server, $seconds);
    note('idle, ms a second', sprintf('%.2f', $idle * 1000), '<= 5');
    my $before = sender_cpu($server, 'fresh');
    Bench::Latency::send_paced($server, $fake, 'fresh', 20, $count);
    my $spent = sender_cpu($server, 'fresh') - $before - $idle * $count / 20;
    note('one org sends 20 a second, ms a message', sprintf('%.2f', $spent / $count * 1000), '<= 1');
    forget_waiting_orgs($server, 'fresh');
    return;
}

# The sender's seconds of processor time a second, over at least so many seconds.
sub idle_cpu {
    my ($server, $seconds) = @_;
    my ($begin, $before) = (time, sender_cpu($server, 'fresh'));
    $server->wait_until("$seconds seconds of work", sub { time >= $begin + $seconds });
    return (sender_cpu($server, 'fresh') - $before) / (time - $begin);
}

# Seconds from the commit to the arrival of one org's message, while another org's backlog is on its way.
sub beside_a_backlog {
    my ($server, $fake) = @_;
    my ($small, $backlog) = (stored_org(1), size('backlog'));
    add_org($server, 'fresh', $small);
    empty($server, 'fresh');
    $fake->reset(50);
    $server->sql('fresh', bulk_enqueue($backlog));
    my @waits = map { one_beside($server, $fake, $small, $_) } 1 .. size('rounds');
    section('one org has ' . number($backlog) . ' due, another one enqueues one, s', '');
    note('until it arrives, median and longest', sprintf('%.3f  %.3f', median(@waits), percentile(1, @waits)), '<= 1');
    $server->sql('fresh', 'SELECT sms_pause()');
    my $in_flight = 'SELECT count(*) FROM coach_sms_internal.sms_in_flight';
    $server->wait_until('the last answer', sub { $server->sql('fresh', $in_flight) == 0 });
    empty($server, 'fresh');
    $server->sql('fresh', "DELETE FROM sms_settings WHERE org_id = '$small'", 'SELECT sms_resume()');
    return;
}

sub one_beside {
    my ($server, $fake, $org, $number) = @_;
    my $text = "beside $number";
    my (undef, $commit) = $server->timed('fresh', "SELECT sms_enqueue('$org', client_id => gen_random_uuid(), to_phone => '+61491570006', body => '$text')");
    my $arrival;
    $server->wait_until('the one message', sub { ($arrival) = $fake->arrivals_of($text); $arrival });
    return $arrival - $commit;
}

1;
