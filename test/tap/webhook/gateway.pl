# coach_sms_gateway takes Twilio's calls by real HTTP: callbacks and texts reach the database, strangers get no further.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Gateway;
use CoachSms::Wait qw(wait_until);

my $gateway = start_gateway(args => ['--access-log']);
my $url = $gateway->url;
my $fake = start_fake(callbacks => 'on', args => [ '--inbound-url', $url ]);
my $node = new_server('main', fake => $fake, conf => short_times() . "coach_sms.public_url = '$url'\n");

# Before its role has any right, or there is a database: it lives, and says what is wrong.
is($gateway->get('/livez')->{status}, 200, 'the gateway lives without a database');
is($gateway->get('/healthz')->{status}, 503, 'which is no health');
$gateway->serve($node);
$node->go_live;
my $org = $node->make_org;
my ($ann, $bob) = ('+61491570006', '+61491570157');

my $sent = $node->enqueue($org, $ann, 'with a receipt');
$node->wait_for_status($sent, 'delivered', undef, name => 'the receipt comes through the gateway');
ok(wait_until(sub { 2 == grep { $_->{outcome} eq '200' } $fake->callbacks }), 'both callbacks were answered with 200');
my ($callback) = grep { $_->{status} eq 'delivered' } $fake->callbacks;

my $words = "I'm late: 50% & \"so\" \\ \x{20ac}";
$fake->post('inbound', from => $bob, to => '+61491570156', body => $words);
utf8::encode($words);
$node->wait_for_sql("SELECT event_payload->>'Body' FROM sms_events WHERE event_type = 'inbound'", $words, undef,
    name => 'a text comes through whole');
my ($text) = grep { $_->{status} eq 'received' } $fake->callbacks;
is($text->{outcome}, '200', 'and is answered with 200');

sub answer { my (%changes) = @_; return ($gateway->post({ %$callback, %changes }))[0]; }
my $again = answer();
is($again->{status}, 200, 'the same call again is taken');
like($again->{head}, qr{^Content-Type: text/xml}m, 'with the answer of the database');
is($node->safe_psql('postgres', "SELECT count(*) FROM sms_events WHERE message_id = '$sent'"), 2, 'and stored once');

# What is not Twilio's.
is(answer(signature => 'A' x 27 . '=')->{status}, 403, 'another signature');
is(answer(body => $callback->{body} =~ s/delivered/failed/r)->{status}, 403, 'another body');
is(answer(body => $callback->{body} . '&A=' . 'x' x 70_000)->{status}, 413, 'a body above 64 kB');
is(answer(url => "$url?" . 'x' x 9_000)->{status}, 413, 'a URL above 8 kB');
like(answer(url => "$url?" . 'x' x 90_000)->{status}, qr/^4(14|31)$/, 'a URL above all bounds');
is(answer(body => "MessageStatus=delivered&Body=\0")->{status}, 400, 'a NUL');
is(answer(body => "MessageStatus=delivered&Body=\xff\xfe")->{status}, 400, 'bytes that are not UTF-8');
is(answer(body => '')->{status}, 403, 'an empty body, which has no such signature');

my $mixed = join ' ', map { $_->{status} } $gateway->post(map { ($callback, { %$callback, signature => "bad$_" }) } 1 .. 20);
is($mixed, join(' ', ('200 403') x 20), 'forty at once, each gets its own answer');

# A stranger's request, word by word.
sub say_to_it { my (@parts) = @_; my $connection = $gateway->connection; print {$connection} @parts; $connection->flush; return CoachSms::Gateway::read_answer($connection); }
my $close = "Host: x\r\nConnection: close\r\n";
is(say_to_it("GET /twilio HTTP/1.1\r\n$close\r\n")->{status}, 405, 'GET of the page');
like(say_to_it("GET /twilio HTTP/1.1\r\n$close\r\n")->{head}, qr/^Allow: POST\r?$/m, 'which says what it takes');
is(say_to_it("$_ HTTP/1.1\r\n$close\r\n")->{status}, 404, "$_ is not there")
  for 'GET /', 'GET /healthz', 'GET /livez', 'GET /metrics', 'POST /twilio/', 'POST /twilio/../twilio', 'POST //twilio', 'POST /Twilio';
is(say_to_it("POST /twilio HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n", map({ "4000\r\n" . 'x' x 16384 . "\r\n" } 1 .. 6), "0\r\n\r\n")->{status},
    413, 'a large body without its length');
is(say_to_it("POST /twilio HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n$close\r\n")->{status}, 413, 'a length above all numbers');
like(say_to_it("nonsense\r\n\r\n")->{status}, qr/^(0|400)$/, 'nonsense ends the connection');

# Behind a proxy: it changes scheme, host and path, not the query.
my $proxied = answer(url => $callback->{url} =~ s{^http://[^/]+}{http://10.0.0.5:3000}r);
is($proxied->{status}, 200, 'a call with another host is taken by coach_sms.public_url');
$node->append_conf('postgresql.conf', "coach_sms.public_url = ''");
$node->reload;
$node->wait_for_sql('SHOW coach_sms.public_url', '');
is(answer()->{status}, 200, 'a call to the gateway itself needs no setting');
is(answer(url => $callback->{url} =~ s{^http://[^/]+}{http://10.0.0.5:3000}r)->{status}, 403, 'and another host is then refused');

# The private pages.
ok(wait_until(sub { $gateway->get('/healthz')->{status} == 200 }), 'the database is healthy');
is_deeply([ map { $gateway->get($_)->{status} } qw(/livez /healthz /twilio /) ], [ 200, 200, 404, 404 ], 'private pages');
is($gateway->get('/healthz')->{content}, "{\"ok\" : true, \"problem\" : null}\n", '/healthz is a line of JSON');
is($gateway->get('/livez', 'POST')->{status}, 405, 'they are for reading');
$node->safe_psql('postgres', 'SELECT sms_pause()');
is($gateway->get('/healthz')->{headers}{'content-type'}, 'application/json', 'its type');

# Rights and traces.
$node->safe_psql('postgres', 'SELECT sms_revoke_gateway(\'gateway\')');
is(answer()->{status}, 503, 'without its rights it takes nothing');
like($gateway->log_text, qr/the database does not take calls: permission denied for function \w+ \(SQLSTATE 42501\)/, 'and says why');
ok(wait_until(sub { $gateway->get('/healthz')->{status} == 503 }), 'nor is it healthy');
$node->safe_psql('postgres', 'SELECT sms_grant_gateway(\'gateway\')');
is(answer()->{status}, 200, 'with them again it does');
like($gateway->access_log, qr{^POST /twilio 200 \d+ ms$}m, 'the access log has a line');
unlike($gateway->access_log . $gateway->log_text, qr/6149157|$org|I'm late|$callback->{signature}/, 'no log has a number, a text, a query or a signature');

my ($help) = PostgreSQL::Test::Utils::run_command([ 'coach_sms_gateway', '--help' ]);
my $manual = PostgreSQL::Test::Utils::slurp_file('doc/coach_sms_gateway.8') =~ s/\\-/-/gr;
is_deeply([ sort $manual =~ /^\.BI? --([\w-]+)/mg ], [ sort $help =~ /^  --([\w-]+)/mg ], 'the manual page has each option');

is($gateway->stop, 0, 'it ends when it is told to');
like($gateway->log_text, qr/ends: takes no new calls\n\z/, 'and says so');
is((grep { !/^coach_sms_gateway: / } split /\n/, $gateway->log_text), 0, 'each line of its log has its name');
done_testing();
