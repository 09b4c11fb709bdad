# Twilio's calls with a sender at work: the server's token, proxies, locks, haste, and a token that cannot be read.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha1_base64 sha256_hex);
use PostgreSQL::Test::Utils ();
use Test::More;
use CoachSms::Cluster;

my $account = 'AC' . '5e' x 16;
my $token = 'the-servers-own-token';
my $public_url = 'https://coach.example/hooks/sms';
my $node = new_server('main', start => 0);
my $token_file = $node->secrets_dir . '/token';
write_token($token);
$node->append_conf('postgresql.conf', "coach_sms.twilio_account_sid = '$account'\n"
    . "coach_sms.twilio_auth_token_file = '$token_file'\ncoach_sms.public_url = '$public_url'\n"
    . "coach_sms.poll_interval = '100ms'");
$node->start;
$node->create_extension;

# Both orgs are paused, so that callbacks are all that happens to their messages. The sender may have one in hand for a moment:
# its callback is then applied a moment later.
my $org = $node->make_org(paused_until => 'infinity');
my $other = $node->make_org(paused_until => 'infinity', twilio_account_sid => 'AC' . '07' x 16, twilio_auth_token_encrypted => 'others-token');

sub write_token {
    my ($text) = @_;
    my $mask = umask 0077;
    PostgreSQL::Test::Utils::append_to_file($token_file, "$text\n");
    umask $mask;
    return;
}

sub sql { return $node->safe_psql('postgres', $_[0]) }

sub message { return $node->enqueue($_[0], '+61491570006', 'Hello') }

sub query { my ($of, $id) = @_; return "org=$of&message=$id&attempt=1" }

# A callback as Twilio signs it for that public URL; further parameters in pairs.
sub callback {
    my ($key, $url, %fields) = @_;
    my %params = (AccountSid => $account, %fields);
    my $body = join '&', map { "$_=$params{$_}" } sort keys %params;
    my $signature = hmac_sha1_base64($url . join('', map { $_ . $params{$_} } sort keys %params), $key) . '=';
    return ($body, $signature);
}

sub call_sql {
    my ($url, $body, $signature) = @_;
    return sprintf 'SELECT http_status FROM sms_twilio_webhook(%s, %s, %s)', map { sql_quote($_) } $url, $body, $signature;
}

sub call { return sql(call_sql(@_)) }

sub status_of { return sql("SELECT status FROM sms_messages WHERE id = '$_[0]'") }

my $n = 0;
sub new_sid { return sprintf 'SM%032d', ++$n }

# The org without a token uses the server's; a proxy may have changed all of the URL but its query.
for my $received (
    "$public_url?", 'http://10.0.0.7:3000/rest/v1/rpc/x?', 'https://internal.example:8443/hooks/sms?', '/hooks/sms?', "$public_url?#") {
    my $id = message($org);
    my $url = "$public_url?" . query($org, $id);
    (my $seen = $received) =~ s/\?/'?' . query($org, $id)/e;
    is(call($seen, callback($token, $url, MessageSid => new_sid(), MessageStatus => 'sent')), 200, "signed for the public URL, received as $received");
    $node->wait_for_status($id, 'sent', undef, name => 'and applied');
}

# With the port that Twilio leaves out or adds when it signs.
{
    my $id = message($org);
    my ($without, $with) = map { "https://coach.example$_/hooks/sms?" . query($org, $id) } '', ':443';
    my %fields = (MessageSid => new_sid(), MessageStatus => 'delivered');
    is(call($without, callback($token, $with, %fields)), 200, 'signed with the port, called without');
    is(call($with, callback($token, $without, %fields)), 200, 'signed without, called with');
    $node->wait_for_status($id, 'delivered', undef, name => 'and applied');
}

# It does not speak for an org that has its own.
{
    my $id = message($other);
    my $url = "$public_url?" . query($other, $id);
    is(call($url, callback($token, $url, MessageSid => new_sid(), MessageStatus => 'failed')), 403, "the server's token for an org with its own");
    is(call($url, callback('others-token', $url, MessageSid => new_sid(), MessageStatus => 'sent')), 200, 'its own');
    $node->wait_for_status($id, 'sent', undef, name => 'and applied');
}

