# A dump restored elsewhere: every row arrives, nothing is sent before somebody says so, and no secret travels.
use strict;
use warnings;
use File::Copy qw(copy);
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Wait qw(deadline);
use PostgreSQL::Test::Utils qw(slurp_file);

my @tables = qw(sms_settings sms_templates sms_messages sms_attempts sms_events sms_suppression sms_opt_outs sms_schedules);
my $fake = start_fake();
my $source = new_server('source', fake => $fake, conf => short_times(request_timeout => 60000, lease_duration => 70000, public_url => 'https://app.example/twilio'));
my $target = new_server('target', fake => $fake, fresh => 1, extension => 0, conf => short_times());
my $dir = PostgreSQL::Test::Utils::tempdir();

sub run_tool {
    my ($node, @command) = @_;
    local @ENV{qw(PGHOST PGPORT)} = ($node->host, $node->port);
    my $output = '';
    my $done = IPC::Run::run(\@command, '<', \undef, '>', \$output, '2>&1', IPC::Run::timeout(deadline(120)));
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok($done && $output !~ /ERROR|FATAL|error:/, "@command[0 .. 1]") || diag($output);
}

# A digest of each table; attempts of the sender that go on do not disturb, since it is paused.
sub rows {
    my ($node, $db, @which) = @_;
    return $node->safe_psql($db, join ' UNION ALL ',
        map { "SELECT '$_', count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM $_ t" } @which) . "\n";
}

# Who may do what.
sub rights {
    my ($node, $db) = @_;
    return $node->safe_psql($db, q{
        SELECT relname, polname, polcmd, polroles::regrole[], pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)
          FROM pg_policy JOIN pg_class c ON c.oid = polrelid ORDER BY 1, 2;
        SELECT relname, attname, a.grantee::regrole::text, a.privilege_type FROM pg_class c, aclexplode(relacl) a, (SELECT NULL) n (attname)
          WHERE relname ~ '^sms_' UNION ALL
        SELECT relname, attname, a.grantee::regrole::text, a.privilege_type FROM pg_class c JOIN pg_attribute ON attrelid = c.oid, aclexplode(attacl) a
          WHERE relname ~ '^sms_' ORDER BY 1, 2, 3, 4;
        SELECT proname, a.grantee::regrole::text FROM pg_proc p, aclexplode(proacl) a WHERE proname ~ 'sms' ORDER BY 1, 2});
}

# pg_dump puts a random word around what it writes.
sub dump_of {
    my ($node, $db, $file, @more) = @_;
    run_tool($node, 'pg_dump', '-f', "$dir/$file", @more, $db);
    return join '', grep { !/^\\(un)?restrict / } split /^/, slurp_file("$dir/$file");
}

# A database with everything in it: one sent, failed, cancelled, to come, waiting, being sent, unknown, from the sandbox.

my $sandbox = $source->make_org;
$source->safe_psql('postgres', 'SELECT sms_pause()');
$source->enqueue($sandbox, '+61491570150', 'sandbox, never sent');
$source->go_live;
$source->safe_psql('postgres', 'SELECT sms_pause()');
my $org = $source->make_org;
my $grants = q{SELECT sms_grant_tenant('tenant'), sms_grant_service('backend'), sms_grant_operator('watchman'), sms_grant_monitor('onlooker')};
$_->safe_psql('postgres', 'CREATE ROLE tenant; CREATE ROLE backend; CREATE ROLE watchman; CREATE ROLE onlooker') for $source, $target;
$source->safe_psql('postgres', $grants);
$source->safe_psql('postgres', 'SELECT sms_resume()');
$source->safe_psql('postgres', qq{
    INSERT INTO sms_templates (org_id, template_key, name, body, variables_schema)
      VALUES ('$org', 'confirmation', 'Confirmation', 'Hi {{name}}, it''s on: "{{when}}" \\ \xc3\xa9', '["name", "when"]');
    INSERT INTO sms_schedules (org_id, type, label, mins_offset, template_key) VALUES ('$org', 'pre_session', 'a day before', 1440, 'confirmation');
    INSERT INTO sms_opt_outs VALUES ('${\ $fake->account}', '+61491570156', '+61491570159', 'STOP');
    SELECT sms_opt_out('$org', '+61491570159')});
$source->safe_psql('postgres', "SELECT sms_enqueue('$org', to_phone => '+61491570110', template_key => 'confirmation',
    variables => '{\"name\": \"A\\\\b\", \"when\": \"8\\nam\"}', idempotency_key => 'once', metadata => '{\"a\": [1, null]}')");
$source->enqueue($org, '+61491570111', '[fake:status=400 code=21211] refused');
$source->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status IN ('sent', 'failed')", '2');
$fake->wait_for(callbacks => 2);
$source->relay_callbacks;
$fake->post('list-fault', marker => 'status=503');
$source->enqueue($org, '+61491570112', '[fake:reset-after] unknown');
$source->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status = 'unknown'", '1');
$source->enqueue($org, '+61491570113', '[fake:stall] sending');
$source->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status = 'sending'", '1');
$fake->wait_accepted(3);
$source->safe_psql('postgres', 'SELECT sms_pause()');
$source->enqueue($org, '+61491570114', 'waiting');
$source->enqueue($org, '+61491570115', 'to come', scheduled_for => 'tomorrow');
my $cancelled = $source->enqueue($org, '+61491570116', 'cancelled');
$source->safe_psql('postgres', "SELECT sms_cancel('$cancelled')");
is($source->safe_psql('postgres', "SELECT string_agg(DISTINCT status, ',' ORDER BY status) FROM sms_messages"),
    'cancelled,delivered,failed,pending,queued,sending,unknown', 'messages of every kind');
