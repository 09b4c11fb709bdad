# The launcher: CREATE EXTENSION is enough for a sender, who gets none, and how all of them come back.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Wait qw(wait_until);

my $node = new_server('main');
$node->make_org(org_id => '00000000-0000-4000-8000-000000000001');

my $number = 0;

# A text in a database's sandbox: delivered if a sender runs there.
sub delivers {
    my ($server, $db, $name) = @_;
    $server->safe_psql($db, 'DELETE FROM sms_settings');
    my $id = $server->enqueue($server->make_org(db => $db), '+61491570006', 'text ' . ++$number, db => $db);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return $server->wait_for_status($id, 'delivered', undef, db => $db, name => $name);
}

sub terminate {
    my ($pid) = @_;
    is($node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)"), 't', 'pg_terminate_backend');
    return;
}

# Which databases get a sender.

my $first = $node->sender_pid;
$node->safe_psql('postgres', "CREATE DATABASE $_") for qw(second third);
$node->create_extension('second');
delivers($node, 'second', 'CREATE EXTENSION in a second database is enough');
is($node->sender_pid, $first, 'the first database keeps its sender');

$node->safe_psql('postgres', 'CREATE DATABASE model IS_TEMPLATE true');
$node->create_extension('model');
$node->create_extension('third');
delivers($node, 'third', 'and in a third');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE datname = 'model'"), '0', 'a template gets no sender');
$node->safe_psql('postgres', 'ALTER DATABASE third ALLOW_CONNECTIONS false');
$node->reload;
$node->wait_for_sql("SELECT count(*) FROM pg_stat_activity WHERE datname = 'third'", '0', undef,
    name => 'a database that takes no connections any more loses its sender');
$node->safe_psql('postgres', 'CREATE DATABASE fourth TEMPLATE model');
$node->wait_for_sql('SELECT state FROM sms_worker_stat', 'not armed', undef, db => 'fourth',
    name => 'a copy of the template has a sender, which sends nothing');

# One sender a database: it holds the lock that no other can get.
$node->wait_for_sql("SELECT string_agg(datname || ' ' || n, ', ' ORDER BY datname)
                       FROM (SELECT datname, count(*) AS n FROM pg_locks l JOIN pg_database d ON d.oid = l.database JOIN pg_stat_activity a USING (pid, datname)
                              WHERE l.locktype = 'advisory' AND l.classid = 1129267523 AND l.granted AND a.backend_type = 'coach_sms sender' GROUP BY 1) held",
    'fourth 1, postgres 1, second 1', undef, name => 'each sender holds one lock, each database has one sender');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1129267523"), 3, 'and nobody else asks for it');

# What is set for a database's sessions does not reach its sender.

my %for_sessions = (default_transaction_read_only => 'on', default_transaction_isolation => 'serializable', synchronous_commit => 'off',
    search_path => '', row_security => 'off', session_replication_role => 'replica');
$node->safe_psql('postgres', "ALTER DATABASE second SET $_ = '$for_sessions{$_}'") for sort keys %for_sessions;
my $before = $node->sender_pid('second');
terminate($before);
$node->wait_for_sql("SELECT pid <> $before FROM public.sms_worker_stat", 't', undef, db => 'second', name => 'a sender starts after ALTER DATABASE');
is($node->safe_psql('second', "SELECT setting FROM pg_settings WHERE name = 'default_transaction_read_only'"), 'on', 'a session has those settings');
{
    local $ENV{PGOPTIONS} = '-c default_transaction_read_only=off -c search_path=public'
      . ' -c session_replication_role=origin -c default_transaction_isolation=read\\ committed -c row_security=on';
    delivers($node, 'second', 'the sender has its own');
}
$node->safe_psql('postgres', 'ALTER DATABASE second RESET ALL');

# How they come back.

for my $time (1 .. 3) {
    my $pid = $node->sender_pid;
    terminate($pid);
    $node->wait_for_sql("SELECT pid IS NOT NULL AND pid <> $pid AND restarts = $time FROM sms_worker_stat", 't', undef,
        name => "terminated for the ${time}. time, it is back");
    delivers($node, 'postgres', 'and sends');
}

my $launcher = $node->safe_psql('postgres', 'SELECT coach_sms_internal.sms_launcher_pid()');
my $sender = $node->sender_pid;
terminate($launcher);
$node->wait_for_sql("SELECT coach_sms_internal.sms_launcher_pid() <> $launcher", 't', undef, name => 'the launcher, terminated, is back');
is($node->sender_pid, $sender, 'its senders lived on');
terminate($sender);
$node->wait_for_sql("SELECT pid <> $sender FROM sms_worker_stat", 't', undef,
    name => 'the new launcher looks after a sender that the old one started');
delivers($node, 'postgres', 'which sends');
is($node->safe_psql('postgres', 'SELECT ok FROM sms_health'), 't', 'sms_health is content');

# Worker slots used up: PostgreSQL's own launcher for logical replication, ours, and one sender.

my $small = new_server('small', conf => 'max_worker_processes = 3');
$small->safe_psql('postgres', "CREATE DATABASE $_") for qw(second third);
$small->create_extension($_) for qw(second third);
$small->wait_for_sql('SELECT state FROM sms_worker_stat', 'backing off', undef, db => $_, name => "database $_ waits for a worker slot") for qw(second third);
delivers($small, 'postgres', 'the one that has a slot goes on');
my @warnings = grep { /WARNING/ } split /^/, PostgreSQL::Test::Utils::slurp_file($small->logfile);
is(scalar(@warnings), 1, 'one warning');
like($warnings[0], qr/out of background worker slots, database "second" waits/, 'says which database waits');
like(PostgreSQL::Test::Utils::slurp_file($small->logfile), qr/HINT:  You might need to increase max_worker_processes\./, 'and what to do');
my $advice = $small->safe_psql('third', "SELECT problem || '|' || what_to_do FROM sms_doctor() WHERE check_name = 'worker_slots'");
like($advice, qr/out of background worker slots.*\|Raise max_worker_processes \(now 3;/, 'sms_doctor says it too');
is($small->safe_psql('third', 'SELECT ok FROM sms_health'), 'f', 'and sms_health');
is($small->safe_psql('postgres', "SELECT sms_detach_worker(hold => '1 hour')"), 't', 'a slot becomes free');
wait_until(sub { $small->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'coach_sms sender'") eq '1' });
my ($lucky) = $small->safe_psql('postgres', "SELECT datname FROM pg_stat_activity WHERE backend_type = 'coach_sms sender'");
delivers($small, $lucky, 'somebody else takes it');

done_testing();
