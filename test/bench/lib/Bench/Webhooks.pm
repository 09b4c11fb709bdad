# How fast signed status callbacks ('delivered', each for a message of its own) are taken, beside plain INSERTs of the
# same event into a table like sms_events; and how fast forged ones are refused, beside a SELECT of their text.
package Bench::Webhooks;
use strict;
use warnings;

use Digest::SHA qw(hmac_sha1_base64);
use Bench::Data qw(empty empty_plain);
use Bench::Fake;
use Bench::Gateway;
use Bench::Report qw(alternate note row section);
use Bench::Server;
use Bench::Size qw(size);

my $org = $Bench::Server::org;
my $call = <<'SQL';
SELECT w.http_status FROM (SELECT nextval('bench_numbers') AS n) s, bench_webhooks b, LATERAL sms_twilio_webhook(b.url, b.body, b.signature) w WHERE b.n = s.n;
SQL
my $forge = <<'SQL';
SELECT w.http_status FROM (SELECT nextval('bench_numbers') AS n) s, bench_webhooks b, LATERAL sms_twilio_webhook(b.url, b.body, 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=') w WHERE b.n = s.n;
SQL
my $read = <<'SQL';
SELECT b.url, b.body, b.signature FROM (SELECT nextval('bench_numbers') AS n) s, bench_webhooks b WHERE b.n = s.n;
SQL
my $insert = <<"SQL";
INSERT INTO plain_events (message_id, org_id, provider_message_id, event_type, event_status, event_payload, dedupe_key, processed_at) SELECT b.id, '$org', b.sid, 'status', 'delivered', b.payload, b.sid || '/delivered', now() FROM (SELECT nextval('bench_numbers') AS n) s, bench_webhooks b WHERE b.n = s.n;
SQL

my @bytes;    # that the last callbacks wrote, each

sub measure {
    my ($server) = @_;
    section('webhooks, status callbacks/s', 'plain INSERT');
    prepare($server);
    for my $clients (1, 8) {
        row("$clients client" . ($clients > 1 ? 's' : ''),
            alternate(sub { ours($server, $clients) }, sub { plain($server, $clients) }), $clients > 1 ? 0.4 : 0.5);
    }
    $server->restart_with('coach_sms.notify' => 'off');
    row('8 clients, coach_sms.notify = off', alternate(sub { ours($server, 8) }, sub { plain($server, 8) }));
    $server->restart_with('coach_sms.notify' => 'on');
    my $gateway = Bench::Gateway->start($server, $Bench::Server::public_url =~ m{^https://[^/]+(/.*)});
    for my $connections (1, 8, 64) {
        row("through coach_sms_gateway, $connections connection" . ($connections > 1 ? 's' : ''),
            alternate(sub { through($server, $gateway, $connections) }, sub { plain($server, $connections) }), $connections > 1 ? 0.5 : undef);
    }
    $gateway->stop;
    note('a callback, bytes: WAL / stored with its indexes', join ' / ', @bytes);
    section('forged callbacks/s', 'a SELECT');
    for my $clients (1, 8) {
        row("$clients client" . ($clients > 1 ? 's' : ''),
            alternate(map { my $script = $_; sub { unrecorded($server, $script, $clients) } } $forge, $read));
    }
    return;
}

# Messages that wait for their delivery, and their callbacks.
sub prepare {
    my ($server) = @_;
    my $count = size('webhooks');
    $server->sql('fresh', 'CREATE TABLE bench_webhooks (n int PRIMARY KEY, id uuid, sid text, url text, body text, signature text, payload jsonb)',
        'GRANT SELECT ON bench_webhooks TO app');
    my $file = "$ENV{TMPDIR}/webhooks";
    open my $out, '>', $file or die "cannot write $file: $!";
    print {$out} map { webhook($_) } 1 .. $count;
    close $out or die "cannot write $file: $!";
    write_calls($file);
    $server->sql('fresh', "COPY bench_webhooks FROM '$file'", 'ANALYZE bench_webhooks');
    return;
}

# The same for wrk: target, signature and body of each.
sub write_calls {
    my ($webhooks) = @_;
    open my $in, '<', $webhooks or die "cannot read $webhooks: $!";
    open my $out, '>', "$ENV{TMPDIR}/calls" or die "cannot write the calls: $!";
    while (<$in>) {
        my (undef, undef, undef, $url, $body, $signature) = split /\t/;
        print {$out} join("\t", $url =~ s{^https://[^/]+}{}r, $signature, $body), "\n";
    }
    close $out or die "cannot write the calls: $!";
    return;
}

# A line for COPY. The signature is over the URL and the sorted parameters (Twilio, "Validating requests").
sub webhook {
    my ($n) = @_;
    my $id = sprintf '0a000000-0000-7000-8000-%012d', $n;
    my $sid = sprintf 'SM%032x', $n;
    my %form = (
        MessageSid => $sid, SmsSid => $sid, MessageStatus => 'delivered', SmsStatus => 'delivered',
        AccountSid => $Bench::Fake::account, To => sprintf('%%2B614%08d', $n), From => '%2B61491570156',
        ApiVersion => '2010-04-01');
    my $url = "$Bench::Server::public_url?org=$org&message=$id&attempt=1";
    my $signed = $url . join '', map { $_ . $form{$_} =~ s/%2B/+/r } sort keys %form;
    my $signature = hmac_sha1_base64($signed, $Bench::Fake::token) . '=';
    my $payload = join ', ', map { sprintf '"%s": "%s"', $_, $form{$_} =~ s/%2B/+/r } sort keys %form;
    return join("\t", $n, $id, $sid, $url, join('&', map { "$_=$form{$_}" } sort keys %form), $signature, "{$payload}") . "\n";
}

sub restart_numbers { my ($server) = @_; $server->sql('fresh', 'ALTER SEQUENCE bench_numbers RESTART'); return; }

sub store_messages {
    my ($server) = @_;
    empty($server, 'fresh');
    restart_numbers($server);
    $server->sql('fresh', 'SET session_replication_role = replica',
        "INSERT INTO sms_messages (id, org_id, to_phone, body, segments, encoding, sandbox, status, sent_at, attempt_count, provider_message_id)
         SELECT id, '$org', '+61491570006', 'Hi Alex', 1, 'GSM-7', false, 'sent', now(), 1, sid FROM bench_webhooks",
        'ANALYZE sms_messages');
    return;
}

sub ours {
    my ($server, $clients) = @_;
    store_messages($server);
    my $begin = $server->sql('fresh', 'SELECT pg_current_wal_insert_lsn()');
    my $rate = $server->rate('fresh', $call, $clients, '-t', size('webhooks') / $clients);
    @bytes = split /\|/, $server->sql('fresh', sprintf "SELECT round((pg_current_wal_insert_lsn() - '$begin') / %1\$d), pg_total_relation_size('sms_events') / %1\$d", size('webhooks'));
    require_taken($server, size('webhooks'));
    return $rate;
}

sub require_taken {
    my ($server, $expected) = @_;
    my $delivered = $server->sql('fresh', "SELECT count(*) FROM sms_messages WHERE status = 'delivered'");
    die "$delivered callbacks were taken, and not $expected" if $delivered < $expected;
    return;
}

# The rate by the times at which they were stored: wrk ends later than its last call. It may cut off the answers of the
# last calls.
sub through {
    my ($server, $gateway, $connections) = @_;
    store_messages($server);
    $gateway->post("$ENV{TMPDIR}/calls", $connections, 3 + size('webhooks') / 1000);
    require_taken($server, size('webhooks') - $connections);
    return $server->sql('fresh', 'SELECT count(*) / extract(epoch FROM max(received_at) - min(received_at)) FROM sms_events');
}

sub unrecorded {
    my ($server, $script, $clients) = @_;
    restart_numbers($server);
    return $server->rate('fresh', $script, $clients, '-t', size('webhooks') / $clients);
}

sub plain {
    my ($server, $clients) = @_;
    empty_plain($server);
    restart_numbers($server);
    return $server->rate('fresh', $insert, $clients, '-t', int(size('webhooks') / $clients));
}

1;
