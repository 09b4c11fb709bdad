# DROP, copy and rename of a database that sends: it is let go of within seconds, others are not disturbed, and a copy sends nothing.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Wait qw(deadline);

my $fake = start_fake();
my $node = new_server('main', fake => $fake, conf => short_times(request_timeout => 30000, lease_duration => 60000));

sub make_live {
    my ($db) = @_;
    $node->safe_psql('postgres', "CREATE DATABASE $db");
    $node->create_extension($db);
    $node->go_live($db);
    return $node->make_org(db => $db);
}

sub drop {
    my ($sql, $name) = @_;
    my $start = time;
    $node->safe_psql('postgres', $sql);
    cmp_ok(time - $start, '<', deadline(10), "$name: $sql returns");
    return;
}

my $here = $node->make_org;
my $pid = $node->sender_pid;

# Another database, with and without the extension; then those with a request under way that is never answered.

$node->safe_psql('postgres', 'CREATE DATABASE plain');
drop('DROP DATABASE plain', 'a database without the extension');
for my $case ([ 'DROP DATABASE idle', 'idle', 0 ], [ 'DROP DATABASE busy', 'busy', 1 ], [ 'DROP DATABASE forced WITH (FORCE)', 'forced', 2 ]) {
    my ($sql, $db, $accepted) = @$case;
    my $org = make_live($db);
    $node->sender_pid($db);
    $node->enqueue($org, "+6149157011$accepted", '[fake:stall] under way', db => $db) if $accepted;
    $fake->wait_accepted($accepted);
    drop($sql, $accepted ? 'a request under way' : 'its sender idle');
    is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'coach_sms sender' AND pid <> $pid"), '0', 'its sender is gone');
}
is($node->sender_pid, $pid, 'the sender of another database lives on');
is($fake->count(to => "+6149157011$_"), 1, "Twilio took what was under way once: $_") for 1, 2;
$node->wait_for_status($node->enqueue($here, '+61491570006', 'here'), 'delivered');

# Dropped while its sender starts.

my $launcher = $node->safe_psql('postgres', 'SELECT coach_sms_internal.sms_launcher_pid()');
for my $time (1 .. 5) {
    $node->safe_psql('postgres', 'CREATE DATABASE brief');
    $node->create_extension('brief');
    drop('DROP DATABASE brief', "just created, time $time");
}
is($node->safe_psql('postgres', 'SELECT coach_sms_internal.sms_launcher_pid()'), $launcher, 'the launcher lives on');
is($node->sender_pid, $pid, 'and the sender of another database');
$node->assert_no_crash;

# A drop that fails leaves the database sending.

my $kept = make_live('kept');
my $session = $node->background_psql('kept');
$session->query_safe('SELECT 1');
my ($status, undef, $error) = $node->psql('postgres', 'DROP DATABASE kept');
like($error, qr/database "kept" is being accessed by other users/, 'a database in use is not dropped');
$session->quit;
$node->safe_psql('postgres', "SELECT sms_detach_worker('kept', '1 millisecond')");    # or else in a minute
my $id = $node->enqueue($kept, '+61491570113', 'kept', db => 'kept');
$node->wait_for_status($id, 'sent', undef, db => 'kept', name => 'and goes on sending');

# A copy.

$node->safe_psql('kept', "SELECT sms_pause()");
my $waits = $node->enqueue($kept, '+61491570114', 'waits', db => 'kept');
is($node->safe_psql('postgres', "SELECT sms_detach_worker('kept')"), 't', 'sms_detach_worker');
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE kept');
$node->safe_psql('copy', 'SELECT sms_resume()');
$node->wait_for_sql('SELECT sender_state, ok, problem FROM sms_health',
    'not armed|f|this server is not armed for this database, and sends nothing: this is a copy of another database', undef,
    db => 'copy', name => 'a copy is not armed, and says why');
my $new = $node->enqueue($kept, '+61491570115', 'written in the copy', db => 'copy');
is($node->safe_psql('copy', "SELECT problem FROM sms_doctor() WHERE check_name = 'mode'"),
    'this server is not armed for this database, and sends nothing: this is a copy of another database', 'sms_doctor too');

# Renamed.

is($node->safe_psql('postgres', "SELECT sms_detach_worker('kept', '1 hour')"), 't', 'sms_detach_worker again');
$node->wait_for_sql('SELECT state FROM sms_worker_stat', 'held', undef, db => 'kept', name => 'it is held');
like($node->safe_psql('kept', 'SELECT problem FROM sms_health'), qr/^the sender is held back until /, 'sms_health says so');
$node->safe_psql('postgres', 'ALTER DATABASE kept RENAME TO renamed');
$node->safe_psql('postgres', "SELECT sms_detach_worker('renamed', '1 millisecond')");
$node->safe_psql('renamed', 'SELECT sms_resume()');
$node->wait_for_status($waits, 'sent', undef, db => 'renamed', name => 'under its new name it goes on');
is($node->safe_psql('renamed', 'SELECT database, state FROM sms_worker_stat'), 'renamed|live', 'and is seen under that');

is($node->safe_psql('copy', "SELECT string_agg(status, ',') FROM sms_messages WHERE id IN ('$waits', '$new')"), 'queued,queued', 'the copy has sent nothing');
is($fake->count(to => '+61491570114'), 1, 'Twilio got what waited once');
is($fake->count(to => '+61491570115'), 0, 'and nothing of the copy');

is($fake->count(to => "+6149157011$_"), 1, "what was under way at a drop was never sent again: $_") for 1, 2;
is_deeply([ $fake->duplicates ], [], 'nothing went twice');

# Whoever wants the copy to send says so.

$node->safe_psql('renamed', "SELECT sms_pause()");
$node->go_live('copy');
$node->wait_for_status($new, 'sent', undef, db => 'copy', name => 'armed, the copy sends');

# Only the owner of a database may hold up its sender.

$node->safe_psql('postgres', 'CREATE ROLE stranger LOGIN; GRANT EXECUTE ON FUNCTION sms_detach_worker TO stranger');
($status, undef, $error) = $node->psql('postgres', "SELECT sms_detach_worker('renamed', '1 hour')", extra_params => [ '-U', 'stranger' ]);
like($error, qr/must be owner of database "renamed"/, 'a stranger cannot stop the sending');

done_testing();
