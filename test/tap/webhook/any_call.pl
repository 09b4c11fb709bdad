# Whatever stands in a call that Twilio signed: an http status is the answer, the event is stored once, and STOP binds
# whoever has a number.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha1_base64 hmac_sha256_base64);
use PostgreSQL::Test::Utils qw(slurp_file);
use Test::More;
use CoachSms::Cluster;
use CoachSms::Log qw(log_mark log_since);

our $url = 'https://coach.example/hooks/sms';
my $account = 'AC' . '5e' x 16;
my $service = 'MG' . '5e' x 16;
my $token = 'the-token';
my $node = new_server('main', start => 0);
$node->append_conf('postgresql.conf', "coach_sms.public_url = '$url'\ncoach_sms.databases = ''");
$node->start;
$node->create_extension;
my $org = $node->make_org(paused_until => 'infinity', twilio_account_sid => $account, twilio_auth_token_encrypted => $token,
    twilio_phone_number => undef, twilio_messaging_service_sid => $service);

sub sql { return $node->safe_psql('postgres', $_[0]) }

sub escape { my ($text) = @_; return $text =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ger }

# The arguments of sms_twilio_webhook for a signed call with these parameters, undef ones left out.
my $n = 0;
sub signed {
    my (%params) = @_;
    my @names = sort grep { defined $params{$_} } keys %params;
    my $signature = hmac_sha1_base64($url . join('', map { $_ . $params{$_} } @names), $token) . '=';
    return join ', ', map { sql_quote($_) } $url, join('&', map { "$_=" . escape($params{$_}) } @names), $signature;
}
sub text_of { return (AccountSid => $account, MessageSid => sprintf('SM%032x', ++$n), SmsStatus => 'received', From => '+61412000123',
    To => '+61400000001', MessagingServiceSid => $service, Body => 'STOP', @_) }
sub status_of { return (AccountSid => $account, MessageSid => sprintf('SM%032x', ++$n), MessageStatus => 'undelivered', ErrorCode => '30003',
    From => '+61400000001', To => '+61412000123', MessagingServiceSid => $service, RawDlrDoneDate => '2611291017', @_) }

# Status and error of each call; in one session, so that one costs little.
sub calls {
    my (@arguments) = @_;
    my ($out, $err) = ('', '');
    $node->psql('postgres', join("\n", map { "SELECT http_status FROM sms_twilio_webhook($_);" } @arguments), stdout => \$out, stderr => \$err);
    is($err, '', 'nothing is raised');
    return split /\n/, $out;
}

# --- who is opted out ----------------------------------------------------------------------------

my @senders = (
    # From, To, the number that a STOP binds
    ['+61412000120', '+61400000001', '+61412000120'],
    ['whatsapp:+61412000121', 'whatsapp:+61400000001', '+61412000121'],
    ['rcs:+61412000122', 'rcs:brand_agent', '+61412000122'],
    ['messenger:+61412000123', 'messenger:1234567890', '+61412000123'],
    ['+61412000124', '89045', '+61412000124'],
    ['+61412000125', '', '+61412000125'],
    ['+61412000126', undef, '+61412000126'],
    ['+61412000127', 'x' x 20_000, '+61412000127'],
    ['+4612345', '+61400000001', '+4612345'],
    map { [$_, '+61400000001', ''] } '12345', '89045', 'VODAFONE', 'Peak Fit', '+464', '+', 'anonymous', '', undef, 'rcs:brand_agent', 'whatsapp:',
    'messenger:1234567890', 'whatsapp:US.1349', '0412000123', '61412000123', "+61412000123\0", "+6141200\xff", '+' . '1' x 30_000, 'sip:a@b', ':', '::',
);
for (@senders) {
    my ($from, $to, $number) = @$_;
    my $name = defined $from ? substr($from, 0, 30) : 'no From';
    my $id = $number =~ /^\+614/ ? $node->enqueue($org, $number, 'Hello') : undef;
    my @call = signed(text_of(From => $from, To => $to));
    is(join(' ', calls(@call, @call)), '200 200', "a STOP from $name, twice");
    is(sql("SELECT count(*), max(event_status), bool_and(processed_at IS NOT NULL) FROM sms_events WHERE provider_message_id = '" . sprintf('SM%032x', $n) . "'"),
        '1|STOP|t', 'is stored once');
    is(sql('SELECT phone FROM sms_suppression'), $number, $number eq '' ? 'and binds nobody' : "and binds $number");
    is(sql('SELECT phone FROM sms_opt_outs LIMIT 1'), $number, 'by its sender too');
    is(sql("SELECT status, error_code FROM sms_messages WHERE id = '$id'"), 'cancelled|opted_out', 'what waits is taken back') if defined $id;
    is(join(' ', calls(signed(text_of(From => $from, To => $to, Body => 'START')))), '200', 'a START');
    is(sql('SELECT (SELECT count(*) FROM sms_suppression) + (SELECT count(*) FROM sms_opt_outs)'), 0, 'frees them');
}

