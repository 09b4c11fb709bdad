# A physical copy of the server, and a server after pg_upgrade: neither sends before somebody says so.
use strict;
use warnings;
use File::Copy qw(copy);
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Log;
use CoachSms::Wait qw(deadline);
use PostgreSQL::Test::Utils qw(slurp_file);

my $fake = start_fake();
my $node = new_server('original', fake => $fake, init => { allows_streaming => 1 }, conf => short_times());
$node->go_live;
my $org = $node->make_org;
$node->wait_for_status($node->enqueue($org, '+61491570110', 'sent'), 'sent');
$node->safe_psql('postgres', 'SELECT sms_pause()');
my $waits = $node->enqueue($org, '+61491570111', 'waits');
my $later = $node->enqueue($org, '+61491570112', 'later', scheduled_for => 'tomorrow');

sub rows {
    my ($of) = @_;
    return $of->safe_psql('postgres', join ' UNION ALL ',
        map { "SELECT '$_', count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM $_ t" } qw(sms_settings sms_messages sms_attempts coach_sms_internal.sms_queue));
}

# pg_basebackup, started elsewhere: it has the key, but not the live file.

$node->backup('base');
my $clone = PostgreSQL::Test::Cluster->new('clone');
$clone->init_from_backup($node, 'base');
$clone->CoachSms::Cluster::adopt($fake);
$clone->configure(short_times());
$node->copy_secrets_to($clone);
unlink glob $clone->secrets_dir . '/*.live.*';
$clone->start;
$clone->safe_psql('postgres', 'SELECT sms_resume()');
$clone->wait_for_sql('SELECT sender_state, ok FROM sms_health', 'not armed|f', undef, name => 'a clone is not armed');
like($clone->safe_psql('postgres', 'SELECT problem FROM sms_health'), qr/sends nothing: could not open file ".*\.live\.\d+\.\d+"/, 'sms_health says why');
wait_for_log_line($clone, 0, qr/coach_sms sends nothing in database "postgres": could not open file/, 'so does the log');
my $written = $clone->enqueue($org, '+61491570113', 'written in the clone');
is($clone->safe_psql('postgres', "SELECT string_agg(status, ',') FROM sms_messages WHERE id IN ('$waits', '$written')"), 'queued,queued', 'messages wait there');
$clone->stop('fast');

# pg_upgrade. The new server has the library, the key and the live file from the start.

my $upgraded = new_server('upgraded', fake => $fake, fresh => 1, start => 0, conf => short_times());
$node->copy_secrets_to($upgraded);
my ($live_file) = glob $upgraded->secrets_dir . '/*.live.*';
(my $old_name = $live_file) =~ s/\.live\.\d+/.live/;
copy($live_file, $old_name) or die "cannot copy $live_file: $!";
chmod 0600, $old_name;
my $before = rows($node);
$node->stop('fast');
chomp(my $bindir = `pg_config --bindir`);
my $output = '';
chdir PostgreSQL::Test::Utils::tempdir() or die $!;
ok(IPC::Run::run([ 'pg_upgrade', '--no-sync', '--retain', '-b', $bindir, '-B', $bindir, '-d', $node->data_dir, '-D', $upgraded->data_dir,
            '-p', $node->port, '-P', $upgraded->port, '-s', $upgraded->host ], '<', \undef, '>', \$output, '2>&1', IPC::Run::timeout(deadline(300))), 'pg_upgrade succeeds')
  or diag($output);
my $log = join '', map { slurp_file($_) } glob $upgraded->data_dir . '/pg_upgrade_output.d/*/log/pg_upgrade_server.log';
like($log, qr/database system is ready to accept connections/, 'it started both servers');
unlike($log, qr/coach_sms launcher|coach_sms sends|coach_sms sender/, 'and no process of ours ran there');

$upgraded->start;
is(rows($upgraded), $before, 'every row is there, the queue too');
$upgraded->wait_for_sql('SELECT sender_state, problem FROM sms_health',
    'not armed|this server is not armed for this database, and sends nothing: the database was copied from another server', undef,
    name => 'it is another server, and not armed');
$upgraded->safe_psql('postgres', 'SELECT sms_resume()');
my $new = $upgraded->enqueue($org, '+61491570114', 'enqueued before it is armed');
is($fake->count, 1, 'nothing was sent by any of them');

my (undef, undef, $warning) = $upgraded->psql('postgres', 'SELECT sms_go_live()');
like($warning, qr/WARNING:  the database that this one was copied from is live too\nDETAIL:  File "\Q$live_file\E" arms it/, 'sms_go_live() warns of the old server');
ok(-e $_, "$_ is left alone") for $live_file, $old_name;
is($upgraded->safe_psql('postgres', "SELECT position('$old_name' IN problem) > 0 FROM sms_doctor() WHERE check_name = 'live_file'"), 't', 'sms_doctor() reports the file with the name of 0.1.0');
$upgraded->wait_for_status($_, 'sent') for $waits, $new;
is($upgraded->safe_psql('postgres', "SELECT status FROM sms_messages WHERE id = '$later'"), 'pending', 'what is to come waits for its time');
is($fake->count, 3, 'armed, it sends what waited');
is_deeply([ $fake->duplicates ], [], 'once');

done_testing();
