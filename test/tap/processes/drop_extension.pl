# DROP EXTENSION while a request is under way: rolled back, for good, and followed by CREATE EXTENSION.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Log;
use CoachSms::Wait qw(deadline);

my $fake = start_fake();
my $node = new_server('main', fake => $fake, conf => short_times(request_timeout => 30000, lease_duration => 60000));
my $number = 0;

sub make_live {
    my ($db) = @_;
    $node->go_live($db);
    return $node->make_org(db => $db);
}

# A request that Twilio has taken, and whose answer waits for /control/release.
sub start_request {
    my ($org) = @_;
    my $to = sprintf '+61491570%03d', 110 + $number++;
    $fake->post('scenario', to => $to, marker => 'stall');
    my $id = $node->enqueue($org, $to, 'under way');
    $fake->wait_accepted($number);
    return $id;
}

my $org = make_live('postgres');
$node->safe_psql('postgres', 'CREATE DATABASE bystander');
$node->create_extension('bystander');
my $bystander = $node->make_org(db => 'bystander');
my $bystander_pid = $node->sender_pid('bystander');

# Rolled back: the answer comes while the extension is locked, and is recorded afterwards.

my $pid = $node->sender_pid;
my $id = start_request($org);
my $mark = log_mark($node);
my $session = $node->background_psql('postgres');
$session->query_safe('BEGIN');
my $start = time;
$session->query_safe('DROP EXTENSION coach_sms');
cmp_ok(time - $start, '<', deadline(10), 'DROP EXTENSION does not wait for the request');
$fake->post('release');
$fake->wait_for(open => 0, accepted => 1);
$session->query_safe('ROLLBACK');
$node->wait_for_status($id, 'sent');
$node->wait_for_status($node->enqueue($org, '+61491570006', 'goes on'), 'sent');
$number++;
is($node->sender_pid, $pid, 'rolled back: the same sender goes on');
is(join('', log_lines($node, $mark)), '', 'and it had nothing to complain of');

# For good: nobody can record the answer any more, so its SID goes to the log.

start_request($org);
$mark = log_mark($node);
$start = time;
$session->query_safe('DROP EXTENSION coach_sms');
cmp_ok(time - $start, '<', deadline(10), 'committed: it does not wait either');
$fake->post('release');
my ($taken) = $fake->ledger(body => 'under way', to => '+61491570112');
wait_for_log_line($node, $mark, qr/Twilio accepted $taken->{sid}, and its row can no longer be written/, 'the SID of the answer is in the log');
wait_for_log_line($node, $mark, qr/coach_sms was dropped from database "postgres", its sender ends/, 'so is the reason');
$node->wait_for_sql("SELECT count(*) FROM pg_stat_activity WHERE pid = $pid", '0', undef, name => 'the sender ends');
is(scalar(grep { /postgres/ } log_lines($node, $mark)), 1, 'there is no loop of errors') or diag(log_since($node, $mark));
is($node->sender_pid('bystander'), $bystander_pid, 'another database keeps its sender');

# And again.

$session->query_safe('CREATE EXTENSION coach_sms');
$org = make_live('postgres');
$node->wait_for_status($node->enqueue($org, '+61491570006', 'anew'), 'sent');
$number++;
is($node->safe_psql('postgres', 'SELECT count(*) FROM sms_messages'), '1', 'created again it begins anew, and sends');

# Replaced within one transaction, a request under way.

$pid = $node->sender_pid;
start_request($org);
$session->query_safe('BEGIN; DROP EXTENSION coach_sms; CREATE EXTENSION coach_sms; COMMIT;');
$fake->post('release');
$node->wait_for_sql("SELECT pid <> $pid AND state = 'sandbox' FROM sms_worker_stat", 't', undef,
    name => 'replaced within a transaction: another sender starts, in the sandbox');
$node->wait_for_status($node->enqueue($node->make_org, '+61491570006', 'in the sandbox'), 'delivered');

# DROP EXTENSION in one of two databases, then of the other, and of the role that they shared.

$session->query_safe('DROP EXTENSION coach_sms');
$node->wait_for_status($node->enqueue($bystander, '+61491570006', 'still here', db => 'bystander'), 'delivered', undef, db => 'bystander');
$node->safe_psql('bystander', 'DROP EXTENSION coach_sms');
$session->query_safe('DROP OWNED BY coach_sms_owner');
$node->safe_psql('bystander', 'DROP OWNED BY coach_sms_owner; DROP ROLE coach_sms_owner');
$node->wait_for_sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'coach_sms sender'", '0', undef, name => 'no sender is left');
$session->quit;
is_deeply([ $fake->duplicates ], [], 'nothing went twice');

done_testing();
