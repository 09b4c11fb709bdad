# Sandbox and live: what is enqueued in the one is never sent by the other.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake();
my $node = new_server('main', fake => $fake, conf => short_times());
my $org = $node->make_org;

sub status { my ($id) = @_; return $node->safe_psql('postgres', "SELECT status, error_code, sandbox FROM sms_messages WHERE id = '$id'"); }

# In the sandbox, Twilio's magic numbers give their errors; any other is accepted, and delivered a moment later.

my %magic = ('+15005550001' => 21211, '+15005550002' => 21612, '+15005550003' => 21408, '+15005550004' => 21610, '+15005550009' => 21614);
my %id = map { $_ => $node->enqueue($org, $_, "to $_") } sort keys %magic;
for my $to (sort keys %magic) {
    $node->wait_for_status($id{$to}, 'failed', undef, name => "$to fails");
    is($node->safe_psql('postgres', "SELECT m.error_code, m.error_message <> '', a.status, a.provider, a.response_status FROM sms_messages m
                                       JOIN sms_attempts a ON a.message_id = m.id WHERE m.id = '$id{$to}'"),
        "$magic{$to}|t|permanent_error|sandbox|400", 'with the error of Twilio\'s test credentials');
}
my $from = $node->make_org(twilio_phone_number => '+15005550007');
my $id = $node->enqueue($from, '+61491570006', 'from a number that is not ours');
$node->wait_for_status($id, 'failed');
is(status($id), 'failed|21606|t', 'a magic sender too');
$id = $node->enqueue($org, '+61491570006', 'Hello');
$node->wait_for_status($id, 'delivered');
is($node->safe_psql('postgres', "SELECT sent_at <= delivered_at, provider_message_id ~ '^SM[0-9a-f]{32}\$', segments,
        (SELECT string_agg(event_status || provider, ',') FROM sms_events WHERE message_id = m.id) FROM sms_messages m WHERE id = '$id'"),
    't|t|1|deliveredsandbox', 'it has its times, a SID and its event');
my @bulk = split /\n/, $node->safe_psql('postgres', "SELECT sms_enqueue('$org', to_phone => '+61491570006', body => 'bulk ' || n) FROM generate_series(1, 300) n");
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE body LIKE 'bulk%' AND status = 'delivered'", '300');

# A sender that ends between the two: the delivery is made up for.

$node->safe_psql('postgres', "SELECT sms_enqueue('$org', to_phone => '+61491570006', body => 'cut short ' || n) FROM generate_series(1, 50) n");
$node->wait_for_sql("SELECT count(*) > 0 FROM sms_messages WHERE body LIKE 'cut short%' AND status IN ('sent', 'delivered')", 't');
$node->restart;
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE body LIKE 'cut short%' AND status = 'delivered'", '50');

# Live: what waits from the sandbox is cancelled, and never goes.

my $later = $node->enqueue($org, '+61491570110', 'sandbox, later', scheduled_for => 'tomorrow');
$node->safe_psql('postgres', 'SELECT sms_pause()');
my $paused = $node->enqueue($org, '+61491570111', 'sandbox, paused');
is($node->safe_psql('postgres', 'SELECT * FROM sms_go_live()'), '0|2|0', 'sms_go_live cancels both');
is(status($_), 'cancelled|sandbox|t', 'with the reason') for $later, $paused;
$node->safe_psql('postgres', 'SELECT sms_resume()');
$id = $node->enqueue($org, '+61491570112', 'live');
$node->wait_for_status($id, 'sent');
is(status($id), 'sent||f', 'what is enqueued from then on is live');

# And back: live messages wait, sandbox ones are answered here.

$node->safe_psql('postgres', 'SELECT sms_pause()');
my $waits = $node->enqueue($org, '+61491570113', 'live, waits');
my $tomorrow = $node->enqueue($org, '+61491570114', 'live, tomorrow', scheduled_for => 'tomorrow');
$node->safe_psql('postgres', 'SELECT sms_go_sandbox()');
$node->safe_psql('postgres', 'SELECT sms_resume()');
$id = $node->enqueue($org, '+61491570113', 'sandbox again');
$node->wait_for_status($id, 'delivered');
is(status($waits), 'queued||f', 'a live message waits');
is($node->safe_psql('postgres', 'SELECT count(*) FROM coach_sms_internal.sms_queue'), '0', 'outside the queue');
is($node->safe_psql('postgres', "SELECT sms_cancel('$tomorrow')"), 't', 'it can be cancelled meanwhile');
is($fake->count, 1, 'Twilio has got nothing in between');
is($node->safe_psql('postgres', 'SELECT queued FROM sms_go_live()'), '1', 'the next sms_go_live queues it');
$node->wait_for_status($waits, 'sent');

# Two databases, one live and one not.

$node->safe_psql('postgres', 'CREATE DATABASE trial');
$node->create_extension('trial');
my $trial = $node->make_org(db => 'trial');
$id = $node->enqueue($trial, '+61491570120', 'on trial', db => 'trial');
my $live = $node->enqueue($org, '+61491570121', 'in earnest');
$node->wait_for_status($id, 'delivered', undef, db => 'trial');
$node->wait_for_status($live, 'sent');
is($node->safe_psql($_->[0], 'SELECT database, state FROM sms_worker_stat'), join('|', @$_), 'side by side') for [ postgres => 'live' ], [ trial => 'sandbox' ];
is(join(',', sort map { $_->{to} } $fake->ledger), '+61491570112,+61491570113,+61491570121', 'Twilio has got what was live, and nothing else');

done_testing();
