# A server that is recovered to an earlier time, in place and with all its files: it does not know what it sent since, and sends
# nothing before somebody says so.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake();
my $server = new_server('server', fake => $fake, init => { allows_streaming => 1, has_archiving => 1 }, conf => short_times());
$server->go_live;
my $org = $server->make_org;
$server->wait_for_status($server->enqueue($org, '+61491570110', 'Before'), 'sent');
$server->backup('base');
$server->safe_psql('postgres', 'SELECT sms_pause()');
my $again = $server->enqueue($org, '+61491570111', 'Waits at that time');
$server->safe_psql('postgres', "SELECT pg_create_restore_point('then')");
$server->safe_psql('postgres', 'SELECT sms_resume()');
$server->wait_for_status($again, 'sent');
$server->safe_psql('postgres', 'SELECT pg_switch_wal()');
$server->stop;

sub recovered {
    my ($name, @conf) = @_;
    my $node = PostgreSQL::Test::Cluster->new($name);
    $node->init_from_backup($server, 'base', has_restoring => 1, standby => 0);
    $node->CoachSms::Cluster::adopt($fake);
    $node->configure(join "\n", short_times(), @conf, "recovery_target_action = 'promote'", "recovery_target_timeline = 'current'", '');
    $server->copy_secrets_to($node);
    $node->start;
    return $node;
}

my $node = recovered('earlier', "recovery_target_name = 'then'");
$node->wait_for_sql('SELECT sender_state FROM sms_health', 'not armed', undef, name => 'recovered to an earlier time it is not armed');
like($node->safe_psql('postgres', 'SELECT problem FROM sms_health'),
    qr/sends nothing: the server was recovered to an earlier time \(at restore point "then"\)/, 'and says why');
is($node->safe_psql('postgres', "SELECT status FROM sms_messages WHERE id = '$again'"), 'queued', 'what it has sent since waits there again');
is($node->safe_psql('postgres', "SELECT ok FROM sms_doctor() WHERE check_name = 'mode'"), 'f', 'sms_doctor() reports it too');
is($fake->count(contains => 'Waits at that time'), 1, 'and has not gone again');

# Somebody knows what has gone, takes it out, and goes on.
$node->safe_psql('postgres', "SELECT sms_cancel('$again')");
$node->go_live;
$node->safe_psql('postgres', 'SELECT sms_resume()');
$node->wait_for_status($node->enqueue($org, '+61491570112', 'After'), 'sent');
$node->restart;
$node->wait_for_status($node->enqueue($org, '+61491570113', 'After a restart'), 'sent');
is_deeply([ $fake->duplicates ], [], 'nothing went twice');
$node->stop;

# Recovered to its very end, as after the loss of a machine, it goes on.
my $whole = recovered('whole');
$whole->wait_for_sql('SELECT pg_is_in_recovery()', 'f');
$whole->wait_for_status($whole->enqueue($org, '+61491570114', 'Goes on'), 'sent');
is($whole->safe_psql('postgres', 'SELECT mode FROM sms_mode()'), 'live', 'recovered to the end it is armed');
is_deeply([ $fake->duplicates ], [], 'nothing went twice');
done_testing();
