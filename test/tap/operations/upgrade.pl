# ALTER EXTENSION UPDATE from the version before: the catalogue is that of a fresh install, and what waited is sent.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha1_base64);
use File::Copy qw(copy);
use Test::More;
use CoachSms::Cluster;
use CoachSms::Fake;

my @old = map { /--([^-]+)\.sql$/ } glob 'test/upgrade/coach_sms--*.sql';
chomp(my $folder = `pg_config --sharedir`);
$folder .= '/extension';
copy("test/upgrade/coach_sms--$_.sql", $folder) or die "cannot copy to $folder: $!" for @old;

# One line an object, column order aside. Roles have been granted as every kind before.
my $catalogue = <<'SQL';
WITH own AS (SELECT classid, objid FROM pg_depend
              WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'coach_sms')),
function AS (SELECT p.* FROM pg_proc p JOIN own ON classid = 'pg_proc'::regclass AND objid = p.oid),
relation AS (SELECT c.* FROM pg_class c JOIN own ON classid = 'pg_class'::regclass AND objid = c.oid)
SELECT 'function', oid::regprocedure::text, proowner::regrole::text, obj_description(oid, 'pg_proc'), pg_get_functiondef(oid) FROM function
UNION ALL
SELECT 'relation', oid::regclass::text, relowner::regrole::text, obj_description(oid, 'pg_class'),
       concat_ws(' ', relkind, reloptions, relrowsecurity, relforcerowsecurity, CASE relkind WHEN 'v' THEN pg_get_viewdef(oid) END) FROM relation
UNION ALL
SELECT 'column', attrelid::regclass || '.' || attname, '', col_description(attrelid, attnum),
       concat_ws(' ', format_type(atttypid, atttypmod), attnotnull, attgenerated, pg_get_expr(adbin, adrelid))
  FROM relation r JOIN pg_attribute a ON attrelid = r.oid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
 WHERE attnum > 0 AND NOT attisdropped
UNION ALL
SELECT 'type', t.oid::regtype::text, typowner::regrole::text, obj_description(t.oid, 'pg_type'),
       (SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = typrelid AND NOT attisdropped)
  FROM pg_type t JOIN own ON classid = 'pg_type'::regclass AND objid = t.oid
UNION ALL
SELECT 'index', indexrelid::regclass::text, '', obj_description(indexrelid, 'pg_class'), pg_get_indexdef(indexrelid) FROM pg_index JOIN relation r ON r.oid = indrelid
UNION ALL
SELECT 'constraint', conrelid::regclass || '.' || conname, '', obj_description(c.oid, 'pg_constraint'), pg_get_constraintdef(c.oid) FROM pg_constraint c JOIN relation r ON r.oid = conrelid
 WHERE contype <> 'n' -- named by PostgreSQL 18 alone; the column says it too
UNION ALL
SELECT 'trigger', tgrelid::regclass || '.' || tgname, tgenabled::text, obj_description(t.oid, 'pg_trigger'), pg_get_triggerdef(t.oid)
  FROM pg_trigger t JOIN relation r ON r.oid = tgrelid WHERE NOT tgisinternal
