# Callbacks as forms over HTTP: the fake posts them, a small server stands for the Edge Function and hands them on byte
# for byte. In any order, twice, before our own answer, through a proxy: the states converge, and each event is stored once.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha1_base64);
use HTTP::Tiny;
use IO::Socket::INET;
use POSIX ();
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Wait qw(deadline wait_until);

my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 50) or die "cannot listen: $!";
my $base = 'http://127.0.0.1:' . $listener->sockport;
my $fake = start_fake(callbacks => 'on');
my $node = new_server('main', fake => $fake, conf => short_times(request_timeout => 10000, lease_duration => 20000, public_url => "$base/direct") . "max_connections = 130\n");
$node->go_live;
my $org = $node->make_org;

sub webhook_sql { return sprintf 'SELECT http_status FROM sms_twilio_webhook(%s, %s, %s)', map { sql_quote($_) } @_ }

# Answers one request. The URL of /inside/... is as a proxy hands it on: with another scheme, host and path than Twilio called.
sub serve {
    my ($client) = @_;
    my ($path, %header) = ('');
    while (defined(my $line = <$client>)) {
        last if $line =~ /^\r?\n$/;
        $path = $1 if $line =~ /^POST (\S+) /;
        $header{ lc $1 } = $2 if $line =~ /^([\w-]+): *(.*?)\r?\n/;
    }
    my $body = '';
    while (length $body < ($header{'content-length'} // 0)) { read $client, $body, $header{'content-length'} - length $body, length $body or last }
    my $url = $path =~ m{^/inside/} ? "http://10.0.0.5:3000/functions$path" : "http://$header{host}$path";
    my ($status, $error);
    $node->psql('postgres', webhook_sql($url, $body, $header{'x-twilio-signature'}), stdout => \$status, stderr => \$error);
    printf $client "HTTP/1.1 %d Done\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", $status || 500;
    close $client;
    return;
}

my $receiver = fork // die "cannot fork: $!";
if (!$receiver) {
    close $fake->{stdin};
    $listener->timeout(1);
    while (getppid() != 1) { my $client = $listener->accept or next; serve($client) }
    POSIX::_exit(0);
}
close $listener;

sub message {
    my ($number, $markers) = @_;
    return $node->enqueue($org, "+614915701$number", "text $number [fake:$markers]");
}

sub events {
    my ($id) = @_;
    return $node->safe_psql('postgres', "SELECT string_agg(event_status, ',' ORDER BY event_status) FROM sms_events WHERE message_id = '$id' AND processed_at IS NOT NULL");
}

sub row { my ($id) = @_; return $node->safe_psql('postgres', "SELECT status, error_code, attempt_count, provider_message_id IS NOT NULL FROM sms_messages WHERE id = '$id'"); }

# In every order, and twice; before our own answer is there; undelivered, before and after other events.
my @cases = (
    [ 10, 'delay=0', 'delivered||1|t', 'delivered,sent' ],
    [ 11, 'callback=delivered,sent', 'delivered||1|t', 'delivered,sent' ],
    [ 12, 'callback=queued,sent,delivered callback-twice', 'delivered||1|t', 'delivered,queued,sent' ],
    [ 13, 'callback=delivered,sent callback-before-response', 'delivered||1|t', 'delivered,sent' ],
    [ 14, 'undelivered=30003', 'failed|30003|1|t', 'sent,undelivered' ],
    [ 15, 'callback=undelivered,sent undelivered=30005', 'failed|30005|1|t', 'sent,undelivered' ],
    [ 16, 'callback=sent', 'sent||1|t', 'sent' ],
    [ 17, 'reset-after callback=sent,delivered', 'delivered||1|t', 'delivered,sent' ],
);
my %id = map { $_->[0] => message($_->[0], $_->[1]) } @cases;
for my $case (@cases) {
    my ($number, $markers, $end, $events) = @$case;
    $node->wait_for_sql("SELECT count(*) FROM sms_events WHERE message_id = '$id{$number}' AND processed_at IS NOT NULL", 1 + $events =~ tr/,//,
        undef, name => "$markers: each event is stored once");
    $node->wait_for_sql("SELECT status FROM sms_messages WHERE id = '$id{$number}'", $end =~ /^(\w+)/, undef, name => 'it converges');
    is(events($id{$number}), $events, 'these are they');
    is(row($id{$number}), $end, 'the message is as Twilio said');
}
$node->wait_for_sql('SELECT count(*) FROM coach_sms_internal.sms_in_flight', '0');
ok(wait_until(sub { 19 == grep { $_->{outcome} eq '200' } $fake->callbacks }), 'every callback was answered with 200')
  or diag(explain([ $fake->callbacks ]));
is($node->safe_psql('postgres', "SELECT string_agg(DISTINCT n::text, ',') FROM (SELECT count(*) AS n FROM sms_attempts GROUP BY message_id) a"), '1', 'one attempt each');

# Through a proxy: Twilio calls the public URL, and the webhook gets another one.
my $pid = $node->sender_pid;
$node->append_conf('postgresql.conf', "coach_sms.public_url = '$base/inside/twilio'");
$node->reload;
$node->wait_for_sql('SHOW coach_sms.public_url', "$base/inside/twilio");
my $proxied = message(20, 'delay=0');
$node->wait_for_status($proxied, 'delivered', undef, name => 'through a proxy');
my $callback;    # listed once the fake has its answer
ok(wait_until(sub { ($callback) = grep { $_->{url} =~ /$proxied/ && $_->{status} eq 'delivered' && $_->{outcome} eq '200' } $fake->callbacks }), 'the callback is answered with 200');
like($callback->{url}, qr{^\Q$base\E/inside/twilio\?}, 'the fake signed the public URL');
$node->wait_for_sql("SELECT count(*), count(processed_at) FROM sms_events WHERE message_id = '$proxied'", '2|2', undef, name => 'each event is stored once');
$node->wait_for_sql('SELECT count(*) FROM coach_sms_internal.sms_in_flight', '0');

# A forged and an oversized post.
my $content = "SELECT md5(string_agg(m::text, '' ORDER BY id)), (SELECT count(*) FROM sms_events) FROM sms_messages m";
my $before = $node->safe_psql('postgres', $content);
sub post {
    my ($body) = @_;
    my %headers = ('content-type' => 'application/x-www-form-urlencoded', 'x-twilio-signature' => $callback->{signature});
    return HTTP::Tiny->new(timeout => deadline())->post($callback->{url} =~ s/#.*//r, { content => $body, headers => \%headers })->{status};
}
is(post($callback->{body} =~ s/delivered/undelivered/r), 403, 'the signature of another body');
is(post($callback->{body} . '&A=' . 'x' x 1_000_000), 413, 'a megabyte');
is($node->safe_psql('postgres', $content), $before, 'nothing was changed by any of them');

# A hundred at once.
my $many = $node->enqueue($org, '+61491570130', 'many [fake:callback=sent]');
$node->wait_for_status($many, 'sent');
my $sid = $node->safe_psql('postgres', "SELECT provider_message_id FROM sms_messages WHERE id = '$many'");
my %fields = (MessageSid => $sid, MessageStatus => 'delivered', AccountSid => $fake->account);
my $form = join '&', map { "$_=$fields{$_}" } sort keys %fields;
my $url = "$base/inside/twilio?org=$org&message=$many&attempt=1";
my $signature = hmac_sha1_base64($url . join('', map { $_ . $fields{$_} } sort keys %fields), $fake->token) . '=';
my $script = PostgreSQL::Test::Utils::tempdir() . '/many.sql';
PostgreSQL::Test::Utils::append_to_file($script, webhook_sql($url, $form, $signature) . ";\n");
$node->command_ok([ qw(pgbench -n -c 100 -t 1 -f), $script, 'postgres' ], '100 callbacks at once');
$node->wait_for_status($many, 'delivered');
is(events($many), 'delivered,sent', 'are one event');
is($node->sender_pid, $pid, 'the sender lives on');

kill TERM => $receiver;
waitpid $receiver, 0;
done_testing();
