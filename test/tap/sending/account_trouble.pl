# Answers that concern the account and not the message: 429 is waited for, bad credentials open the account's circuit.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my ($other_account, $other_token) = ('AC' . '0b' x 16, 'beef' x 8);
my $fake = start_fake(args => [ '--account', $other_account, '--token', $other_token ]);
# One attempt only: whatever consumes one fails the message.
my $node = new_server('main', fake => $fake, conf => short_times(max_attempts => 1));
$node->go_live;
my $org = $node->make_org;
my $other = $node->make_org(twilio_account_sid => $other_account, twilio_auth_token_encrypted => 'wrong' x 8);

# Seconds between the request that was refused and the one that was taken, as the fake saw them.
sub seconds_between {
    my ($to) = @_;
    my @requests = $fake->requests(to => $to);
    is(join(' ', map { $_->{status} } @requests), '429 201', 'asked once, refused, asked again and taken');
    return ($requests[-1]{received_at} - $requests[0]{received_at}) / 1e6;
}

for my $case ([ 'seconds', 'retry-after=2', 2.0 ], [ 'a date', 'retry-after=date:3', 2.0 ]) {
    my ($name, $marker, $least) = @$case;
    my $to = $name eq 'seconds' ? '+61491570110' : '+61491570111';
    my $id = $node->enqueue($org, $to, "429 [fake:status=429 times=1 $marker]");
    $node->wait_for_status($id, 'sent', undef, name => "429 with Retry-After in $name: it is sent");
    cmp_ok(seconds_between($to), '>=', $least, 'not before the time that Twilio asked for');
    is($fake->count(to => $to), 1, 'Twilio took it once');
    is($node->safe_psql('postgres', "SELECT string_agg(status || coalesce(' ' || error_code, ''), ', ' ORDER BY attempt_number)
                                       FROM sms_attempts WHERE message_id = '$id'"),
        'transient_error 20429, success', 'the refusal is written down, and used up no attempt');
}

# Another org's token is wrong: its messages wait, hardly any of them is tried, and this org's go on.
$node->safe_psql('postgres', "SELECT count(sms_enqueue('$other', to_phone => '+614915' || 71000 + n, body => 'Other ' || n)) FROM generate_series(1, 200) n");
$node->wait_for_sql("SELECT count(*) > 0 FROM sms_attempts WHERE org_id = '$other' AND error_code = '20003'", 't', undef,
    name => 'Twilio refuses the other org\'s token');
my @mine = map { $node->enqueue($org, "+6149157012$_", "Mine $_") } 0 .. 4;
$node->wait_for_status($_, 'sent') for @mine;
is($node->safe_psql('postgres', "SELECT count(*) FROM sms_messages WHERE org_id = '$other' AND status = 'queued'"), 200, 'the other org\'s wait');
cmp_ok(scalar(grep { $_->{status} == 401 } $fake->requests), '<=', 110, 'those in flight were refused, the others were not tried');
like($node->safe_psql('postgres', 'SELECT last_error FROM coach_sms_internal.sms_worker_state()'), qr/credentials/, 'the view says so');
like(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/Twilio refuses an account's credentials: error 20003/, 'and so does the log');

$node->safe_psql('postgres', "UPDATE sms_settings SET twilio_auth_token_encrypted = '$other_token' WHERE org_id = '$other'");
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE org_id = '$other' AND status = 'sent'", '200', undef, name => 'with the right token all are sent');
is($fake->count(contains => 'Other'), 200, 'Twilio took them');
is_deeply([ $fake->duplicates ], [], 'and none twice');
is($node->safe_psql('postgres', "SELECT count(*) FROM sms_messages WHERE status <> 'sent'"), 0, 'nobody paid for it with a message');

done_testing();
