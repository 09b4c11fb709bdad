# What a person can put right ends no message: a SID that can be none, and no sender at all, hold the org's messages until it is corrected.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Fake;
use CoachSms::Rules;

my $fake = start_fake(https => 0, callbacks => 'off');
my $node = new_server('main', fake => $fake, conf => "coach_sms.twilio_phone_number = ''\ncoach_sms.twilio_messaging_service_sid = ''\n");
$node->go_live;

my $number = 70100;
sub set { my ($org, $set) = @_; return $node->safe_psql('postgres', "UPDATE sms_settings SET $set WHERE org_id = '$org'"); }

# Waits until the sender has looked at the message and put it back.
sub waits {
    my ($id, $name) = @_;
    settle($node);
    is($node->safe_psql('postgres', "SELECT status, attempt_count, error_code IS NULL FROM sms_messages WHERE id = '$id'"), 'queued|0|t', "$name: it waits, and no attempt is used");
    return;
}

my ($good_account, $good_service) = ($fake->account, 'MG' . '1a' x 16);
my %columns = (twilio_account_sid => $good_account, twilio_auth_token_encrypted => $fake->token, twilio_phone_number => '+61491570156');
for my $case (
    [ 'the guide\'s own SID', "twilio_account_sid = 'AC...'", "twilio_account_sid = '$good_account'" ],
    [ 'a SID cut short', "twilio_account_sid = left('$good_account', 33)", "twilio_account_sid = ' $good_account'" ],
    [ 'an account in place of a service', "twilio_messaging_service_sid = '$good_account'", "twilio_messaging_service_sid = '$good_service'" ],
    [ 'no sender at all', 'twilio_phone_number = NULL', "twilio_phone_number = '0491 570 156'" ],
  ) {
    my ($name, $bad, $good) = @$case;
    my $org = $node->make_org(%columns);
    my $to = '+614915' . $number++;
    $node->safe_psql('postgres', "BEGIN; SELECT sms_enqueue('$org', to_phone => '$to', body => 'text'); UPDATE sms_settings SET $bad WHERE org_id = '$org'; COMMIT");
    my $id = $node->safe_psql('postgres', "SELECT id FROM sms_messages WHERE org_id = '$org'");
    waits($id, $name);
    is($fake->requests(to => $to), 0, "$name: nothing was asked of Twilio");
    my $problems = $node->safe_psql('postgres', "SELECT count(*) FROM sms_doctor() WHERE check_name IN ('sids', 'senders') AND problem LIKE '%$org%'");
    is($problems, 1, "$name: sms_doctor() shows it");
    set($org, $good);
    $node->wait_for_status($id, 'sent', undef, name => "$name: corrected, it is sent");
}

# A message that brings its own sender waits for nobody's.
my $org = $node->make_org(%columns);
$node->safe_psql('postgres', "BEGIN; SELECT sms_enqueue('$org', to_phone => '+61491570199', body => 'needs the org''s');
  INSERT INTO sms_messages (org_id, to_phone, from_phone, body) VALUES ('$org', '+61491570198', '0491 570 157', 'brings its own');
  UPDATE sms_settings SET twilio_phone_number = NULL WHERE org_id = '$org'; COMMIT");
$node->wait_for_sql("SELECT status FROM sms_messages WHERE body = 'brings its own'", 'sent', undef, name => 'a message that brings its own sender goes');
is(($fake->ledger(to => '+61491570198'))[0]{from}, '+61491570157', 'from that');
is($node->safe_psql('postgres', "SELECT status, attempt_count FROM sms_messages WHERE org_id = '$org' AND from_phone IS NULL"), 'queued|0', 'the other waits');
is_deeply([ $fake->duplicates ], [], 'nothing went twice');

done_testing();
