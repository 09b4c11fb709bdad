# What must delay no more than itself: a row that an application keeps locked, a sender that is terminated, a step
# that fails.
use strict;
use warnings;
use IPC::Run ();
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake();
my $node = new_server('main', fake => $fake, conf => 'coach_sms.poll_interval = 200ms');
$node->go_live;
my $org = $node->make_org;

# An application's session that is idle in a transaction, with the message locked; finish() lets it go.
sub lock_message {
    my ($id) = @_;
    my ($in, $out) = ("BEGIN;\nSELECT 'locked' FROM sms_messages WHERE id = '$id' FOR UPDATE;\n", '');
    my $session = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres') ],
        '<', \$in, '>', \$out, IPC::Run::timeout(120));
    $session->pump until $out =~ /locked/;
    return { session => $session, in => \$in };
}

sub unlock {
    my ($lock) = @_;
    ${ $lock->{in} } .= "ROLLBACK;\n";
    $lock->{session}->finish;
    return;
}

sub status { my ($id) = @_; return $node->safe_psql('postgres', "SELECT status FROM sms_messages WHERE id = '$id'"); }

# Locked before it is claimed.
my $soon = $node->safe_psql('postgres', "SELECT now() + interval '2 seconds'");
my ($locked, @others) = map { $node->enqueue($org, "+6149157011$_", "Early $_", scheduled_for => $soon) } 0 .. 5;
my $lock = lock_message($locked);
is(status($locked), 'pending', 'it is locked before it is due');
$node->wait_for_status($_, 'sent') for @others;
isnt(status($locked), 'sent', 'the locked message waits, the others are sent');
unlock($lock);
$node->wait_for_status($locked, 'sent');

# Locked while its answer comes back.
my ($asked, @also) = map { $node->enqueue($org, "+6149157012$_", "Late $_ [fake:accept-then-delay=1000]") } 0 .. 5;
$fake->wait_accepted(12);
$lock = lock_message($asked);
$node->wait_for_status($_, 'sent') for @also;
is(status($asked), 'sending', 'the answer to the locked message waits, those to the others are recorded');
my $after = $node->enqueue($org, '+61491570129', 'After');
$node->wait_for_status($after, 'sent');
is(status($asked), 'sending', 'and others go on meanwhile');
# Nor does it hold them up once a record has failed, for whatever reason, and results go one by one.
arm($node, 'after-answer=error@1');
$node->wait_for_status($node->enqueue($org, "+6149157012$_", 'After an error'), 'sent') for 6 .. 8;
disarm($node);
is(status($asked), 'sending', 'nor is it in the way after an error');
unlock($lock);
$node->wait_for_status($asked, 'sent');
is($fake->count, 16, 'Twilio took each once');

# pg_terminate_backend: what is in flight is awaited and recorded, and another sender comes.
my $many = 40;
for my $round (1 .. 5) {
    my $pid = $node->sender_pid;
    $node->safe_psql('postgres', "SELECT count(sms_enqueue('$org', to_phone => '+614915' || 80000 + $round * 100 + n,
                                      body => format('Round $round, %s [fake:delay=300]', n))) FROM generate_series(1, $many) n");
    $fake->wait_for(open => 1);
    is($node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)"), 't', "round $round: the sender gets SIGTERM");
    $node->wait_for_sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'coach_sms sender' AND pid <> $pid", '1', undef,
        name => "round $round: another one comes");
    $node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status = 'sent'", 16 + $round * $many, undef, name => "round $round: all are sent");
}
is($fake->count, 16 + 5 * $many, 'Twilio took each');
is_deeply([ $fake->duplicates ], [], 'and none twice');
is($node->safe_psql('postgres', "SELECT count(*) FROM sms_attempts WHERE status <> 'success'"), 0, 'none was in doubt');

# A step that fails is tried again, later and later, by the same process; then all goes on.
my $sender = $node->sender_pid;
arm($node, 'after-claim=error');
my $claimed = $node->enqueue($org, '+61491570130', 'Claimed');
$node->wait_for_sql('SELECT last_error FROM coach_sms_internal.sms_worker_state()', 'failpoint "after-claim"', undef, name => 'the error is shown');
is($fake->count(to => '+61491570130'), 0, 'nothing has left');
disarm($node);
$node->wait_for_status($claimed, 'sent');

arm($node, 'after-answer=error@1');
my $answered = $node->enqueue($org, '+61491570131', 'Answered');
$node->wait_for_sql('SELECT last_error FROM coach_sms_internal.sms_worker_state()', 'failpoint "after-answer"', undef, name => 'the next error is shown');
$node->wait_for_status($answered, 'sent');
is($fake->count(to => "+6149157013$_"), 1, 'Twilio took it once') for 0, 1;

# Nothing is done as an owner that somebody made a superuser.
$node->safe_psql('postgres', 'ALTER ROLE coach_sms_owner SUPERUSER');
$node->safe_psql('postgres', "INSERT INTO sms_messages (org_id, to_phone, body) VALUES ('$org', '+61491570132', 'Refused')");
$node->wait_for_sql('SELECT last_error FROM coach_sms_internal.sms_worker_state()', 'role "coach_sms_owner" is a superuser', undef, name => 'a superuser is no owner');
$node->safe_psql('postgres', 'ALTER ROLE coach_sms_owner NOSUPERUSER');
$node->wait_for_sql("SELECT status FROM sms_messages WHERE to_phone = '+61491570132'", 'sent');
is($node->sender_pid, $sender, 'the sender is the same process');
is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM coach_sms_internal.sms_queue), (SELECT count(*) FROM coach_sms_internal.sms_in_flight)'), '0|0', 'nothing is left over');

done_testing();
