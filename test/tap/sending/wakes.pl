# Whatever makes a message due wakes the sender at its commit: polling is an hour apart, and no case begins before the sender sleeps.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake();
my $node = new_server('main', fake => $fake, conf => "coach_sms.poll_interval = '1h'\nmax_prepared_transactions = 5");
$node->go_live;
my $org = $node->make_org;
my ($accepted, $to) = (0, '+61491570110');

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql); }

# Neither polling nor the sweeps of a busy sender will find anything meanwhile. (Once a minute it wakes for bookings, and looks for nothing else.)
sub sleeps {
    my ($name) = @_;
    return $node->wait_for_sql("SELECT next_wake_at > clock_timestamp() + interval '20 seconds' FROM sms_worker_stat", 't', undef,
        name => "$name: the sender sleeps");
}

sub arrives {
    my ($name, $do, $messages) = @_;
    sleeps($name);
    $do->();
    $accepted += $messages // 1;
    ok($fake->get('wait', accepted => $accepted, deadline_ms => 5000 * ($ENV{COACH_SMS_SLOW} || 1))->{reached}, "$name: it arrives at once");
    return;
}

arrives('sms_enqueue', sub { $node->enqueue($org, $to, 'sms_enqueue') });
arrives('INSERT', sub { sql("INSERT INTO sms_messages (org_id, to_phone, body) VALUES ('$org', '$to', 'INSERT')") });
arrives('COPY', sub { sql("COPY sms_messages (org_id, to_phone, body) FROM stdin;\n$org\t$to\tCOPY one\n$org\t$to\tCOPY two\n\\.\n") }, 2);
arrives('sms_enqueue_batch', sub { sql(qq{SELECT sms_enqueue_batch('[{"org_id": "$org", "to_phone": "$to", "body": "batch"}]')}) });
arrives('insert_sms_from_service', sub { sql("SELECT insert_sms_from_service('$org', NULL, '$to', NULL, NULL, 'service')") });

# More orgs than one commit can name to the sender: it looks for itself.
my @orgs = split /\n/, sql("INSERT INTO sms_settings (org_id, twilio_phone_number, twilio_account_sid, twilio_auth_token_encrypted, quiet_hours_start, quiet_hours_end)
    SELECT gen_random_uuid(), '+61491570156', '" . $fake->account . "', '" . $fake->token . "', 0, 0 FROM generate_series(1, 300) RETURNING org_id");
arrives('many orgs', sub { sql("SELECT sms_enqueue(org_id, to_phone => '$to', body => 'to many ' || org_id) FROM sms_settings WHERE org_id <> '$org'") }, scalar @orgs);

my $later = $node->enqueue($org, $to, 'later', scheduled_for => sql(q{SELECT now() + interval '1 day'}));
arrives('sms_reschedule', sub { sql("SELECT sms_reschedule('$later', NULL)") });
my $cancelled = $node->enqueue($org, $to, 'again', scheduled_for => sql(q{SELECT now() + interval '1 day'}));
is(sql("SELECT sms_cancel('$cancelled')"), 't', 'one is cancelled');
arrives('sms_retry', sub { sql("SELECT sms_retry('$cancelled')") });

sql("BEGIN; SELECT sms_enqueue('$org', to_phone => '$to', body => 'prepared'); PREPARE TRANSACTION 'later'");
arrives('COMMIT PREPARED', sub { sql("COMMIT PREPARED 'later'") });

# One that noted nothing of ours wakes nobody and keeps nothing back, one with an opt-out keeps that person's message back; both
# commit between the pre-send check and the first byte.
sub commits_before_it_leaves {
    my ($phone, $prepared) = @_;
    sql("BEGIN; $prepared; PREPARE TRANSACTION 'now'");
    my $claimed = sql('SELECT claimed FROM sms_worker_stat');
    arm($node, 'before-connect=wait');
    my $id = $node->enqueue($org, $phone, 'about to leave');
    $node->wait_for_sql('SELECT claimed FROM sms_worker_stat', $claimed + 1, undef, name => 'it is claimed');
    sql("COMMIT PREPARED 'now'");
    disarm($node);
    return ($id, $claimed + 1);
}
my ($leaves, $once) = commits_before_it_leaves($to, 'CREATE TABLE of_another_application (n integer)');
$node->wait_for_status($leaves, 'sent');
is(sql('SELECT claimed FROM sms_worker_stat'), $once, "another application's COMMIT PREPARED keeps nothing back");
$accepted++;
my ($stays) = commits_before_it_leaves('+61491570112', "SELECT sms_opt_out('$org', '+61491570112')");
$node->wait_for_status($stays, 'cancelled');
is($fake->count(to => '+61491570112'), 0, 'that of an opt-out does');

# For its time the sender wakes by itself, and not before.
my $due;
arrives('scheduled', sub {
    $due = sql(q{SELECT now() + interval '2 seconds'});
    $node->enqueue($org, '+61491570111', 'scheduled', scheduled_for => $due);
});
my ($scheduled) = $fake->requests(to => '+61491570111');
cmp_ok($scheduled->{received_at} / 1e6, '>=', sql("SELECT extract(epoch FROM timestamptz '$due')"), 'scheduled: and not before its time');

# What is held back is looked at again after a minute, even without a signal; the last message before shows that it is held by now.
for my $case (
    [ 'an org resumed', "SELECT sms_pause('%s')", "SELECT sms_resume('%s')" ],
    [ 'a pause taken back by UPDATE', "UPDATE sms_settings SET paused_until = 'infinity' WHERE org_id = '%s'", "UPDATE sms_settings SET paused_until = NULL WHERE org_id = '%s'" ],
    [ 'an org enabled', '', "UPDATE sms_settings SET enabled = true WHERE org_id = '%s'" ],
) {
    my ($name, $before, $after) = @$case;
    my $held = $node->make_org;
    sleeps($name);
    # One that is disabled takes no new messages: it is disabled behind the message's back, in one transaction.
    sql('BEGIN; ' . sprintf($before, $held) . "; SELECT sms_enqueue('$held', to_phone => '$to', body => '$name'); "
          . ($before eq '' ? "UPDATE sms_settings SET enabled = false WHERE org_id = '$held'; " : '') . 'COMMIT');
    $node->enqueue($org, $to, "before: $name");
    ok($fake->wait_accepted(++$accepted), "$name: another org's goes");
    is($fake->count(body => $name), 0, "$name: until then it waits");
    sql(sprintf $after, $held);
    ok($fake->get('wait', accepted => ++$accepted, deadline_ms => 5000 * ($ENV{COACH_SMS_SLOW} || 1))->{reached}, "$name: it arrives at once");
}

# The whole server: nothing else can go meanwhile.
sleeps('the server resumed');
sql('SELECT sms_pause()');
my $claimed = sql('SELECT claimed FROM sms_worker_stat');
my $id = $node->enqueue($org, $to, 'the server resumed');
$node->wait_for_sql("SELECT claimed > $claimed, status FROM sms_worker_stat, sms_messages WHERE id = '$id'", 't|queued', undef,
    name => 'the server resumed: the sender has seen that it must wait');
is($fake->count(body => 'the server resumed'), 0, 'the server resumed: until then it waits');
sql('SELECT sms_resume()');
ok($fake->get('wait', accepted => ++$accepted, deadline_ms => 5000 * ($ENV{COACH_SMS_SLOW} || 1))->{reached}, 'the server resumed: it arrives at once');

$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status NOT IN ('sent', 'delivered')", '2', undef, name => 'all are sent but the two that were cancelled');
is_deeply([ $fake->duplicates ], [], 'and none twice');

done_testing();
