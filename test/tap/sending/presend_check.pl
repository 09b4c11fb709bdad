# What is committed between the claim and the first byte still counts: the sender looks once more, with a fresh snapshot.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake();
my $node = new_server('main', fake => $fake, conf => short_times());
$node->go_live;
my $number = 70100;

# Freezes the sender with a message of $org claimed, runs $change (SQL, or code), lets it go on. Returns the id and the number.
sub while_claimed {
    my ($org, $name, $change, %more) = @_;
    my $to = '+614915' . $number++;
    arm($node, 'after-claim=stop@1');
    my $id = $node->enqueue($org, $to, $name, %more);
    my $pid = wait_frozen($node);
    is(state_of($id), 'sending|', "$name: it is claimed");
    is($fake->requests(to => $to), 0, "$name: and nothing of it has left");
    disarm($node);
    ref $change ? $change->($id) : $node->safe_psql('postgres', $change =~ s/:to\b/sql_quote($to)/er);
    kill CONT => $pid;
    return ($id, $to);
}

sub state_of { my ($id) = @_; return $node->safe_psql('postgres', "SELECT status, error_code FROM sms_messages WHERE id = '$id'"); }

# A later message of another org went out and came back: whatever the sender does with the one before, it has done.
sub asks_nothing {
    my ($name, $to) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $node->wait_for_status($node->enqueue($node->make_org, '+61491570006', "after: $name"), 'sent', undef, name => "$name: the next one goes");
    return is($fake->requests(to => $to), 0, "$name: Twilio saw no request for it");
}

my $org = $node->make_org;
my ($id, $to) = while_claimed($org, 'opted out', "SELECT sms_opt_out('$org', :to)");
$node->wait_for_sql("SELECT status, error_code FROM sms_messages WHERE id = '$id'", 'cancelled|opted_out', undef, name => 'opted out: it is cancelled');
asks_nothing('opted out', $to);

# Written in another form, by hand, into the table.
($id, $to) = while_claimed($org, 'suppressed', "INSERT INTO sms_suppression (org_id, phone, reason) VALUES ('$org', replace(:to, '+61', '0'), 'manual')");
$node->wait_for_sql("SELECT status, error_code FROM sms_messages WHERE id = '$id'", 'cancelled|opted_out', undef, name => 'suppressed: it is cancelled');
asks_nothing('suppressed', $to);

my $expires = $node->safe_psql('postgres', q{SELECT now() + interval '3 seconds' * } . ($ENV{COACH_SMS_SLOW} || 1));
($id, $to) = while_claimed($org, 'expired',
    sub { $node->wait_for_sql("SELECT expires_at < clock_timestamp() FROM sms_messages WHERE id = '$_[0]'", 't', undef, name => 'expired: its time passes') },
    expires_at => $expires);
$node->wait_for_sql("SELECT status, error_code FROM sms_messages WHERE id = '$id'", 'cancelled|expired', undef, name => 'expired: it is cancelled');
asks_nothing('expired', $to);

for my $case (
    [ 'org paused',    "SELECT sms_pause('%s')",                                  "SELECT sms_resume('%s')" ],
    [ 'org disabled',  "UPDATE sms_settings SET enabled = false WHERE org_id = '%s'", "UPDATE sms_settings SET enabled = true WHERE org_id = '%s'" ],
    [ 'server paused', 'SELECT sms_pause()',                                      'SELECT sms_resume()' ],
) {
    my ($name, $before, $after) = @$case;
    my $held = $node->make_org;
    ($id, $to) = while_claimed($held, $name, sprintf $before, $held);
    $node->wait_for_sql("SELECT status, attempt_count FROM sms_messages WHERE id = '$id'", 'queued|0', undef, name => "$name: it waits again");
    is($node->safe_psql('postgres', "SELECT (SELECT count(*) FROM coach_sms_internal.sms_queue WHERE message_id = '$id'), (SELECT count(*) FROM coach_sms_internal.sms_in_flight)"),
        '1|0', "$name: in the queue");
    $name eq 'server paused' ? is($fake->requests(to => $to), 0, "$name: Twilio saw no request for it") : asks_nothing($name, $to);
    $node->safe_psql('postgres', sprintf $after, $held);
    $node->wait_for_status($id, 'sent', undef, name => "$name: once it may, it goes");
    is($fake->count(to => $to), 1, "$name: Twilio took it once");
}

# Handed over is handed over: sms_cancel says so, and a plain UPDATE does not get through.
my ($answer, $error);
($id, $to) = while_claimed($org, 'too late', sub {
    $answer = $node->safe_psql('postgres', "SELECT sms_cancel('$_[0]')");
    (undef, undef, $error) = $node->psql('postgres', "UPDATE sms_messages SET status = 'cancelled' WHERE id = '$_[0]'");
});
is($answer, 'f', 'too late: sms_cancel says that it did not');
like($error, qr/status of message \S+ cannot be changed from sending to cancelled/, 'too late: nor does an UPDATE');
$node->wait_for_status($id, 'sent', undef, name => 'too late: it is sent');
is($fake->count(to => $to), 1, 'too late: once');
is_deeply([ $fake->duplicates ], [], 'nothing went twice');

done_testing();