my $sent = $fake->count;

# Every way to carry it over.

my $full = dump_of($source, 'postgres', 'full');
run_tool($source, 'pg_dump', '-Fd', '-j4', '-f', "$dir/parallel", 'postgres');
dump_of($source, 'postgres', 'data', '--data-only', '--table=sms_*');
dump_of($source, 'postgres', 'disabled', '--data-only', '--disable-triggers');
dump_of($source, 'postgres', 'table', '--data-only', '--table=sms_messages');
dump_of($source, 'postgres', 'inserts', '--data-only', '--column-inserts');
my $rows = rows($source, 'postgres', @tables);
unlike($rows, qr/^\w+\|0\|/m, 'no table that is compared is empty');

unlike($full, qr/${\ $fake->token}/, 'no token in a dump');
unlike($full, qr/COPY public\.sms_(queue|in_flight|server) /, 'neither the queue nor who is armed');
$source->safe_psql('postgres', 'CREATE ROLE dumper LOGIN BYPASSRLS; GRANT pg_read_all_data TO dumper');
is(dump_of($source, 'postgres', 'by_reader', '--username=dumper'), $full, 'a role that may read all rows dumps the same, and a second dump is the same');

my $mask = umask 0077;
copy($source->key_file, $target->key_file) or die $!;
umask $mask;
$target->safe_psql('postgres', "CREATE DATABASE $_") for qw(whole parallel data disabled one_table inserts);
$target->create_extension($_) for qw(data disabled one_table inserts);
run_tool($target, 'psql', '-Xqd', 'whole', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/full");
run_tool($target, 'pg_restore', '-j4', '-d', 'parallel', "$dir/parallel");
run_tool($target, 'psql', '-Xqd', 'data', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/data");
run_tool($target, 'psql', '-Xqd', 'disabled', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/disabled");
run_tool($target, 'psql', '-Xqd', 'inserts', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/inserts");
run_tool($target, 'psql', '-Xqd', 'one_table', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/table");
is(rows($target, $_, @tables), $rows, "$_: every row is there, as it was") for qw(whole parallel data disabled inserts);
like(rights($source, 'postgres'), qr/^sms_messages\|tenant\|r\|\{tenant\}/m, 'there are policies');
for my $db (qw(whole parallel)) {
    is($target->safe_psql($db, "SELECT count(*) FROM pg_policy"), '0', "$db: there is no policy");
    like($target->safe_psql($db, "SELECT problem FROM sms_doctor() WHERE check_name = 'policies'"), qr/tenant on sms_messages/, 'which sms_doctor() reports');
    $target->safe_psql($db, 'SELECT FROM sms_go_sandbox()');
    is(rights($target, $db), rights($source, 'postgres'), 'sms_go_sandbox makes them: who may what is as it was');
    is($target->safe_psql($db, "SELECT problem FROM sms_doctor() WHERE check_name = 'policies'"), '', 'and all is well');
}
is(rows($target, 'one_table', 'sms_messages'), rows($source, 'postgres', 'sms_messages'), 'one table: so are its rows');

# They are sandboxes: nothing that came with the dump moves.

for my $db (qw(whole parallel data disabled inserts one_table)) {
    $target->wait_for_sql('SELECT sender_state, waiting, in_flight FROM sms_health', 'sandbox|0|0', undef, db => $db, name => "$db is a sandbox, and nothing waits there");
    my $new = $target->enqueue($target->make_org(db => $db), '+61491570006', 'new', db => $db);
    $target->wait_for_status($new, 'delivered', undef, db => $db);
}
is($target->safe_psql('whole', "SELECT string_agg(body || ' ' || status, ',' ORDER BY id) FROM sms_messages WHERE body IN ('waiting', 'to come')"),
    'waiting queued,to come pending', 'what waited waits');
is($fake->count, $sent, 'nothing of the copies was sent');

# The source goes, and one copy takes its place: what waited goes, what was under way is found out.

$source->stop('immediate');
$fake->post('list-fault', marker => '');
is($target->safe_psql('whole', 'SELECT queued, unknown FROM sms_go_live()'), '2|2', 'sms_go_live rebuilds the queue and knows what is not known');
$target->wait_for_sql("SELECT status FROM sms_messages WHERE body = 'waiting'", 'sent', undef, db => 'whole');
$target->wait_for_sql("SELECT string_agg(status, ',') FROM sms_messages WHERE body ~ 'unknown|sending'", 'sent,sent', undef, db => 'whole',
    name => 'what was under way was found in Twilio\'s list');
is($fake->count, $sent + 1, 'Twilio took what waited, and nothing else');
is_deeply([ $fake->duplicates ], [], 'and nothing twice');
is($target->safe_psql('whole', "SELECT sms_enqueue('$org', to_phone => '+61491570110', template_key => 'confirmation',
        variables => '{\"name\": \"A\\\\b\", \"when\": \"8\\nam\"}', idempotency_key => 'once') = (SELECT id FROM sms_messages WHERE idempotency_key = 'once')"),
    't', 'idempotency keys came along');
is($target->safe_psql('whole', "SELECT is_phone_suppressed('$org', '+61491570159')"), 't', 'and opt-outs');

done_testing();
