# A hot standby sends nothing. Promoted, it goes on where the primary fell if it has the key and the live file, and else not.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Wait qw(deadline);

my $fake = start_fake();
my $primary = new_server('primary', fake => $fake, init => { allows_streaming => 1 },
    conf => "coach_sms.max_in_flight = 4\nmax_prepared_transactions = 4\n" . short_times(request_timeout => 6000 * deadline(1), lease_duration => 12000 * deadline(1)));
$primary->go_live;
my $org = $primary->make_org;

sub make_standby {
    my ($name) = @_;
    my $node = PostgreSQL::Test::Cluster->new($name);
    $node->init_from_backup($primary, 'base', has_streaming => 1);
    $node->CoachSms::Cluster::adopt($fake);
    $node->configure(short_times());
    return $node;
}

$primary->backup('base');
my $heir = make_standby('heir');
my $bare = make_standby('bare');
$primary->copy_secrets_to($heir);
$_->start for $heir, $bare;

# Two requests that Twilio took and two that it did not, none of them answered; three more wait.

$fake->post('default', marker => 'stall');
$primary->enqueue($org, "+6149157011$_", "taken $_") for 0 .. 1;
$fake->wait_accepted(2);
$fake->post('default', marker => 'stall-before');
$primary->enqueue($org, "+6149157011$_", "not taken $_") for 2 .. 3;
$fake->wait_for(open => 4);
$primary->enqueue($org, "+6149157011$_", "waits $_") for 4 .. 6;
$primary->safe_psql('postgres', "BEGIN; SELECT sms_enqueue('$org', to_phone => '+61491570119', body => 'prepared'); PREPARE TRANSACTION 'prepared'");
$primary->wait_for_catchup($_) for $heir, $bare;

for my $node ($heir, $bare) {
    my $name = $node->name;
    is($node->safe_psql('postgres', 'SELECT count(*) FROM coach_sms_internal.sms_queue'), '3', "$name has what waits");
    is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'coach_sms%'"), '0', 'and no process of ours');
    is($node->safe_psql('postgres', 'SELECT ok, problem FROM sms_health'), 't|', 'sms_health is content with a standby');
    is($node->safe_psql('postgres', "SELECT string_agg(check_name, ',') FROM sms_doctor() WHERE NOT ok AND check_name IN ('preloaded', 'launcher', 'sender', 'version', 'queue')"),
        '', 'sms_doctor too');
}
is($heir->safe_psql('postgres', "SELECT ok FROM sms_doctor() WHERE check_name = 'key_file'"), 't', 'a standby with the key says so');
is($bare->safe_psql('postgres', "SELECT ok, problem LIKE '%could not open%' FROM sms_doctor() WHERE check_name = 'key_file'"), 'f|t', 'and one without it, before it is promoted');
my ($status, undef, $error) = $heir->psql('postgres', "SELECT sms_enqueue('$org', to_phone => '+61491570006', body => 'no')");
like($error, qr/read-only transaction|during recovery/, 'nothing can be enqueued there');
is($fake->get('counters')->{requests}, 4, 'no standby has sent anything');

# The primary is gone.

$primary->stop('immediate');
$fake->post('default', marker => '');
$bare->promote;
$bare->wait_for_sql('SELECT sender_state FROM sms_health', 'not armed', undef, name => 'promoted without the live file it is not armed');
like($bare->safe_psql('postgres', 'SELECT problem FROM sms_health'), qr/this server is not armed for this database, and sends nothing: could not open file/, 'and says why');
is($fake->get('counters')->{requests}, 4, 'and sends nothing');

$heir->promote;
$heir->wait_for_sql("SELECT count(*) FROM sms_messages WHERE body LIKE 'waits%' AND status = 'sent'", '3', undef, name => 'promoted with it, what waited is sent');
$heir->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status = 'sent'", '7', undef, name => 'and what was under way is found out');
is($fake->count, 7, 'Twilio took seven');
is_deeply([ $fake->duplicates ], [], 'each once');
is( $heir->safe_psql('postgres', "SELECT split_part(body, ' ', 1), string_agg(status, ',' ORDER BY status) FROM (
        SELECT DISTINCT m.body, a.status FROM sms_messages m JOIN sms_attempts a ON a.message_id = m.id) x GROUP BY 1 ORDER BY 1"),
    "not|success,success,unknown,unknown\ntaken|success,success\nwaits|success,success,success", 'those that Twilio had not taken went again');
is($heir->safe_psql('postgres', 'SELECT mode, ok FROM sms_health'), 'live|t', 'it is live');
is($bare->safe_psql('postgres', "SELECT count(*) FROM sms_messages WHERE status = 'sent'"), '0', 'the other one has still sent nothing');

# Of what was prepared on the primary, this server's memory knows nothing; its commit wakes the sender all the same.
$heir->append_conf('postgresql.conf', "coach_sms.poll_interval = '1h'");
$heir->reload;
$heir->wait_for_sql('SHOW coach_sms.poll_interval', '1h');
$heir->safe_psql('postgres', "COMMIT PREPARED 'prepared'");
$heir->wait_for_sql("SELECT status FROM sms_messages WHERE body = 'prepared'", 'sent');

done_testing();
