# A message that kills its sender, and with it every session of the server, each time it is claimed: it does so
# max_attempts times, and is put aside then with a reason.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake();
my $node = new_server('main', fake => $fake, conf => short_times(max_attempts => 2));
$node->go_live;
my $org = $node->make_org;

arm($node, 'after-claim=kill');
my $poison = $node->enqueue($org, '+61491570110', 'poison');
$node->wait_for_status($poison, 'failed');
is($node->safe_psql('postgres', "SELECT attempt_count, error_code, error_message FROM sms_messages WHERE id = '$poison'"),
    "2|outcome_unknown|Twilio's list does not show it; no attempts are left", 'it failed with the reason');
is($node->safe_psql('postgres', "SELECT string_agg(status || ' ' || error_code, ', ' ORDER BY attempt_number) FROM sms_attempts WHERE message_id = '$poison'"),
    'unknown sender_lost, unknown outcome_unknown', 'both attempts are written down');
my @deaths = PostgreSQL::Test::Utils::slurp_file($node->logfile) =~ /coach_sms sender.* was terminated by signal 9/g;
is(scalar(@deaths), 2, 'the sender died twice of it, and no more');

disarm($node);
$node->wait_for_status($node->enqueue($org, '+61491570111', 'next'), 'sent');
is($fake->count(to => '+61491570110'), 0, 'Twilio never saw it');
is($fake->count, 1, 'and took the next one once');

done_testing();
