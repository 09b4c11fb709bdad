# The key that seals tokens is changed: with both keys known everything is sent, and with the new one alone afterwards.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake();
my $node = new_server('main', fake => $fake, conf => short_times());
$node->go_live;
my @orgs = map { $node->make_org } 1 .. 3;
my ($old, $new) = ($node->key_file, $node->secrets_dir . '/new.key');
my $to = 100;

sub sealed_with { return $node->safe_psql('postgres', "SELECT string_agg(split_part(twilio_auth_token_encrypted, ':', 2), ' ' ORDER BY org_id) FROM sms_settings") }
sub send_to {
    my ($org, $name) = @_;
    $to++;
    $node->wait_for_status($node->enqueue($org, "+61491570$to", "text $to"), 'sent', undef, name => $name);
    return;
}
sub rotation_fails {
    my ($like, $name) = @_;
    my ($rc, undef, $stderr) = $node->psql('postgres', "SELECT sms_rotate_key('$old', '$new')");
    ok($rc != 0 && $stderr =~ $like, $name) or diag $stderr;
    return;
}

send_to($_, 'with the first key') for @orgs;
$node->safe_psql('postgres', "UPDATE sms_settings SET twilio_second_auth_token_encrypted = 'the second' WHERE org_id = '$orgs[2]'");
my $new_id = $node->safe_psql('postgres', "SELECT sms_create_key('$new')");
my $old_id = (split ' ', sealed_with())[0];
isnt($new_id, $old_id, 'another key');
rotation_fails(qr/coach_sms.key_file is not "\Q$new\E"/, 'not before both keys are known');

# Both keys are known: the old one opens, the new one seals.

$node->append_conf('postgresql.conf', "coach_sms.key_file = '$new'\ncoach_sms.old_key_file = '$old'");
$node->reload;
$node->wait_for_sql("SELECT current_setting('coach_sms.key_file')", $new);
$node->wait_for_sql('SELECT mode FROM sms_health', 'not armed', undef, name => 'the file that arms the server lies beside the key');
$node->go_live;
send_to($_, 'with the old key, while the new one is the first') for @orgs;
$node->safe_psql('postgres', "UPDATE sms_settings SET twilio_auth_token_encrypted = '${\ $fake->token}' WHERE org_id = '$orgs[0]'");
is(join(' ', sort split ' ', sealed_with()), join(' ', sort $old_id, $old_id, $new_id), 'what is written now is sealed with the new one');

# A value that does not open stays, and is reported.

$node->safe_psql('postgres', "UPDATE sms_settings s SET twilio_auth_token_encrypted = o.twilio_auth_token_encrypted
                                FROM sms_settings o WHERE s.org_id = '$orgs[1]' AND o.org_id = '$orgs[2]'");
my ($rc, $stdout, $stderr) = $node->psql('postgres', "SELECT sms_rotate_key('$old', '$new')");
is("$rc $stdout", '0 2', 'two tokens of one org were sealed anew');
is($node->safe_psql('postgres', "SELECT split_part(twilio_second_auth_token_encrypted, ':', 2) FROM sms_settings WHERE org_id = '$orgs[2]'"), $new_id, 'the second too');
like($stderr, qr/WARNING:.*token of org $orgs[1] was left as it is/, 'the other does not open');
unlike($stderr, qr/\Q${\ $fake->token}\E|sms1:/, 'and is not shown');
$node->safe_psql('postgres', "SELECT sms_set_twilio_credentials('$orgs[1]', '${\ $fake->account}', '${\ $fake->token}')");
is(sealed_with(), join(' ', ($new_id) x 3), 'all are sealed with the new key');
is($node->safe_psql('postgres', "SELECT sms_rotate_key('$old', '$new')"), '0', 'there is nothing left to do');
send_to($_, 'sealed anew') for @orgs;

# The old key goes.

$node->append_conf('postgresql.conf', "coach_sms.old_key_file = ''");
unlink $old or die $!;
$node->restart;
send_to($_, 'with the new key alone') for @orgs;
is($node->safe_psql('postgres', 'SELECT ok FROM sms_health'), 't', 'all is well');
rotation_fails(qr/coach_sms.old_key_file is not "\Q$old\E"/, 'and a rotation would have to begin anew');

my ($denied, undef, $why) = $node->psql('postgres', "CREATE ROLE watchman; SELECT sms_grant_operator('watchman'); GRANT EXECUTE ON FUNCTION sms_rotate_key(text, text) TO watchman;
    SET ROLE watchman; SELECT sms_rotate_key('/etc/passwd', '/etc/passwd')");
like($why, qr/only a superuser may read a file on the server/, 'files are superusers\' business, whoever was granted what');
is($fake->count, 12, 'Twilio took each message once');
is_deeply([ $fake->duplicates ], [], 'and none twice');
done_testing();