UNION ALL
SELECT 'policy', polrelid::regclass || '.' || polname, polroles::regrole[]::text, polcmd::text, concat_ws(' / ', pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
  FROM pg_policy JOIN relation r ON r.oid = polrelid
UNION ALL
SELECT 'grant', what, grantee::regrole::text, privilege_type, is_grantable::text
  FROM (SELECT oid::regprocedure::text AS what, coalesce(proacl, acldefault('f', proowner)) AS acl FROM function
        UNION ALL SELECT oid::regclass::text, coalesce(relacl, acldefault('r', relowner)) FROM relation
        UNION ALL SELECT t.oid::regtype::text, coalesce(typacl, acldefault('T', typowner)) FROM pg_type t JOIN own ON classid = 'pg_type'::regclass AND objid = t.oid
        UNION ALL SELECT attrelid::regclass || '.' || attname, attacl FROM pg_attribute JOIN relation r ON r.oid = attrelid) o, aclexplode(acl)
UNION ALL
SELECT 'dumped', t::regclass::text, '', '', condition FROM pg_extension, unnest(extconfig, extcondition) c (t, condition) WHERE extname = 'coach_sms'
ORDER BY 1, 2, 3, 4, 5
SQL

my $fake = start_fake();
my $node = new_server('main', fake => $fake, extension => 0);
my @kinds = qw(tenant service operator);
$node->safe_psql('postgres', "CREATE ROLE the_$_") for @kinds;
$node->safe_psql('postgres', 'CREATE ROLE stranger');

# Supabase's default privileges: a new object is not everybody's, whichever script makes it.
sub database {
    my ($name, $version) = @_;
    $node->safe_psql('postgres', "CREATE DATABASE $name");
    $node->safe_psql($name, 'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO stranger; ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO stranger');
    $node->safe_psql($name, "CREATE EXTENSION coach_sms" . ($version ? " VERSION '$version'" : ''));
    $node->safe_psql($name, "SELECT sms_grant_$_('the_$_')") for @kinds;
    return $name;
}

my @classes = qw(function relation column type index constraint trigger policy grant dumped);
my $class = join '|', @classes;

sub catalogue { return split /\n(?=(?:$class)\|)/, $node->safe_psql($_[0], $catalogue); }

# A call as Twilio signs it. Returns the http status.
sub call_webhook {
    my ($db, $url, %parameters) = @_;
    my @names = sort keys %parameters;
    my $signature = hmac_sha1_base64($url . join('', map { $_ . $parameters{$_} } @names), $fake->token) . '=';
    my $body = join '&', map { "$_=$parameters{$_}" =~ s/\+/%2B/gr } @names;
    return $node->safe_psql($db, sprintf 'SELECT http_status FROM sms_twilio_webhook(%s, %s, %s)', map { sql_quote($_) } $url, $body, $signature);
}

# What an application and Twilio do between the installation of the library and ALTER EXTENSION UPDATE.
sub use_before_update {
    my ($db, $org) = @_;
    my ($url, $account) = ('https://coach.example/sms', $fake->account);
    $node->safe_psql($db, 'SELECT sms_create_key(' . sql_quote($node->key_file) . ')') unless -e $node->key_file;
    $node->safe_psql($db, "UPDATE sms_settings SET twilio_account_sid = '$account', twilio_auth_token_encrypted = '" . $fake->token . "'");
    my $id = $node->safe_psql($db, "INSERT INTO sms_messages (org_id, to_phone, body) VALUES ('$org', '0491 570 110', 'refused') RETURNING id");
    $node->safe_psql($db, "SET ROLE coach_sms_owner; DELETE FROM sms_queue WHERE message_id = '$id'; UPDATE sms_messages SET status = 'sending', attempt_count = 1, sandbox = false WHERE id = '$id'");
    is(call_webhook($db, "$url?org=$org&message=$id&attempt=1", MessageSid => 'SM' . '1' x 32, MessageStatus => 'failed', ErrorCode => 21610, AccountSid => $account),
        '200', 'a callback before the update');
    is($node->safe_psql($db, "SELECT status || ' ' || error_code FROM sms_messages WHERE id = '$id'"), 'failed 21610', 'is applied');
    is(call_webhook($db, $url, MessageSid => 'SM' . '2' x 32, From => '+61491570111', To => '+61491570156', Body => 'STOP', AccountSid => $account, SmsStatus => 'received'),
        '200', 'a STOP before the update');
    is($node->safe_psql($db, 'SELECT phone FROM sms_suppression UNION SELECT phone FROM sms_opt_outs ORDER BY 1'),
        "+61491570110\n+61491570111", 'both persons are opted out');
    return;
}

my %fresh = map { $_ => 1 } catalogue(database('fresh'));
for my $one (@classes) { cmp_ok(scalar(grep { /^$one\|/ } keys %fresh), '>', 0, "there is a $one to compare") }
my $version = $node->safe_psql('fresh', q{SELECT extversion FROM pg_extension WHERE extname = 'coach_sms'});

for my $old (@old) {
    (my $db = "from_$old") =~ tr/./_/;
    database($db, $old);
    is($node->safe_psql($db, q{SELECT extversion FROM pg_extension WHERE extname = 'coach_sms'}), $old, "a database of $old");
    my $org = '11111111-1111-4111-8111-111111111111';
    $node->safe_psql($db, "INSERT INTO sms_settings (org_id, quiet_hours_start, quiet_hours_end, twilio_phone_number) VALUES ('$org', 0, 0, '0491 570 156')");
    $node->wait_for_sql("SELECT state FROM sms_worker_stat", 'version mismatch', undef, db => $db, name => 'the new library sends nothing for it');
    $node->safe_psql($db, 'CREATE SCHEMA coach_sms_internal; CREATE TABLE coach_sms_internal.sms_queue (LIKE public.sms_queue INCLUDING ALL);
      GRANT ALL ON SCHEMA coach_sms_internal TO coach_sms_owner; GRANT ALL ON coach_sms_internal.sms_queue TO coach_sms_owner');  # somebody else's
    my $id = $node->safe_psql($db, "SELECT sms_enqueue('$org', to_phone => '+61491570006', body => 'waits for the update')");
    is($node->safe_psql($db, "SELECT status, body FROM sms_messages WHERE id = '$id'"), 'queued|waits for the update', 'sms_enqueue() works beside a schema of somebody else with the internal name');
    is($node->safe_psql($db, 'SELECT (SELECT count(*) FROM public.sms_queue), (SELECT count(*) FROM coach_sms_internal.sms_queue)'), '1|0', 'and writes nothing there');
    $node->safe_psql($db, 'DROP SCHEMA coach_sms_internal CASCADE');
    use_before_update($db, $org);
    $node->safe_psql($db, 'ALTER EXTENSION coach_sms UPDATE');
    is($node->safe_psql($db, q{SELECT extversion FROM pg_extension WHERE extname = 'coach_sms'}), $version, "is updated to $version");
    is($node->safe_psql($db, 'SELECT twilio_phone_number FROM sms_settings'), '+61491570156', 'its sender has the form of now');
    my %upgraded = map { $_ => 1 } catalogue($db);
    is_deeply([ map { "lacks: $_" } grep { !$upgraded{$_} } sort keys %fresh ], [], 'it has what a fresh install has');
    is_deeply([ map { "has: $_" } grep { !$fresh{$_} } sort keys %upgraded ], [], 'and nothing else');
    $node->wait_for_sql("SELECT status FROM sms_messages WHERE id = '$id'", 'delivered', undef, db => $db, name => 'what waited is sent');
}

done_testing();
