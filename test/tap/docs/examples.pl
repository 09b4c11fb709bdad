# The programs of doc/examples book a session and queue its confirmation in one transaction: both are there, or neither.
use strict;
use warnings;
use File::Copy qw(copy);
use PostgreSQL::Test::Utils qw(append_to_file);
use Test::More;
use CoachSms::Cluster;
use CoachSms::Fake;
use CoachSms::Program;

my $client = '22222222-2222-4222-8222-222222222222';
my $unreachable = '22222222-2222-4222-8222-222222222223';
my $node = new_server('main', fake => start_fake(https => 0));
$node->safe_psql('postgres', 'CREATE ROLE coach_app LOGIN; CREATE ROLE service_role');
local @ENV{qw(PGHOST PGPORT PGDATABASE)} = ($node->host, $node->port, 'postgres');
set_up($_, $_ eq 'coach_app' ? 'tables.sql' : 'book_session.sql') for 'coach_app', 'service_role';
$node->safe_psql('postgres', "INSERT INTO clients SELECT '$unreachable', org_id, 'Bo', 'none' FROM clients;
  SELECT sms_grant_service('service_role'); GRANT SELECT ON clients TO service_role; GRANT SELECT, INSERT ON bookings TO service_role");

sub set_up {
    my ($role, $file) = @_;
    my (undef, $error) = run_program('psql', '-Xq', '-o', '/dev/null', '-v', "app_role=$role", '-f', "doc/examples/$file");
    is($error, '', "$file runs");
    return;
}

# Returns a copy of a program beside the module that it imports: Debian's, or else npm's. Where there is neither, returns
# undef and the reason.
sub beside_module {
    my ($program, $module) = @_;
    my $dir = PostgreSQL::Test::Utils::tempdir_short();
    copy("doc/examples/$program", $dir) or die "cannot copy $program: $!";
    my ($debian) = grep { -d } map { "$_/$module" } '/usr/share/nodejs', '/usr/lib/nodejs';
    if ($debian) {
        mkdir "$dir/node_modules";
        symlink $debian, "$dir/node_modules/$module" or die "cannot link $debian: $!";
        return "$dir/$program";
    }
    my (undef, $error) = run_program('sh', '-c',
        'cd "$1" && npm install --ignore-scripts --no-audit --no-fund --fetch-retries=0 "$2" >/dev/null', 'sh', $dir, $module);
    return "$dir/$program" if -d "$dir/node_modules/$module";
    return (undef, "no Debian package of $module is installed, and npm cannot install it here: " . ($error =~ s/\n.*//sr));
}

sub rows { return $node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM bookings), (SELECT count(*) FROM sms_messages)') }

# $run takes a client and a start, and returns what the program printed and its errors.
sub check {
    my ($name, $start, $run) = @_;
    my ($said, $error) = $run->($client, $start);
    my ($booking, $message) = "$said" =~ /^booking (\S+), message (\S+)$/ or return fail("$name books: $said$error");
    is($node->safe_psql('postgres', "SELECT b.start_time = '$start', m.related_entity_id = b.id, m.to_phone
        FROM bookings b, sms_messages m WHERE b.id = '$booking' AND m.id = '$message'"), 't|t|+61491570006', "$name: booking and message are committed");
    $node->wait_for_status($message, 'delivered');

    my $before = rows();
    (undef, $error) = $run->($client, $start);
    like($error, qr/23505/, "$name: a time that is taken is refused at COMMIT");
    is(rows(), $before, 'and the message is gone with the booking');
    (undef, $error) = $run->($unreachable, $start =~ s/T09/T11/r);
    like($error, qr/SM006/, "$name: a phone that is no number raises SM006");
    is(rows(), $before, 'and the booking is gone with the message');
    return;
}

# As the application's role.
sub as_app { my @command = @_; return sub { local $ENV{PGUSER} = 'coach_app'; run_program(@command, @_) } }

check('psql', '2030-05-13T09:00+10', sub {
    my ($id, $start) = @_;
    local $ENV{PGUSER} = 'coach_app';
    return run_program('psql', '-Xq', '-v', "client=$id", '-v', "start=$start", '-v', 'VERBOSITY=verbose', '-f', 'doc/examples/booking.sql');
});

SKIP: {
    skip 'python3-psycopg is not installed', 1 if system('python3 -c "import psycopg" 2>/dev/null') != 0;
    check('psycopg', '2030-05-14T09:00+10:00', as_app('python3', 'doc/examples/psycopg_booking.py'));
}

# Debian's module goes with Debian's Node. With another Node and without a registry, the program is read and not run.
my ($node_postgres, $lack) = beside_module('node_postgres.mjs', 'pg');
if ($node_postgres) {
    local $ENV{NODE_PATH} = '/usr/share/nodejs:/usr/lib/nodejs';
    check('node-postgres', '2030-05-15T09:00+10:00', as_app('node', $node_postgres));
} else {
    is((run_program('node', '--check', 'doc/examples/node_postgres.mjs'))[1], '', "node-postgres is read and not run: $lack");
}

# supabase-js before the stand-in for PostgREST. Where npm cannot install it, a stand-in does what its rpc() does.
my $name = 'supabase-js';
my ($program, $reason) = beside_module('supabase.mjs', '@supabase/supabase-js');
if (!$program) {
    $name = 'stand-in for supabase-js';
    diag($reason);
    my $dir = PostgreSQL::Test::Utils::tempdir_short();
    copy('doc/examples/supabase.mjs', $dir);
    mkdir "$dir/$_" for 'node_modules', 'node_modules/@supabase', 'node_modules/@supabase/supabase-js';
    append_to_file("$dir/node_modules/\@supabase/supabase-js/package.json", '{"type": "module", "exports": "./index.js"}');
    append_to_file("$dir/node_modules/\@supabase/supabase-js/index.js", <<'JS');
export const createClient = (url, key) => ({
  rpc: async (name, fields) => {
    const headers = { "content-type": "application/json", apikey: key, authorization: `Bearer ${key}` };
    const answer = await fetch(`${url}/rest/v1/rpc/${name}`, { method: "POST", headers, body: JSON.stringify(fields) });
    const content = await answer.json();
    return answer.ok ? { data: content, error: null } : { data: null, error: content };
  },
});
JS
    $program = "$dir/supabase.mjs";
}
# supabase-js ends where there is no WebSocket, as in Node 20, though rpc does not use it.
my $no_websocket = 'data:text/javascript,globalThis.WebSocket=class{}';
my $key = 'the-key-of-the-backend';
my ($postgrest, $port) = start_program($^X, 'test/webhook/postgrest.pl', $key, 'service_role', PostgreSQL::Test::Utils::tempdir_short() . '/body');
local @ENV{qw(SUPABASE_URL SUPABASE_SERVICE_ROLE_KEY)} = ("http://127.0.0.1:$port", $key);
check($name, '2030-05-16T09:00+10:00', sub { run_program('node', '--import', $no_websocket, $program, @_) });
ok(stop_program($postgrest), 'the stand-in for PostgREST ends');

done_testing();
