# Twilio's form POSTs on the two ways of doc/webhook.md to PostgREST, an nginx rule and an Edge Function: every body reaches
# sms_twilio_webhook_raw byte for byte, and what Twilio signed still fits.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha1_base64);
use Encode qw(decode);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP ();
use PostgreSQL::Test::Utils qw(slurp_file);
use Test::More;
use CoachSms::Cluster;
use CoachSms::Fake;
use CoachSms::Nginx;
use CoachSms::Program;
use CoachSms::Wait qw(wait_until);

my $key = 'the-key-of-the-backend';
my ($node_version) = (`node --version 2>&1` // '') =~ /^v(\d+)/;

# Exactly the page's rule, but for the place of PostgREST and the key.
sub start_rule {
    my ($port, $postgrest) = @_;
    return start_nginx($port, 'test/webhook/nginx.conf', 'http://127.0.0.1:3000' => $postgrest, 'THE-BACKENDS-JWT' => $key,
        'https://app.example.com' => "http://127.0.0.1:$port");
}

sub start_edge_function {
    my ($port, $postgrest) = @_;
    my ($program) = start_program('node', 'test/webhook/run_edge_function.mjs', $port, $postgrest, $key);
    return $program;
}

# As Twilio posts: headers and body go out as they stand here.
sub post {
    my ($port, $target, $body, $signature) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 60) or die "cannot connect: $!";
    print {$socket} "POST $target HTTP/1.1\r\nHost: 127.0.0.1:$port\r\nUser-Agent: TwilioProxy/1.1\r\nAccept: text/xml\r\n",
      "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\nContent-Length: ", length $body, "\r\n",
      defined $signature ? "X-Twilio-Signature: $signature\r\n" : '', "Connection: close\r\n\r\n", $body;
    local $/;
    my ($status) = (<$socket> // '') =~ m{^HTTP/1\.1 (\d+)};
    return $status;
}

# Texts from people; of each parameter the name, the value as it travels, and what it means.
my @forms = (
    ['plus signs'      => [Body => 'a+b%20c%2Bd%2be', 'a b c+d+e']],
    ['line ends'       => [Body => '%0D%0A%09one%0Atwo%0D%0A', "\r\n\tone\ntwo\r\n"]],
    ['UTF-8'           => [Body => '%F0%9F%91%8B+caf%C3%A9', "\xf0\x9f\x91\x8b caf\xc3\xa9"]],
    ['quotes'          => [Body => '%22%27%5C%7B%7D%26%3D%25%3Fx%24%241%3Aa', q("'\\{}&=%?x$$1:a)]],
    ['unquoted'        => [Body => q(it's;"\\:a'$1~()), q(it's;"\\:a'$1~())]],
    ['empty values'    => [Body => '', ''], [MediaUrl0 => '', '']],
    ['names that repeat' => [Twice => '2', '2'], [Body => 'x', 'x'], [Twice => '+1', ' 1']],
    ['60 kB'           => [Body => 'x%20+y' x 10_000, 'x  y' x 10_000]],
);

sub check {
    my ($way, $starter) = @_;
    my $port = PostgreSQL::Test::Cluster::get_free_port();
    my $public_url = "http://127.0.0.1:$port/twilio-webhook";
    my $fake = start_fake(https => 0, callbacks => 'on');
    my $node = new_server($way, fake => $fake, conf => "coach_sms.public_url = '$public_url'");
    $node->go_live;
    my $org = $node->make_org;
    $node->safe_psql('postgres', q(CREATE ROLE backend; SELECT sms_grant_service('backend')));
    local @ENV{qw(PGHOST PGPORT PGDATABASE)} = ($node->host, $node->port, 'postgres');
    my $body_file = PostgreSQL::Test::Utils::tempdir_short() . '/body';
    my ($postgrest, $postgrest_port) = start_program($^X, 'test/webhook/postgrest.pl', $key, 'backend', $body_file);
    my $postgrest_url = "http://127.0.0.1:$postgrest_port";
    my $proxy = $starter->($port, $postgrest_url);

    # The whole circle: the fake signs and posts by itself.
    my $id = $node->enqueue($org, '+61491570006', 'Hello');
    $node->wait_for_status($id, 'delivered');
    ok(wait_until(sub { 2 == grep { $_->{outcome} eq '204' } $fake->callbacks }), "$way: the callbacks were answered");
    my $came = slurp_file($body_file);
    is(scalar(grep { $_->{body} eq $came } $fake->callbacks), 1, 'and the last that came did as it was posted');

    my $count = 0;
    for (@forms) {
        my ($what, @fields) = @$_;
        my $sid = sprintf 'SM%032d', ++$count;
        push @fields, map { [$_->[0], $_->[1], $_->[1]] } [SmsStatus => 'received'], [MessageSid => $sid], [AccountSid => $fake->account];
        my $body = join '&', map { "$_->[0]=$_->[1]" } @fields;
        my $signed = join '', map { "$_->[0]$_->[2]" } sort { $a->[0] cmp $b->[0] || $a->[2] cmp $b->[2] } @fields;
        is(post($port, '/twilio-webhook', $body, hmac_sha1_base64($public_url . $signed, $fake->token) . '='), 204, "$way: $what");
        ok(slurp_file($body_file) eq $body, 'came byte for byte');
        my %meant;
        push @{ $meant{ $_->[0] } }, decode('UTF-8', $_->[2]) for @fields;
        my $payload = JSON::PP->new->utf8->encode({ map { $_ => @{ $meant{$_} } > 1 ? $meant{$_} : $meant{$_}[0] } keys %meant });
        is($node->safe_psql('postgres', 'SELECT event_payload = ' . sql_quote($payload) . "::jsonb FROM sms_events WHERE provider_message_id = '$sid'"),
            't', 'and is stored so');
    }

    my $target = "/twilio-webhook?org=$org&message=$id&attempt=1";
    my $last_sid = 'SM' . '0f' x 16;
    my $body = "MessageStatus=undelivered&MessageSid=$last_sid";
    my $signature = hmac_sha1_base64("http://127.0.0.1:$port${target}MessageSid${last_sid}MessageStatusundelivered", $fake->token) . '=';
    is(post($port, $target, $body), 403, "$way: without a signature");
    is(post($port, $target, $body, 'AAAAAAAAAAAAAAAAAAAAAAAAAAA='), 403, 'with a false one');
    is(post($port, $target, "$body&More=1", $signature), 403, 'with a parameter more than was signed');
    is(post($port, "$target&more=1", $body, $signature), 403, 'with a query that was not signed');
    is(post($port, $target, "Body=\xc3\xa9", $signature), 400, 'no form');
    is(post($port, $target, 'A=' . 'x' x 70_000, $signature), 413, 'too large');
    my %headers = ('content-type' => 'text/plain', authorization => "Bearer $key", 'x-twilio-signature' => $signature);
    is(HTTP::Tiny->new->post("$postgrest_url/rpc/sms_twilio_webhook_raw", { content => $body, headers => \%headers })->{status},
        400, 'without the URL that was called');
    is($node->safe_psql('postgres', q(SELECT count(*) FILTER (WHERE event_type = 'inbound'), count(*) FILTER (WHERE event_status = 'undelivered') FROM sms_events)),
        scalar(@forms) . '|0', 'and nothing more was kept');
    is(post($port, $target, $body, $signature), 204, 'as it was signed');
    is($node->safe_psql('postgres', q(SELECT count(*) FROM sms_events WHERE event_status = 'undelivered')), 1, 'it is');

    ok(stop_program($_), "$way: the programs end") for $proxy, $postgrest;
    $node->stop('fast');
    return;
}

SKIP: {
    skip 'nginx is not installed', 1 unless has_nginx();
    check('nginx', \&start_rule);
}
SKIP: {
    skip 'node 18 or newer is not installed', 1 unless ($node_version // 0) >= 18;
    check('edge', \&start_edge_function);
}

done_testing();