# The number of one channel is erased with the other's.
{
    calls(signed(text_of(From => 'whatsapp:+61412000128', To => 'whatsapp:+61400000001')));
    is(sql("SELECT events FROM sms_erase_person('$org', '+61412000128')"), 1, 'a person who wrote by WhatsApp is erased');
    is(sql("SELECT count(*) FROM sms_events WHERE event_payload::text LIKE '%61412000128%'"), 0, 'with their number');
    sql('TRUNCATE sms_suppression, sms_opt_outs');
}

# --- each parameter in every shape ----------------------------------------------------------------

my @shapes = (undef, '', ' ', "\0", "a\0b", "\xff\xfe", "\xed\xa0\x80", "caf\xc3\xa9 \xf0\x9f\x9b\x91", 'x' x 50_000, '9' x 20_000, "'\"\\{}", "\r\n\t\x01\x7f", '-1', '0', 'null',
    'whatsapp:+61412000123', 'rcs:agent', '12345', 'infinity', '9999999999', '2611321067', '%', '+', '&=', '[]', 'received', 'STOP', "SM" . '0' x 32);
for my $make (\&text_of, \&status_of) {
    my %example = $make->();
    for my $name (sort(keys %example), qw(ErrorMessage OptOutType SmsSid ProfileName X-Home-Region), '', 'x' x 300) {
        my @arguments = map { signed($make->(), $name => $_) } grep { $name ne 'AccountSid' || defined } @shapes;
        my %count;
        $count{$_}++ for calls(@arguments);
        # Of an account that nobody has, of a SID that disagrees, of a name twice.
        my $expected = $name eq 'AccountSid' ? '^403$' : '^200( 403)?$';
        like(join(' ', sort keys %count), qr/$expected/, "$name in every shape is answered: " . join(', ', map { "$_ $count{$_}" } sort keys %count));
    }
}

# --- odd parameters -------------------------------------------------------------------------------

for my $odd (['ProfileName', 'From1988'], ['X-Home-Region', 'au1'], ['Media[0]', 'x'], ['a.b', 'y']) {
    my $sid = sprintf 'SM%032x', $n + 1;
    is(join(' ', calls(signed(text_of(From => '+61412000129', Body => 'STOP', @$odd)))), '200', "$odd->[0]=$odd->[1]");
    is(sql("SELECT count(*) FROM sms_events WHERE provider_message_id = '$sid' AND event_status = 'STOP'"), 1, 'is stored');
}

sub logged {
    my ($arguments, $status, $line) = @_;
    my $mark = log_mark($node);
    is(join(' ', calls($arguments)), $status, "answered $status");
    like(log_since($node, $mark), $line, "and logged: $line");
    return;
}
logged(signed(status_of(ErrorMessage => 'MessageStatusdelivered')), 403, qr/a call to the webhook was refused: parameter "ErrorMessage" holds the name MessageStatus/);
logged(signed(text_of('a b' => 1)), 403, qr/a call to the webhook was refused: parameter "a b" has a name that Twilio uses for none/);
logged(signed(AccountSid => $account, CallSid => 'CA1'), 200, qr/a call to the webhook was taken and not kept: it names no message/);
logged(signed(text_of()) =~ s/, '[^']*'$/, 'none'/r, 403, qr/refused: the header X-Twilio-Signature is missing or malformed/);

# --- shared keys ----------------------------------------------------------------------------------

{
    my $arguments = signed(text_of());
    my $shared = hmac_sha256_base64('anything', 'a shared key') . '=';
    my $line = qr/a call to the webhook was refused: the header X-Twilio-Webhooks-Signature-Settings says that a shared key signed it/;
    logged($arguments =~ s/, '[^']*'$/, '$shared'/r, 403, $line);
    my ($body) = $arguments =~ /, '([^']*)', /;
    my ($signature) = $arguments =~ /, '([^']*)'$/;
    for my $case ([$shared, 403], [$signature, 403], ['', 403]) {
        my $headers = qq({"x-called-url": "$url", "x-twilio-signature": "$case->[0]", "x-twilio-webhooks-signature-settings": "key=K,algorithm=HMAC_SHA256"});
        my $mark = log_mark($node);
        is(sql('BEGIN; SET LOCAL request.headers = ' . sql_quote($headers) . '; SELECT sms_twilio_webhook_raw(' . sql_quote($body) . ");\n"
            . "SELECT current_setting('response.status'); COMMIT") =~ /(\d+)/ && $1, $case->[1], 'with that header through PostgREST');
        like(log_since($node, $mark), $line, 'the same');
    }
    is(sql('SELECT count(*) FROM sms_events WHERE provider_message_id = ' . sql_quote(sprintf 'SM%032x', $n)), 0, 'and nothing is kept');
}

# --- carriers' failures ---------------------------------------------------------------------------

for my $case (['30003', undef, 'failed|30003|Unreachable destination handset'], ['30003', 'off', 'failed|30003|off'], ['0', undef, 'failed|undelivered|']) {
    my $id = $node->enqueue($org, '+61412000140', 'Hello');
    my %fields = status_of(ErrorCode => $case->[0], ErrorMessage => $case->[1]);
    local $url = "$url?org=$org&message=$id&attempt=1";
    is(join(' ', calls(signed(%fields))), '200', "ErrorCode=$case->[0]");
    is(sql("SELECT status, error_code, error_message FROM sms_messages WHERE id = '$id'"), $case->[2], 'its words');
}

$node->stop('fast');
done_testing();
