# While an account's token is changed Twilio signs with the one or the other: the webhook takes both, and no third.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use PostgreSQL::Test::Utils qw(append_to_file);

my ($keyed, $keyed_token, $key) = ('AC' . '0b' x 16, 'cafe' x 8, 'SK' . '0c' x 16);
my $fake = start_fake(args => [ '--account', $keyed, '--token', $keyed_token, '--key', $key, '--secret', 'the secret' ]);
my $node = new_server('main', fake => $fake, conf => short_times(public_url => 'https://app.example/twilio'));
my ($number, $other) = (100, 'beef' x 8);

# A text that Twilio has taken, and what its callbacks are answered.
sub answers {
    my ($org, $before) = @_;
    $number++;
    my $id = $node->enqueue($org, "+61491570$number", "text $number");
    $node->wait_for_status($id, 'sent');
    $fake->wait_for(callbacks => 2, to => "+61491570$number");
    $before->();
    my %answers = map { $_ => 1 } $node->relay_callbacks;
    return join ' ', $node->safe_psql('postgres', "SELECT status FROM sms_messages WHERE id = '$id'"), sort keys %answers;
}
sub tokens {
    my ($org, $first, $second) = @_;
    $node->safe_psql('postgres', "UPDATE sms_settings SET twilio_auth_token_encrypted = '$first', twilio_second_auth_token_encrypted = '$second' WHERE org_id = '$org'");
    return;
}

# An org's own account.

$node->go_live;
my $org = $node->make_org;
is(answers($org, sub { tokens($org, $other, '') }), 'sent 403', 'signed with a token that was replaced: refused');
tokens($org, $fake->token, '');
is(answers($org, sub { tokens($org, $other, $fake->token) }), 'delivered 200', 'with the second token: taken');
tokens($org, $fake->token, $other);
is(answers($org, sub { }), 'delivered 200', 'and with the first');
is($node->safe_psql('postgres', "SELECT twilio_second_auth_token_encrypted ~ '^sms1:' AND twilio_second_auth_token_encrypted !~ '$other' FROM sms_settings"), 't', 'it is sealed too');
is($node->safe_psql('postgres', "UPDATE sms_settings SET twilio_second_auth_token_encrypted = '' RETURNING twilio_second_auth_token_encrypted IS NULL"), 't', 'an empty one is none');

# An API key sends, and signs nothing: the account's token stands second.

my $with_key = $node->make_org(twilio_account_sid => $keyed, twilio_auth_token_encrypted => "$key:the secret");
is(answers($with_key, sub { }), 'sent 403', 'an API key sends; without the token no callback is accepted');
tokens($with_key, "$key:the secret", $keyed_token);
is(answers($with_key, sub { }), 'delivered 200', 'with it they are');
is(scalar(grep { $_->{account} eq $keyed } $fake->ledger), 2, 'by the account, whose key it is');

# The server's account, from its file.

my $file = $node->secrets_dir . '/token';
sub write_file {
    my ($contents) = @_;
    unlink $file;
    append_to_file($file, $contents);
    chmod 0600, $file or die $!;
    return;
}
write_file($fake->token . "\n");
$node->append_conf('postgresql.conf', "coach_sms.twilio_account_sid = '${\ $fake->account}'\ncoach_sms.twilio_auth_token_file = '$file'");
$node->reload;
my $shared = $node->make_org(twilio_account_sid => undef, twilio_auth_token_encrypted => undef);
is(answers($shared, sub { write_file("$other\n") }), 'sent 403', 'the server\'s token was replaced: refused');
write_file($fake->token . "\n");
is(answers($shared, sub { write_file("$other\n  ${\ $fake->token} \n") }), 'delivered 200', 'a second line is taken');
write_file($fake->token . "\n$other");
is(answers($shared, sub { }), 'delivered 200', 'the first line too');
is_deeply([ $fake->duplicates ], [], 'nothing went twice');
done_testing();
