# The sender is killed (-9) at every failpoint of the source, and frozen there until the lease is over: each text arrives
# once, and its message has that SID.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

# In the order of a request, after the place that the search for any unknown message passes.
#   fault      by which the answer is lost, so that Twilio's list is searched
#   status     of the message while the sender stands there
#   taken      whether Twilio has accepted it by then
#   attempts   in the end, after a kill there
my @places = (
    { name => 'before-settle-commit', status => 'unknown', taken => 1, attempts => 'success', fault => 'reset-after times=1' },
    { name => 'before-claim-commit',  status => 'queued',  taken => 0, attempts => 'success' },
    { name => 'after-claim',          status => 'sending', taken => 0, attempts => 'unknown,success' },
    { name => 'before-check-commit',  status => 'sending', taken => 0, attempts => 'unknown,success' },
    { name => 'before-connect',       status => 'sending', taken => 0, attempts => 'unknown,success' },
    { name => 'connected',            status => 'sending', taken => 0, attempts => 'unknown,success' },
    { name => 'after-answer',         status => 'sending', taken => 1, attempts => 'success' },
    { name => 'before-record-commit', status => 'sending', taken => 1, attempts => 'success' },
    { name => 'after-record',         status => 'sent',    taken => 1, attempts => 'success' });

my $found = `grep -rhoE 'FAILPOINT\\("[a-z-]+"\\)' src | grep -oE '[a-z]+-?[a-z-]+' | sort -u`;
is_deeply([ split ' ', $found ], [ sort map { $_->{name} } @places ], 'these are all failpoints of the source');

my $fake = start_fake(callbacks => 'off');
# Until all have been killed, no text counts as absent: none goes again, and passes a place that is armed for another. On a
# busy machine an answer may take seconds.
my %times = (connect_timeout => 2000, request_timeout => 4000, reconcile_limit => 600_000);
my $node = new_server('main', fake => $fake, conf => short_times(%times) . "max_worker_processes = 20\n");
$node->go_live;
my %org = (postgres => $node->make_org);
my $numbers = 0;

# Enqueues a text, and returns once the sender stands at the place.
sub stop_at {
    my ($place, $what, $db) = @_;
    my %text = (name => "$what $place->{name}", db => $db, place => $place, to => sprintf('+61491570%03d', 110 + $numbers++));
    $node->sender_pid($db);
    arm($node, "$place->{name}=stop\@1");
    $text{id} = $node->enqueue($org{$db}, $text{to}, $text{name} . ($place->{fault} ? " [fake:$place->{fault}]" : ''), db => $db);
    $text{pid} = wait_frozen($node, $db);
    is($node->safe_psql($db, "SELECT status FROM sms_messages WHERE id = '$text{id}'"), $place->{status},
        "$text{name}: its message is $place->{status}");
    is($fake->count(to => $text{to}), $place->{taken}, "$text{name}: Twilio took " . ($place->{taken} ? 'it' : 'nothing'));
    return \%text;
}

sub judge {
    my ($text, $attempts) = @_;
    my ($name, $to, $id, $db) = @$text{qw(name to id db)};
    $node->wait_for_status($id, 'sent', undef, db => $db, name => "$name: it is sent");
    my @accepted = $fake->ledger(to => $to);
    is(scalar(@accepted), 1, "$name: Twilio took it once");
    is($node->safe_psql($db, "SELECT provider_message_id FROM sms_messages WHERE id = '$id'"), $accepted[0]{sid},
        "$name: its SID is stored");
    my $written = "SELECT string_agg(status, ',' ORDER BY attempt_number) FROM sms_attempts WHERE message_id = '$id'";
    is($node->safe_psql($db, $written), $attempts, "$name: its attempts are written down");
    return;
}

sub nothing_is_left {
    my ($db) = @_;
    $node->wait_for_sql("SELECT (SELECT count(*) FROM coach_sms_internal.sms_queue),
        (SELECT count(*) FROM coach_sms_internal.sms_in_flight)", '0|0', undef, db => $db, name => "nothing is left over in $db");
    return;
}

my @killed;
for my $place (@places) {
    push @killed, my $text = stop_at($place, 'killed', 'postgres');
    disarm($node);
    kill_sender($node, $text->{pid});
    $node->wait_for_status($text->{id}, 'sent', undef, name => "$text->{name}: it goes at once") if $place->{status} eq 'queued';
}
$node->append_conf('postgresql.conf', 'coach_sms.reconcile_limit = 1000');
$node->reload;
judge($_, $_->{place}{attempts}) for @killed;
nothing_is_left('postgres');

# A sender and a database for each place, so that one wait serves all. A frozen sender does not see the next order.
my @frozen;
for my $place (@places) {
    my $db = 'frozen_' . @frozen;
    $node->safe_psql('postgres', "CREATE DATABASE $db");
    $node->create_extension($db);
    $node->go_live($db);
    $org{$db} = $node->make_org(db => $db);
    push @frozen, stop_at($place, 'frozen', $db);
}
my $held = 'SELECT count(*) FROM coach_sms_internal.sms_in_flight WHERE lease_until > clock_timestamp()';
$node->wait_for_sql($held, '0', undef, db => $_->{db}, name => "$_->{name}: no lease holds any longer") for @frozen;
is($fake->count(to => $_->{to}), $_->{place}{taken}, "$_->{name}: nobody else has sent it") for @frozen;
disarm($node);
kill CONT => $_->{pid} for @frozen;
for my $text (@frozen) {
    judge($text, 'success');
    is(scalar(grep { $_->{kind} eq 'create' } $fake->requests(to => $text->{to})), 1, "$text->{name}: one request");
    is($node->sender_pid($text->{db}), $text->{pid}, "$text->{name}: the sender is the same process");
    nothing_is_left($text->{db});
}
is_deeply([ $fake->duplicates ], [], 'nothing went twice');

done_testing();