# Without our query: the SID is looked for among those that the token speaks for.
sub record_sid {
    my ($of, $id, $sid) = @_;
    sql("SET ROLE coach_sms_owner; INSERT INTO sms_attempts (message_id, attempt_number, provider_message_id, status, org_id, client_key, segments)
         VALUES ('$id', 1, '$sid', 'success', '$of', 'x', 1)");
    return;
}
{
    my ($mine, $theirs, $sid, $their_sid) = (message($org), message($other), new_sid(), new_sid());
    record_sid($org, $mine, $sid);
    record_sid($other, $theirs, $their_sid);
    is(call($public_url, callback($token, $public_url, MessageSid => $sid, MessageStatus => 'delivered')), 200, 'a SID of ours');
    $node->wait_for_status($mine, 'delivered', undef, name => 'is found');
    is(call($public_url, callback($token, $public_url, MessageSid => $their_sid, MessageStatus => 'delivered')), 200, "a SID of another account's");
    is(status_of($theirs), 'queued', 'is not');
}

# Faster than our own record: the event waits, and the sender applies it.
{
    my ($id, $sid) = (message($org), new_sid());
    is(call($public_url, callback($token, $public_url, MessageSid => $sid, MessageStatus => 'delivered')), 200, 'a SID that nobody knows yet');
    is(sql("SELECT count(*) FROM sms_events WHERE provider_message_id = '$sid' AND processed_at IS NULL"), 1, 'waits');
    record_sid($org, $id, $sid);
    $node->wait_for_status($id, 'delivered');
}

# A row lock in the application delays that message, not the answer.
{
    my $id = message($org);
    my $url = "$public_url?" . query($org, $id);
    my $session = $node->background_psql('postgres', on_error_stop => 1);
    $session->query_safe("BEGIN; SELECT 1 FROM sms_messages WHERE id = '$id' FOR UPDATE");
    is(call($url, callback($token, $url, MessageSid => new_sid(), MessageStatus => 'delivered')), 200, 'its message is locked');
    is(status_of($id), 'queued', 'and stays as it is');
    $session->query_safe('COMMIT');
    $session->quit;
    $node->wait_for_status($id, 'delivered');
}

# A person's STOP waits for no application either; what is locked is withdrawn when it falls due.
sub text_from {
    my ($key, $of, $to, $person, $text) = @_;
    my (undef, $signature) = callback($key, $public_url, AccountSid => $of, MessageSid => new_sid(), SmsStatus => 'received', From => $person, To => $to, Body => $text);
    my $sid = sprintf 'SM%032d', $n;
    return ("AccountSid=$of&Body=$text&From=" . $person =~ s/\+/%2B/r . "&MessageSid=$sid&SmsStatus=received&To=" . $to =~ s/\+/%2B/r, $signature);
}
sub suppressed { my ($phone) = @_; return sql("SELECT string_agg(org_id::text, ' ' ORDER BY org_id) FROM sms_suppression WHERE phone = '$phone'") }
{
    my $id = $node->enqueue($org, '+61491570120', 'Hello');
    my $session = $node->background_psql('postgres', on_error_stop => 1);
    $session->query_safe("BEGIN; SELECT 1 FROM sms_messages WHERE id = '$id' FOR UPDATE");
    is(sql("SET statement_timeout = '20s'; " . call_sql($public_url, text_from($token, $account, '+61491570156', '+61491570120', 'STOP'))), 200, 'a STOP while its message is locked');
    is(suppressed('+61491570120'), $org, 'binds its org');
    is(status_of($id), 'queued', 'and the message waits for its end');
    $session->query_safe('COMMIT');
    $session->quit;
}

# Of whom nothing is known any more: who would write as that number now is bound.
is(call($public_url, text_from('others-token', 'AC' . '07' x 16, '+61491570156', '+61491570121', 'STOP')), 200, 'a STOP to a text that was pruned');
is(suppressed('+61491570121'), $other, 'binds the org of that number and account');

# An org's own token says nothing for another account, wherever the call is sent and whichever SID it names.
{
    my ($mine, $sid) = (message($other), new_sid());
    record_sid($other, $mine, $sid);
    sql("SELECT sms_opt_out('$org', '+61491570122', source => 'twilio')");
    for my $text ('STOP', 'START') {
        my $url = "$public_url?" . query($other, $mine);
        my %fields = (AccountSid => $account, SmsStatus => 'received', From => '61491570122', To => '61491570156', Body => $text);
        is(call($url, callback('others-token', $url, %fields, MessageSid => new_sid())), 403, "a forged $text with a target of its own");
        is(call($public_url, callback('others-token', $public_url, %fields, MessageSid => $sid)), 403, "a forged $text with a SID of its own");
    }
    is(suppressed('+61491570122'), $org, 'changes nothing');
}

# Anybody may name an account. A call counts for those whose token signed it, and for the whole account while nobody who names it
# has another token.
{
    my $theirs = 'AC' . '07' x 16;
    my $opt_outs = 'SELECT count(*) FROM sms_opt_outs WHERE phone = ';
    sql("SELECT sms_opt_out('$other', '+61491570123', source => 'twilio'); INSERT INTO sms_opt_outs (account_sid, sender, phone, source)
         VALUES ('$theirs', '+61491570156', '+61491570123', 'twilio')");
    my $pretender = $node->make_org(paused_until => 'infinity', twilio_account_sid => $theirs, twilio_auth_token_encrypted => 'made-up');
    my $same = $node->make_org(paused_until => 'infinity', twilio_account_sid => $theirs, twilio_auth_token_encrypted => 'others-token');
    is(call($public_url, text_from('made-up', $theirs, '+61491570156', '+61491570123', 'START')), 200, 'an org with that account and a token of its own says START');
    is(suppressed('+61491570123') . ' ' . sql("$opt_outs '+61491570123'"), "$other 1", 'and frees nobody');
    is(call($public_url, text_from('made-up', $theirs, '+61491570156', '+61491570124', 'STOP')), 200, 'it says STOP');
    is(suppressed('+61491570124') . ' ' . sql("$opt_outs '+61491570124'"), "$pretender 0", 'and binds itself alone');
    $node->enqueue($same, '+61491570125', 'Hello');
    is(call($public_url, text_from('others-token', $theirs, '+61491570156', '+61491570125', 'STOP')), 200, 'a STOP with the token of two, of whom one has written');
    is(suppressed('+61491570125') . ' ' . sql("$opt_outs '+61491570125'"), join(' ', sort($other, $same)) . ' 0', 'binds both');
    sql("UPDATE sms_settings SET twilio_account_sid = '$account' WHERE org_id = '$pretender'");
    is(call($public_url, text_from('others-token', $theirs, '+61491570156', '+61491570123', 'START')), 200, 'START, once nobody else names the account');
    is(suppressed('+61491570123') . sql("$opt_outs '+61491570123'"), '0', 'frees the whole account');
    is(call($public_url, text_from('made-up', $account, '+61491570156', '+61491570126', 'STOP')), 200, "an org that names the server's account says STOP");
    is(suppressed('+61491570126') . ' ' . sql("$opt_outs '+61491570126'"), "$pretender 0", 'and binds itself alone');
    is(call($public_url, text_from($token, $account, '+61491570156', '+61491570127', 'STOP')), 200, "a STOP with the server's token");
    is(suppressed('+61491570127') . ' ' . sql("$opt_outs '+61491570127'"), "$org 1", 'binds those that send with it, whatever others name');
    sql("UPDATE sms_settings SET twilio_account_sid = 'AC' || repeat('08', 16) WHERE org_id IN ('$pretender', '$same')");
}

# An API key cannot be compared with what signed: a STOP binds its org all the same, and a START does not free it.
{
    my $account = 'AC' . '09' x 16;
    my ($keyed, $plain, $silent) = map { $node->make_org(paused_until => 'infinity', twilio_account_sid => $account, twilio_auth_token_encrypted => $_) }
      'SK' . '0a' x 16 . ':secret', 'token of 09', 'token of 09';
    $node->enqueue($plain, '+61491570128', 'Hello');
    my $opt_outs = "SELECT count(*) FROM sms_opt_outs WHERE phone = '+61491570128'";
    is(call($public_url, text_from('token of 09', $account, '+61491570156', '+61491570128', 'STOP')), 200, 'a STOP where one of two has an API key');
    is(suppressed('+61491570128') . ' ' . sql($opt_outs), "$plain 1", 'binds who wrote and, by its sender, all others');
    is(sql("SELECT string_agg(is_phone_suppressed(o, '+61491570128')::text, ' ') FROM unnest(ARRAY['$keyed', '$plain', '$silent']::uuid[]) o"), 'true true true', 'so nobody writes to them');
    $node->psql('postgres', "SELECT sms_enqueue('$silent', to_phone => '+61491570128', body => 'First')", stderr => \my $refusal);
    like($refusal, qr/\+61491570128 is suppressed/, 'nor who has not written yet');
    sql("SELECT sms_opt_out('$silent', '+61491570128')");
    is(call($public_url, text_from('token of 09', $account, '+61491570156', '+61491570128', 'START')), 200, 'a START');
    is(suppressed('+61491570128') . ' ' . sql($opt_outs), join(' ', sort($keyed, $silent)) . ' 0', 'frees all but that one, which keeps an entry of its own, and who had made one itself');
    is(sql("SELECT string_agg(is_phone_suppressed(o, '+61491570128')::text, ' ') FROM unnest(ARRAY['$keyed', '$plain', '$silent']::uuid[]) o"), 'true false true', 'whoever may have signed it');
    $node->enqueue($keyed, '+61491570129', 'Hello');
    is(call($public_url, text_from('token of 09', $account, '+61491570156', '+61491570129', 'STOP')), 200, 'a STOP to the one with the key');
    is(call($public_url, text_from('token of 09', $account, '+61491570156', '+61491570129', 'START')), 200, 'and a START');
    is(suppressed('+61491570129'), $keyed, 'which does not free that one');
}

# However many orgs name an account, no more than five are looked at before the signature is known: those of the number first.
{
    my $account = 'AC' . '0c' x 16;
    my @orgs = sort map { $node->make_org(paused_until => 'infinity', twilio_account_sid => $account, twilio_phone_number => '+61491570158', twilio_auth_token_encrypted => 'undecided') } 1 .. 7;
    sql("UPDATE sms_settings SET twilio_auth_token_encrypted = 'token of ' || org_id, twilio_second_auth_token_encrypted = 'second of ' || org_id WHERE org_id = '$_'") for @orgs;
    my $texts = 0;
    is(join(' ', map { my $org = $_; map { call($public_url, text_from("$_ of $org", $account, '+61491570158', '+6149157013' . $texts % 10, 'Hello ' . $texts++)) } 'token', 'second' } @orgs),
        join(' ', (200) x 10, (403) x 4), 'fourteen tokens, of which ten are tried');
    sql("UPDATE sms_settings SET twilio_phone_number = '+61491570159' WHERE org_id = '$orgs[6]'");
    is(call($public_url, text_from("second of $orgs[6]", $account, '+61491570159', '+61491570130', 'Hello again')), 200, 'the one that has the number among them');
    sql("UPDATE sms_settings SET twilio_account_sid = 'AC' || repeat('08', 16) WHERE org_id IN (" . join(', ', map { "'$_'" } @orgs) . ')');
}

# Twilio can post JSON, signed by its URL alone. It signs no callback of messages so, and whoever has seen one such URL could write
# anything under it.
{
    my $id = message($org);
    my $body = "{\"MessageSid\": \"" . new_sid() . "\", \"MessageStatus\": \"delivered\", \"AccountSid\": \"$account\"}";
    my $url = "$public_url?" . query($org, $id) . '&bodySHA256=' . sha256_hex($body);
    my $signature = hmac_sha1_base64($url, $token) . '=';
    is(sql(sprintf 'SELECT sms_validate_twilio_signature(%s, %s, %s, %s, %s)', map { sql_quote($_) } $token, $url, $body, $signature, 'application/json'), 't', 'a JSON body, signed by its URL');
    is(call($url, $body, $signature), 403, 'is refused');
    is(status_of($id), 'queued', 'nothing happens');
}

# An account that is named by an org without a token is the server's to speak for.
{
    my $account = 'AC' . '0b' x 16;
    $node->make_org(paused_until => 'infinity', twilio_account_sid => $account, twilio_auth_token_encrypted => undef);
    $node->make_org(paused_until => 'infinity', twilio_account_sid => $account, twilio_auth_token_encrypted => 'made up');
    my $opt_outs = "SELECT count(*) FROM sms_opt_outs WHERE phone = '+61491570129'";
    is(call($public_url, text_from($token, $account, '+61491570156', '+61491570129', 'STOP')), 200, "a STOP with the server's token for an account of an org's");
    is(sql($opt_outs), 1, 'binds the whole account');
    is(call($public_url, text_from('made up', $account, '+61491570156', '+61491570129', 'START')), 200, 'a START with the token of another that names it');
    is(sql($opt_outs), 1, 'frees nobody');
    is(call($public_url, text_from($token, $account, '+61491570156', '+61491570129', 'START')), 200, "and one with the server's");
    is(sql($opt_outs), 0, 'all');
}

# The same call twice at once.
{
    my $id = message($org);
    my $url = "$public_url?" . query($org, $id);
    my $sid = new_sid();
    my $call = call_sql($url, callback($token, $url, MessageSid => $sid, MessageStatus => 'sent'));
    my ($first, $second) = map { $node->background_psql('postgres', on_error_stop => 1) } 1 .. 2;
    $first->query_safe("BEGIN; $call");
    $second->query_until(qr/started/, "\\echo started\n$call;\n\\echo ended\n");
    $node->wait_for_sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%sms_twilio_webhook%'", 1);
    $first->query_safe('COMMIT');
    $second->query_until(qr/ended/, '');
    $_->quit for $first, $second;
    is(sql("SELECT count(*) FROM sms_events WHERE provider_message_id = '$sid'"), 1, 'is stored once');
    $node->wait_for_status($id, 'sent', undef, name => 'and applied');
}

# Without a token no signature can be verified: 503, which Twilio may repeat, and not 403.
{
    my $id = message($org);
    my $url = "$public_url?" . query($org, $id);
    my @callback = callback($token, $url, MessageSid => new_sid(), MessageStatus => 'sent');
    rename $token_file, "$token_file.away" or die $!;
    is(call($url, @callback), 503, 'the token cannot be read');
    is(status_of($id), 'queued', 'and nothing happens');
    rename "$token_file.away", $token_file or die $!;
    is(call($url, @callback), 200, 'until it can');
    $node->wait_for_status($id, 'sent', undef, name => 'and it is applied');
}

# Bytes that are no text: PostgreSQL itself refuses them.
{
    my $status = $node->psql('postgres', call_sql($public_url, join('', map { chr } 128 .. 255), 'garbage'), stderr => \my $error);
    is($status, 3, 'a form that is no text');
    like($error, qr/invalid byte sequence/, 'is an error of its encoding');
}

# A database that cannot hold every character takes what it can.
{
    sql("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
    $node->create_extension('latin');
    my %fields = (SmsStatus => 'received', From => '1', To => '2');
    my $sid = new_sid();
    my $text = "caf\x{c3}\x{a9} \x{f0}\x{9f}\x{99}\x{82}!";
    my (undef, $signature) = callback($token, $public_url, MessageSid => $sid, Body => $text, %fields);
    my ($body) = callback($token, $public_url, MessageSid => $sid, Body => 'caf%C3%A9+%F0%9F%99%82!', %fields);
    is($node->safe_psql('latin', call_sql($public_url, $body, $signature)), 200, 'a text that LATIN1 cannot hold');
    is($node->safe_psql('latin', "SELECT event_payload->>'Body' = 'caf' || chr(233) || ' ?!' FROM sms_events"), 't', 'is kept as far as it can');
}

my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
like($log, qr/a call to the webhook was refused: its signature fits no token/, 'the log says why a call was refused');
unlike($log, qr/\Q$token\E|others-token|\+61491570006/, 'and neither tokens nor numbers');

$node->stop('fast');
done_testing();
