# A session keeps the key, and the tokens that it opened: each change of a token, a file or a setting counts at its next call.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha1_base64);
use IPC::Run ();
use PostgreSQL::Test::Utils qw(append_to_file slurp_file);
use Test::More;
use CoachSms::Cluster;
use CoachSms::Wait qw(deadline wait_until);

my ($account, $url) = ('AC' . '0b' x 16, 'https://app.example/twilio');
my $node = new_server('main', conf => "coach_sms.databases = ''");
my $org = $node->make_org(twilio_account_sid => $account, twilio_auth_token_encrypted => 'first token');
my $key = $node->key_file;
my $spare = $node->secrets_dir . '/spare';

my ($in, $out) = ('', '');
my $session = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, IPC::Run::timeout(deadline(120)));

# What the session's next call is answered that this token signed. Its message is gone: the call leaves no row.
my $calls = 0;
sub answer {
    my ($token, $query) = @_;
    my %form = (AccountSid => $account, MessageSid => 'SM' . '0d' x 16, MessageStatus => 'sent');
    my $called = $url . ($query // "?org=$org&message=0a000000-0000-7000-8000-000000000001&attempt=1");
    my $signature = hmac_sha1_base64($called . join('', map { $_ . $form{$_} } sort keys %form), $token) . '=';
    my $body = join '&', map { "$_=$form{$_}" } sort keys %form;
    $calls++;
    $in .= "SELECT 'answer $calls: ' || http_status FROM sms_twilio_webhook('$called', '$body', '$signature');\n";
    $session->pump until $out =~ /^answer $calls: (\d+)$/m;
    return $1;
}

# A file is kept once its times are two seconds old. The next call reads it, the one after that has it in memory.
sub keep {
    my ($file, @call) = @_;
    ok(wait_until(sub { time - (stat $file)[10] > 2 }), 'the file has not changed for a while');
    return join ' ', answer(@call), answer(@call);
}

is(keep($key, 'first token'), '200 200', 'the token is open');
$node->safe_psql('postgres', "UPDATE sms_settings SET twilio_auth_token_encrypted = 'another'");
is(answer('first token'), 403, 'a token that was replaced counts no more');
is(answer('another'), 200, 'the new one does');

chmod 0644, $key or die $!;
is(answer('another'), 503, 'a key that others may read is not used');
chmod 0600, $key or die $!;
is(keep($key, 'another'), '200 200', 'its mode is right again');

my $contents = slurp_file($key);
rename $key, $spare or die $!;
is(answer('another'), 503, 'without the key no token is open');
append_to_file($key, 'f' x 64 . "\n");
chmod 0600, $key or die $!;
is(answer('another'), 503, 'nor with another');
rename $spare, $key or die $!;
is(keep($key, 'another'), '200 200', 'the key is back');

# Written in place, with the size and the time of the last change as before.
my $changed = (stat $key)[9];
open my $file, '+<', $key or die $!;
print {$file} 'f' x 64;
close $file or die $!;
utime $changed, $changed, $key or die $!;
is(answer('another'), 503, 'a key that was overwritten is another');
open $file, '+<', $key or die $!;
print {$file} $contents;
close $file or die $!;
is(keep($key, 'another'), '200 200', 'it is the old one again');

# A setting names another file.
$node->safe_psql('postgres', "SELECT sms_create_key('$spare')");
$node->append_conf('postgresql.conf', "coach_sms.key_file = '$spare'");
$node->reload;
ok(wait_until(sub { answer('another') == 503 }), 'with the key of another file the token does not open');
$node->append_conf('postgresql.conf', "coach_sms.key_file = '$key'");
$node->reload;
ok(wait_until(sub { answer('another') == 200 }), 'and with the first again');

# The server's token, from its file.
my $token_file = $node->secrets_dir . '/token';
sub write_token { my ($token) = @_; unlink $token_file; append_to_file($token_file, "$token\n"); chmod 0600, $token_file or die $!; return; }
write_token('server token');
$node->append_conf('postgresql.conf', "coach_sms.twilio_account_sid = '$account'\ncoach_sms.twilio_auth_token_file = '$token_file'");
$node->reload;
$node->safe_psql('postgres', 'UPDATE sms_settings SET twilio_account_sid = NULL, twilio_auth_token_encrypted = NULL');
ok(wait_until(sub { answer('server token') == 200 }), 'the server\'s token is read');
is(keep($token_file, 'server token'), '200 200', 'and kept');
write_token('other token!');
is(answer('server token'), 403, 'a token file that was replaced counts no more');
is(answer('other token!'), 200, 'the new one does');
chmod 0640, $token_file or die $!;
is(answer('other token!'), 503, 'one that a group may read is not used');

$in .= "\\q\n";
$session->finish;
$node->assert_no_crash;
done_testing();
