# Which account and which sender a message goes by: the org's own before the server's, a Messaging Service before a number.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Fake;
use CoachSms::Log;
use PostgreSQL::Test::Utils qw(append_to_file);

my ($own_account, $own_token) = ('AC' . '0b' x 16, 'beef' x 8);
my $fake = start_fake(args => [ '--account', $own_account, '--token', $own_token ]);
my $public_url = 'https://app.example/twilio';
my $node = new_server('main', fake => $fake, conf => "coach_sms.public_url = '$public_url'
coach_sms.twilio_phone_number = '+61491570157'\ncoach_sms.twilio_messaging_service_sid = ''\ncoach_sms.poll_interval = '200ms'\n");
my $token_file = $node->secrets_dir . '/twilio_token';
my %no_account = (twilio_account_sid => undef, twilio_auth_token_encrypted => undef);
my %own = (twilio_account_sid => $own_account, twilio_auth_token_encrypted => $own_token);
my ($org_service, $server_service) = ('MG' . '1a' x 16, 'MG' . '2b' x 16);

sub write_token_file {
    unlink $token_file;
    append_to_file($token_file, $fake->token . "\n");
    chmod 0600, $token_file or die "cannot chmod $token_file: $!";
    return;
}

# Returns once the server has it.
sub set {
    my (%settings) = @_;
    $node->append_conf('postgresql.conf', join '', map { "$_ = '$settings{$_}'\n" } sort keys %settings);
    $node->reload;
    $node->wait_for_sql("SHOW $_", $settings{$_}) for sort keys %settings;
    return;
}

# A message of an org with these columns; what the fake's ledger says of account, number and service.
my $number = 70100;
sub goes_by {
    my ($name, $columns, $account, $from, $service) = @_;
    my $to = '+614915' . $number++;
    my $org = $node->make_org(%$columns);
    my $id = $node->enqueue($org, $to, $name);
    $node->wait_for_status($id, 'sent', undef, name => "$name: it is sent");
    my ($sent, @more) = $fake->ledger(to => $to);
    is_deeply([ map { $_ // '' } @$sent{qw(account from messaging_service_sid)} ], [ $account, $from, $service ], "$name: account, number, service");
    like($sent->{status_callback}, qr/^\Q$public_url\E\?org=$org&message=$id&attempt=1(#|$)/, "$name: its StatusCallback");
    is_deeply(\@more, [], "$name: once");
    return;
}

write_token_file();
set('coach_sms.twilio_account_sid' => $fake->account, 'coach_sms.twilio_auth_token_file' => $token_file);
$node->go_live;
my @number = (twilio_phone_number => '+61491570156');

goes_by('nothing of its own',       { %no_account, twilio_phone_number => undef }, $fake->account, '+61491570157', '');
goes_by('a number of its own',      { %no_account, @number },                      $fake->account, '+61491570156', '');
goes_by('an account of its own',    { %own, twilio_phone_number => undef },        $own_account,   '+61491570157', '');
goes_by('both of its own',          { %own, @number },                             $own_account,   '+61491570156', '');
goes_by('its service goes before its number', { %own, @number, twilio_messaging_service_sid => $org_service }, $own_account, '', $org_service);
goes_by('its service alone',        { %own, twilio_phone_number => undef, twilio_messaging_service_sid => $org_service }, $own_account, '', $org_service);

# With a Messaging Service of the server.
set('coach_sms.twilio_messaging_service_sid' => $server_service);
$node->wait_for_status($node->enqueue($node->make_org, '+61491570190', 'after the reload'), 'sent');
goes_by('the server\'s service goes before its number', { %no_account, twilio_phone_number => undef }, $fake->account, '', $server_service);
goes_by('the org\'s number goes before the server\'s service', { %no_account, @number }, $fake->account, '+61491570156', '');

# A token file that cannot be read: what needs it waits, what does not goes on; mended, all go.
my $mark = log_mark($node);
chmod 0644, $token_file;
my $waits = $node->make_org(%no_account);
my $id = $node->enqueue($waits, '+61491570180', 'waits');
wait_for_log_line($node, $mark, qr/no Twilio token for an org: file "\Q$token_file\E" is open to others/, 'a token file open to others: the log says so');
like(log_since($node, $mark), qr/Set its mode to 0600, with chmod/, 'and what to do');
$node->wait_for_status($id, 'queued', undef, name => 'its message waits');
goes_by('meanwhile, a token of its own', { %own, @number }, $own_account, '+61491570156', '');
is($node->safe_psql('postgres', "SELECT status, attempt_count FROM sms_messages WHERE id = '$id'"), 'queued|0', 'the other still waits, and paid nothing for it');
unlink $token_file;
my $mark_gone = log_mark($node);
$node->safe_psql('postgres', 'SELECT sms_wake_sender()');
wait_for_log_line($node, $mark_gone, qr/no Twilio token for an org: could not \w+ file "\Q$token_file\E": No such file or directory/, 'gone: the log says that too');
is($fake->requests(to => '+61491570180'), 0, 'and nothing was asked of Twilio');
write_token_file();
$node->safe_psql('postgres', 'SELECT sms_wake_sender()');
$node->wait_for_status($id, 'sent', undef, name => 'mended: it is sent');
is($fake->count(to => '+61491570180'), 1, 'once');
is(($fake->ledger(to => '+61491570180'))[0]{account}, $fake->account, 'by the server\'s account');
my $token = $fake->token;
unlike(log_since($node, 0), qr/\Q$token\E|\Q$own_token\E/, 'the log has no token');
is_deeply([ $fake->duplicates ], [], 'nothing went twice');

done_testing();
