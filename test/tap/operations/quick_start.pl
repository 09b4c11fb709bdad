# README's quick start and its booking, word for word, deliver at any hour.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Fake;

my $readme = PostgreSQL::Test::Utils::slurp_file('README.md');
my ($quick_start, $bookings) = map { my $part = $_; [ $part =~ /^```sql\n(.*?)^```$/gms ] } $readme =~ /^## Quick start\n(.*?)^## A booking\N*\n(.*?)^## /ms;
is(scalar @$_, 2, 'two blocks are found') or BAIL_OUT('README.md has changed') for $quick_start, $bookings;

my $node = new_server('main', fake => start_fake(https => 0), clock => 1, extension => 0);
for my $hour (1, 8, 10, 14, 20, 22) {
    $node->set_clock(sprintf '2026-03-10 %02d:30:00+00', $hour);
    $node->safe_psql('postgres', 'CREATE DATABASE app');
    $node->safe_psql('app', $quick_start->[0]);
    $node->wait_for_sql('SELECT status FROM sms_messages', 'delivered', 30, db => 'app', name => "at $hour:30 UTC it is delivered");
    like($node->safe_psql('app', $quick_start->[1]), qr/^enqueued\|.*^delivered\|reported by the sandbox$/ms, 'and its story ends so');
    is($node->safe_psql('app', 'SELECT * FROM sms_doctor() WHERE NOT ok'), '', 'nothing is wrong');
    my $explained = $node->safe_psql('app', "$bookings->[0]\n$bookings->[1]");
    like($explained, qr/^confirmation\|.*^reminder\|planned\|.*^feedback\|planned\|/ms, 'a booking has its three texts');
    $node->wait_for_sql('SELECT count(*) FROM sms_messages', 2, 30, db => 'app', name => 'one of them at once');
    $node->safe_psql('postgres', 'DROP DATABASE app');
}

done_testing();
