# Stops of the server: an immediate one with 50 requests in flight and 1,000 messages waiting, and a fast one,
# which waits for the answers.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake();
my $node = new_server('main', fake => $fake,
    conf => short_times(request_timeout => 4000, max_in_flight => 50, max_in_flight_per_account => 50));
$node->go_live;
my $org = $node->make_org;

sub enqueue_many {
    my ($first, $last) = @_;
    $node->safe_psql('postgres', "SELECT count(sms_enqueue('$org', to_phone => '+614915' || 80000 + n, body => 'Number ' || n))
                                    FROM generate_series($first, $last) n");
    return;
}

sub statuses {
    return $node->safe_psql('postgres',
        "SELECT string_agg(status || ' ' || number, ', ' ORDER BY status) FROM (SELECT status, count(*) AS number FROM sms_messages GROUP BY 1) s");
}

# Half of those in flight are taken, half are not; neither gets an answer.
$fake->post('default', marker => 'stall');
enqueue_many(1, 25);
$fake->wait_for(accepted => 25, open => 25);
$fake->post('default', marker => 'stall-before');
enqueue_many(26, 1050);
$fake->wait_for(open => 50);
$fake->post('list-fault', marker => 'status=503');    # nothing is found out before the test allows it
is(statuses(), 'queued 1000, sending 50', '1,000 wait, 50 are in flight');

$node->stop('immediate');
$fake->post('default', marker => '');
is($fake->count, 25, 'Twilio took 25');
$node->start;


is($node->safe_psql('postgres', 'SELECT count(*) FROM sms_messages'), 1050, 'all messages are still there');
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status = 'sent'", '1000',
    undef, name => 'those that waited are sent, without an operator');
is(statuses(), 'sent 1000, unknown 50', 'those that were in flight are unknown');
is($fake->count, 1025, 'and none of these was sent again');

$fake->post('list-fault', marker => '');
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status = 'sent'", '1050',
    undef, name => 'the unknown ones are found out about');
is($fake->count, 1050, 'Twilio took all');
is_deeply([ $fake->duplicates ], [], 'and none twice');
is( $node->safe_psql('postgres', "SELECT status, count(*) FROM sms_attempts GROUP BY 1 ORDER BY 1"),
    "success|1050\nunknown|25", 'each request is written down');
is( $node->safe_psql('postgres', 'SELECT count(DISTINCT provider_message_id) FROM sms_messages'), 1050, 'each message has its own SID');
is( $node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM coach_sms_internal.sms_queue), (SELECT count(*) FROM coach_sms_internal.sms_in_flight)'), '0|0', 'nothing is left over');

# A fast stop: what is in flight is answered and recorded, what was not started goes back into the queue.
$fake->post('default', marker => 'accept-then-delay=1000');
enqueue_many(1051, 1150);
$fake->wait_for(accepted => 1051, open => 1);
$node->stop('fast');
$fake->post('default', marker => '');
my $taken = $fake->count;
$node->start;
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status = 'sent'", '1150', undef, name => 'after a fast stop all are sent');
cmp_ok($taken, '<', 1150, 'it came while some still waited');
is($fake->count, 1150, 'Twilio took all');
is_deeply([ $fake->duplicates ], [], 'and none twice');
is($node->safe_psql('postgres', "SELECT count(*) FROM sms_attempts WHERE status = 'unknown'"), 25, 'no more of them were in doubt');

done_testing();
