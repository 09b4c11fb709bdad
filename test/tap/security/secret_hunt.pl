# Tokens and the Authorization header are looked for wherever something of the server's is written or shown, with
# everything turned on that PostgreSQL can log.
use strict;
use warnings;
use MIME::Base64 qw(encode_base64);
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use PostgreSQL::Test::Utils qw(append_to_file slurp_file);

my $token = 'f00dfeed' x 4;
my $account = 'AC' . '0d' x 16;
my ($api_key, $api_secret) = ('SK' . '0e' x 16, 'cafe5eed' x 4);
my $fake = start_fake(args => [ '--account', $account, '--token', $token, '--key', $api_key, '--secret', $api_secret ]);
my $node = new_server('main', fake => $fake, conf => short_times(public_url => 'https://app.example/twilio', connect_timeout => 500, request_timeout => 700) . <<'CONF');
shared_preload_libraries = 'coach_sms, pg_stat_statements, auto_explain'
log_statement = 'all'
log_min_messages = debug5
log_min_duration_statement = 0
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_error_verbosity = verbose
auto_explain.log_min_duration = 0
auto_explain.log_nested_statements = on
auto_explain.log_parameter_max_length = 0
auto_explain.log_analyze = on
auto_explain.log_verbose = on
pg_stat_statements.track = all
CONF
my $file = $node->secrets_dir . '/token';
append_to_file($file, "$token\n");
chmod 0600, $file or die $!;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements');
my $org = $node->make_org(twilio_account_sid => undef, twilio_auth_token_encrypted => undef);
$node->safe_psql('postgres', "SELECT sms_set_twilio_credentials('$org', '$account', trim(E' \\n' FROM pg_read_file('$file')))");
$node->safe_psql('postgres', "UPDATE sms_settings SET twilio_second_auth_token_encrypted = trim(E' \\n' FROM pg_read_file('$file')) WHERE org_id = '$org'");
# An API key, with its account's token for webhooks.
my $key_file = $node->secrets_dir . '/api_key';
append_to_file($key_file, "$api_key:$api_secret\n");
chmod 0600, $key_file or die $!;
my $keyed = $node->make_org(twilio_account_sid => undef, twilio_auth_token_encrypted => undef);
$node->safe_psql('postgres', "SELECT sms_set_twilio_credentials('$keyed', '$account', trim(E' \\n' FROM pg_read_file('$key_file')))");
$node->go_live;

# All that a client gets: answers and errors.
my $received = '';
sub ask {
    my ($sql) = @_;
    $node->psql('postgres', "\\set VERBOSITY verbose\n\\set SHOW_CONTEXT always\n$sql", stdout => \my $out, stderr => \my $err);
    $received .= join "\n", $out // '', $err // '', '';
    return;
}

# Everything that can go wrong with a request, and with a statement that holds a token.
my $number = 100;
$node->enqueue($org, '+61491570' . $number++, $_) for 'taken', '[fake:status=401 code=20003 times=1] refused', '[fake:status=400 code=21211] rejected', '[fake:reset-after] unknown', '[fake:stall] late';
$node->enqueue($keyed, '+61491570' . $number++, $_) for '[fake:status=401 code=20003 times=1] with a key', '[fake:reset-before times=1] with a key';
ask('SELECT * FROM pg_stat_activity');
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status IN ('sent', 'delivered', 'failed')", '7');
$fake->wait_for(callbacks => 2);
$node->relay_callbacks;
ask($_) for
  "INSERT INTO sms_settings (org_id, twilio_auth_token_encrypted) SELECT NULL, trim(E' \\n' FROM pg_read_file('$file'))",
  "INSERT INTO sms_settings (org_id, twilio_auth_token_encrypted, quiet_hours_start) SELECT gen_random_uuid(), trim(E' \\n' FROM pg_read_file('$file')), 99",
  "INSERT INTO sms_settings (org_id, twilio_auth_token_encrypted) SELECT '$org', trim(E' \\n' FROM pg_read_file('$file'))",
  "SELECT sms_set_twilio_credentials(gen_random_uuid(), 'AC', trim(E' \\n' FROM pg_read_file('$file')))";
ask("SELECT * FROM sms_doctor(); SELECT * FROM sms_health; SELECT sms_why(id) FROM sms_messages; SELECT * FROM sms_settings; SELECT sms_preview('$org', body => 'x')");
# A connection that is not made: no certificate of the server's is trusted.
$node->append_conf('postgresql.conf', "coach_sms.ca_file = '$file'");
$node->reload;
my $unconnected = $node->enqueue($keyed, '+61491570199', 'no connection');
$node->wait_for_sql("SELECT count(*) > 0 FROM sms_attempts WHERE message_id = '$unconnected' AND error_code = 'server_trouble'", 't');
ask('SELECT * FROM sms_attempts; SELECT * FROM coach_sms_internal.sms_worker_state()');
my $new = $node->secrets_dir . '/new.key';
$node->safe_psql('postgres', "SELECT sms_create_key('$new')");
$node->append_conf('postgresql.conf', "coach_sms.key_file = '$new'\ncoach_sms.old_key_file = '${\ $node->key_file}'");
$node->reload;
$node->wait_for_sql("SELECT current_setting('coach_sms.key_file')", $new);
is($node->safe_psql('postgres', "SELECT sms_rotate_key('${\ $node->key_file}', '$new')"), '3', 'all tokens were sealed anew');

# Where it could be.
my $dump = $node->secrets_dir . '/dump';
{
    local @ENV{qw(PGHOST PGPORT)} = ($node->host, $node->port);
    system('pg_dump', '-f', $dump, 'postgres') == 0 or die 'pg_dump';
}
my $relations = $node->safe_psql('postgres', q{SELECT string_agg(format('SELECT %L || t::text FROM %s t', c.oid::regclass || ': ', c.oid::regclass), ' UNION ALL ')
    FROM pg_class c WHERE relkind IN ('r', 'v', 'm') AND relname NOT IN ('pg_statistic', 'pg_stats', 'pg_stats_ext', 'pg_statistic_ext_data', 'pg_backend_memory_contexts')
      AND relnamespace IN ('pg_catalog'::regnamespace, 'public'::regnamespace)});
my %places = (
    'the log' => slurp_file($node->logfile),
    'the answers to clients' => $received,
    'a dump' => slurp_file($dump),
    'every table and view' => $node->safe_psql('postgres', $relations),
    'the settings' => $node->safe_psql('postgres', 'SELECT * FROM pg_settings'),
    'statistics of columns' => $node->safe_psql('postgres', "ANALYZE; SELECT * FROM pg_stats WHERE schemaname = 'public'"),
);
my %secrets = (
    'the token' => $token,
    'the Authorization header' => encode_base64("$account:$token", ''),
    'the API key' => $api_secret,
    'its Authorization header' => encode_base64("$api_key:$api_secret", ''),
    'the key' => (slurp_file($node->key_file) =~ s/\s//gr),
    'the new key' => (slurp_file($new) =~ s/\s//gr),
);
for my $place (sort keys %places) {
    cmp_ok(length $places{$place}, '>', 1000, "$place: there is something to look at");
    for my $secret (sort keys %secrets) {
        ok(index($places{$place}, $secrets{$secret}) < 0, "$place: $secret is not there");
    }
}
like($places{'the log'}, qr/sms_set_twilio_credentials/, 'statements are logged');
like($places{'every table and view'}, qr/sms1:[0-9a-f]{8}:/, 'a sealed token is');
done_testing();
