# A person whose number has two forms (Mexico's +52 and +521): a STOP by one recalls a message to the other that is claimed
# already, and Twilio's list is searched for both.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $url = 'https://coach.example/hooks/sms';
my $fake = start_fake(args => [ '--inbound-url', $url ]);
my $node = new_server('main', fake => $fake, conf => short_times() . "coach_sms.public_url = '$url'\n");
$node->go_live;
my $org = $node->make_org;
my ($short, $long) = ('+525512345678', '+5215512345678');

# Between the pre-send check and the first byte: only the counters in shared memory show it.
for my $case ([ $short, $long ], [ '+5511987654321', '+551187654321' ]) {
    my ($to, $other) = @$case;
    arm($node, 'before-connect=stop@1');
    my $id = $node->enqueue($org, $to, 'recalled');
    my $pid = wait_frozen($node);
    disarm($node);
    $node->safe_psql('postgres', "SELECT sms_opt_out('$org', '$other')");
    kill CONT => $pid;
    $node->wait_for_sql("SELECT status, error_code FROM sms_messages WHERE id = '$id'", 'cancelled|opted_out', undef, name => "$to: cancelled by a STOP of $other");
    is($fake->requests(to => $to), 0, "$to: Twilio saw no request for it");
    $node->safe_psql('postgres', "SELECT sms_opt_in('$org', '$other')");
}

# Twilio keeps To in the other form, and its answer is lost: the list of that form shows the message.
for my $case ([ $short, $long ], [ $long, $short ]) {
    my ($to, $kept) = @$case;
    my $id = $node->enqueue($org, $to, "kept as $kept [fake:to-as=$kept reset-after]");
    $node->wait_for_status($id, 'sent', undef, name => "$to: found as $kept");
    is($node->safe_psql('postgres', "SELECT to_phone FROM sms_messages WHERE id = '$id'"), $to, "$to: it stays as it was given");
    is($fake->count(to => $kept, body => "kept as $kept [fake:to-as=$kept reset-after]"), 1, "$to: Twilio took it once");
}
is(scalar(my @twice = $fake->duplicates), 0, 'nothing went twice');

# A STOP from the other form than the one that was written to binds, and START from either lifts it.
my $id = $node->enqueue($org, $short, 'hello');
$node->wait_for_status($id, 'sent');
my $later = $node->enqueue($org, $short, 'later', scheduled_for => 'tomorrow');
my $number = $node->safe_psql('postgres', "SELECT twilio_phone_number FROM sms_settings WHERE org_id = '$org'");
$node->relay_callbacks;
$fake->inbound($long, $number, 'STOP');
is(join(' ', $node->relay_callbacks), '200', 'a STOP from the other form is taken');
$node->wait_for_sql("SELECT status, error_code FROM sms_messages WHERE id = '$later'", 'cancelled|opted_out');
is($node->safe_psql('postgres', "SELECT is_phone_suppressed('$org', '$short'), is_phone_suppressed('$org', '$long')"), 't|t', 'and binds both');
$fake->inbound($short, $number, 'START');
$node->relay_callbacks;
is($node->safe_psql('postgres', "SELECT is_phone_suppressed('$org', '$short'), is_phone_suppressed('$org', '$long')"), 'f|f', 'a START lifts it for both');
done_testing();
