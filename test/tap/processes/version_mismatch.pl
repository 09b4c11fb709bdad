# The library and the SQL are of different versions: the sender pauses and says so, enqueuing goes on, and after the update nothing is lost.
use strict;
use warnings;
use IPC::Run ();
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Log;
use CoachSms::Wait qw(deadline);

my $fake = start_fake();
my $node = new_server('main', fake => $fake, conf => short_times(request_timeout => 3000));
$node->go_live;
my $org = $node->make_org;
my $pid = $node->sender_pid;
my $version = $node->safe_psql('postgres', 'SELECT sms_library_version()');

sub pretend_version { $node->safe_psql('postgres', "UPDATE pg_extension SET extversion = '$_[0]' WHERE extname = 'coach_sms'"); return; }

# Four clients enqueue for at least six seconds, 600 messages each in a transaction of its own.
my $script = PostgreSQL::Test::Utils::tempdir() . '/enqueue.sql';
PostgreSQL::Test::Utils::append_to_file($script,
    "SELECT sms_enqueue('$org', to_phone => '+614915' || 70000 + (random() * 9999)::int, body => gen_random_uuid()::text);\n");

sub start_load {
    my $output = '';
    local @ENV{qw(PGHOST PGPORT)} = ($node->host, $node->port);
    my $load = IPC::Run::start([ qw(pgbench -n -M prepared -c 4 -j 1 -R 100 -t 150), '-f', $script, 'postgres' ],
        '<', \undef, '>', \$output, '2>&1', IPC::Run::timeout(deadline(120)));
    return sub {
        $load->finish;
        local $Test::Builder::Level = $Test::Builder::Level + 1;
        like($output, qr{number of transactions actually processed: 600/600\b}, 'no enqueue failed') or diag($output);
    };
}

my $expected = 0;

sub all_sent {
    my ($more) = @_;
    $expected += $more;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $node->wait_for_sql("SELECT status, count(*) FROM sms_messages GROUP BY status", "sent|$expected", undef, name => "all $expected messages are sent");
    is($fake->count, $expected, 'Twilio took each');
    is_deeply([ $fake->duplicates ], [], 'once');
    return;
}

# Another version, under load, with a request under way.

$fake->post('scenario', to => '+61491570006', marker => 'stall');
$node->enqueue($org, '+61491570006', 'under way');
$fake->wait_accepted(1);
my $mark = log_mark($node);
my $finish = start_load();
$node->wait_for_sql("SELECT count(*) > 50 FROM sms_messages WHERE status = 'sent'", 't');
pretend_version('0.0.9');
$node->wait_for_sql('SELECT state, pid FROM sms_worker_stat', "version mismatch|$pid", undef, name => 'the sender pauses');
my $sent = $fake->count;
$fake->post('release');
$node->wait_for_sql("SELECT count(*) > 50 FROM sms_messages WHERE status = 'queued'", 't', undef, name => 'enqueuing goes on');
is($fake->count, $sent, 'nothing is sent');
is(scalar(log_lines($node, $mark, qr/coach_sms sends nothing in database "postgres": its SQL is version 0\.0\.9, the library is version \Q$version\E/)), 1, 'the log says so, once');
like(log_since($node, $mark), qr/HINT:  Run ALTER EXTENSION coach_sms UPDATE/, 'and what to do');
like($node->safe_psql('postgres', 'SELECT problem FROM sms_health'), qr/^the library is version \Q$version\E and the extension 0\.0\.9: nothing is sent before ALTER EXTENSION coach_sms UPDATE/,
    'sms_health says so');
is($node->safe_psql('postgres', "SELECT ok FROM sms_doctor() WHERE check_name = 'version'"), 'f', 'and sms_doctor');
pretend_version($version);
$node->wait_for_sql('SELECT state, pid FROM sms_worker_stat', "live|$pid", undef, name => 'the right version again: the same sender goes on');
$finish->();
all_sent(601);

# ALTER EXTENSION UPDATE with a script that locks the busiest table, under load.

{
    chomp(my $folder = `pg_config --sharedir`);
    $folder .= '/extension';
    -w $folder or die "$folder is not writable";
    my $upgrade = "$folder/coach_sms--0.0.9--$version.sql";
    PostgreSQL::Test::Utils::append_to_file($upgrade, "ALTER TABLE sms_messages ADD COLUMN of_the_new_version text;\nSELECT coach_sms_internal.sms_poke_launcher();\n");
    $finish = start_load();
    $node->wait_for_sql("SELECT count(*) > 650 FROM sms_messages", 't');
    pretend_version('0.0.9');
    $node->wait_for_sql("SELECT count(*) > 20 FROM sms_messages WHERE status = 'queued'", 't');
    $node->safe_psql('postgres', 'ALTER EXTENSION coach_sms UPDATE');
    unlink $upgrade;
    is($node->safe_psql('postgres', "SELECT extversion FROM pg_extension WHERE extname = 'coach_sms'"), $version, 'ALTER EXTENSION UPDATE under load');
    $finish->();
    all_sent(600);
}
is($node->sender_pid, $pid, 'it was one sender all the time');

done_testing();
