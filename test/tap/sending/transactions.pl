# Messages belong to the transaction that enqueues them; HTTP belongs to none.
use strict;
use warnings;
use IPC::Run ();
use Test::More;
use CoachSms::Cluster;
use CoachSms::Fake;

my $fake = start_fake();
# Without polling: what is sent in this test's first part is sent because a commit woke the sender.
my $node = new_server('main', fake => $fake, conf => "coach_sms.poll_interval = '1h'\ncoach_sms.request_timeout = '60s'");
$node->go_live;
my $org = $node->make_org;
$node->sender_pid;

sub call {
    my ($to, $body) = @_;
    return "sms_enqueue('$org', to_phone => '$to', body => '$body')";
}

my $first = $node->enqueue($org, '+61491570110', 'first');
$node->wait_for_status($first, 'sent');

# Not before the commit: another transaction's message wakes the sender meanwhile.
my ($in, $out) = ("BEGIN;\nSELECT 'enqueued' WHERE " . call('+61491570111', 'open') . " IS NOT NULL;\n", '');
my $session = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres') ],
    '<', \$in, '>', \$out, IPC::Run::timeout(120));
$session->pump until $out =~ /enqueued/;
$node->wait_for_status($node->enqueue($org, '+61491570112', 'meanwhile'), 'sent');
is($fake->count(to => '+61491570111'), 0, 'nothing is sent before the commit');
$in .= "COMMIT;\n";
$session->finish;
$fake->wait_accepted(3);
is($fake->count(to => '+61491570111'), 1, 'the commit sends it');

# What is rolled back never was.
$node->safe_psql('postgres', 'BEGIN; SELECT ' . call('+61491570113', 'rolled back') . '; ROLLBACK');
$node->safe_psql('postgres', 'BEGIN; SELECT ' . call('+61491570114', 'kept') . '; SAVEPOINT s; SELECT '
      . call('+61491570115', 'rolled back to a savepoint') . '; ROLLBACK TO s; COMMIT');
$node->psql('postgres', 'BEGIN; SELECT ' . call('+61491570116', 'failed') . '; SELECT 1/0; COMMIT', on_error_stop => 0);
$node->safe_psql('postgres', 'BEGIN; SELECT ' . call('+61491570117', 'prepared and rolled back') . "; PREPARE TRANSACTION 'no'; ROLLBACK PREPARED 'no'");
$node->safe_psql('postgres', 'DO $$ BEGIN BEGIN PERFORM ' . call('+61491570118', 'caught') . '; RAISE division_by_zero;
    EXCEPTION WHEN division_by_zero THEN PERFORM ' . call('+61491570119', 'said instead') . '; END; END $$');
$fake->wait_accepted(5);
is_deeply([ sort map { $_->{body} } $fake->ledger ], [ 'first', 'kept', 'meanwhile', 'open', 'said instead' ], 'only what was committed is sent');
is($node->safe_psql('postgres', 'SELECT count(*) FROM sms_messages'), 5, 'and only that is kept');

# A prepared transaction: not before COMMIT PREPARED, whoever commits it; found by the sweep.
$node->append_conf('postgresql.conf', "coach_sms.poll_interval = '200ms'");
$node->reload;
$node->safe_psql('postgres', 'BEGIN; SELECT ' . call('+61491570120', 'prepared') . "; PREPARE TRANSACTION 'later'");
$node->wait_for_status($node->enqueue($org, '+61491570121', 'in between'), 'sent');
is($fake->count(to => '+61491570120'), 0, 'a prepared message is not sent');
$node->restart;
$node->wait_for_status($node->enqueue($org, '+61491570122', 'after the restart'), 'sent');
is($fake->count(to => '+61491570120'), 0, 'nor after a restart');
$node->safe_psql('postgres', "COMMIT PREPARED 'later'");
$fake->wait_accepted(8);
is($fake->count(to => '+61491570120'), 1, 'COMMIT PREPARED sends it');

# While a request is under way the sender has no transaction, no snapshot and no lock on a table of ours.
my $slow = $node->enqueue($org, '+61491570123', 'slow [fake:stall]');
$fake->wait_accepted(9);
$node->wait_for_sql("SELECT xact_start IS NULL, backend_xmin IS NULL, backend_xid IS NULL, state FROM pg_stat_activity
                      WHERE backend_type = 'coach_sms sender'", 't|t|t|idle', 20, name => 'no transaction is open during HTTP');
$node->wait_for_sql("SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                      WHERE a.backend_type = 'coach_sms sender' AND l.locktype NOT IN ('advisory', 'virtualxid')", '0', 20, name => 'and no lock is held');
is($node->psql('postgres', "SET lock_timeout = '10s'; VACUUM FULL coach_sms_internal.sms_in_flight; VACUUM FULL sms_messages; TRUNCATE sms_attempts"), 0,
    'VACUUM FULL and TRUNCATE are not blocked');
is($node->safe_psql('postgres', "SELECT status FROM sms_messages WHERE id = '$slow'"), 'sending', 'while it is still under way');
$fake->post('release');
$node->wait_for_status($slow, 'sent');
is($fake->count, 9, 'Twilio took nine');
is_deeply([ $fake->duplicates ], [], 'and none twice');

done_testing();
