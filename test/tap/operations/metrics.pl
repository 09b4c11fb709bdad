# The figures for Prometheus: a real one scrapes the gateway while messages go, and each metric has its right value at the end.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Gateway;
use CoachSms::Prometheus;
use CoachSms::Wait qw(wait_until);

my $gateway = start_gateway(args => ['--metrics-by-org']);
my $fake = start_fake(callbacks => 'on');
my $node = new_server('main', fake => $fake, conf => short_times() . "coach_sms.public_url = '" . $gateway->url . "'\n");

sub lines { my ($name) = @_; return grep { /^\Q$name\E[ {]/ } split /\n/, $gateway->get('/metrics')->{content}; }

# Before there is a database, the gateway shows itself.
is($gateway->get('/metrics')->{status}, 200, 'the gateway has metrics without a database');
is_deeply([ lines('coach_sms_database_up') ], ['coach_sms_database_up 0'], 'which say that the database is away');
is(scalar(lines('coach_sms_healthy')), 0, 'and nothing of its health');
$gateway->serve($node);
$node->go_live;

# The rules of contrib without their patience, and without what needs more messages than this test sends.
my $rules = PostgreSQL::Test::Utils::slurp_file('contrib/prometheus/coach_sms.rules.yml');
$rules =~ s/^ +for: .*\n//mg;
my $dir = PostgreSQL::Test::Utils::tempdir();
PostgreSQL::Test::Utils::append_to_file("$dir/rules.yml", $rules);
my $prometheus = start_prometheus(scrape => { coach_sms => $gateway->{private_port} }, rules => "$dir/rules.yml");
$prometheus->wait_for('coach_sms_healthy', 1);

# One message of each sort.
my $org = $node->make_org;
my @delivered = map { $node->text($org, "delivered $_") } 1 .. 3;
my $long = $node->text($org, 'long ' x 60);
my $rejected = $node->text($org, '[fake:no-callback status=400 code=21617] rejected');
my $lost = $node->text($org, '[fake:no-callback reset-after times=1] its answer is lost');
my $waits = $node->text($org, 'waits', scheduled_for => 'tomorrow');
my $cancelled = $node->text($org, 'cancelled', scheduled_for => 'tomorrow');
$node->safe_psql('postgres', "SELECT sms_cancel('$cancelled')");
$node->safe_psql('postgres', "BEGIN; SELECT sms_cancel('$waits'); ROLLBACK");
$node->wait_for_status($_, 'delivered') for @delivered, $long;
$node->wait_for_status($rejected, 'failed');
$node->wait_for_status($lost, 'sent');
my ($callback) = $fake->callbacks;
$gateway->post({ %$callback, signature => 'A' x 27 . '=' });
my $taken = grep { $_->{outcome} eq '200' } $fake->callbacks;

$prometheus->wait_for(@$_) for
  [ 'coach_sms_database_up', 1 ],
  [ 'coach_sms_info{mode="live"}', 1 ],
  [ 'coach_sms_messages_waiting', 1 ],
  [ 'coach_sms_messages_due', 0 ],
  [ 'coach_sms_messages_in_flight', 0 ],
  [ 'coach_sms_messages_unknown', 0 ],
  [ 'coach_sms_oldest_due_age_seconds', 0 ],
  [ 'coach_sms_unprocessed_events', 0 ],
  [ 'coach_sms_requests_total{outcome="accepted"}', 4 ],
  [ 'coach_sms_requests_total{outcome="rejected"}', 1 ],
  [ 'coach_sms_requests_total{outcome="retried"}', 0 ],
  [ 'coach_sms_requests_total{outcome="unknown"}', 1 ],
  [ 'coach_sms_request_duration_seconds_count', 6 ],
  [ 'coach_sms_request_duration_seconds_bucket{le="+Inf"}', 6 ],
  [ 'coach_sms_commit_to_request_seconds_count', 6 ],
  [ 'coach_sms_messages_final_total{status="delivered"}', 4 ],
  [ 'coach_sms_messages_final_total{status="failed",error_class="message"}', 1 ],
  [ 'coach_sms_messages_final_total{status="cancelled",error_class="cancelled_by_user"}', 1 ],
  [ 'sum(coach_sms_messages_final_total)', 6 ],
  [ 'coach_sms_segments_total', 6 ],
  [ 'coach_sms_webhook_calls_total{status="200"}', $taken ],
  [ 'coach_sms_webhook_calls_total{status="403"}', 1 ],
  [ 'coach_sms_gateway_requests_total{status="403"}', 1 ],
  [ 'coach_sms_gateway_held_calls', 0 ],
  [ qq(coach_sms_org_messages_waiting{org="$org"}), 1 ],
  [ qq(coach_sms_org_held{org="$org"}), 0 ];
my $durations = $node->safe_psql('postgres', 'SELECT sum(duration_ms) FROM sms_attempts');
is(sprintf('%.0f', 1000 * $prometheus->value('coach_sms_request_duration_seconds_sum')), $durations, 'the durations are those of the attempts');
my $begin = $node->safe_psql('postgres', 'SELECT extract(epoch FROM pg_postmaster_start_time())');
cmp_ok(abs($prometheus->value('coach_sms_counters_begin_seconds') - $begin), '<', 5, 'they count since the start of the server');
cmp_ok($prometheus->value('process_resident_memory_bytes{job="coach_sms"}'), '>', 1_000_000, 'the gateway shows its memory');
cmp_ok($prometheus->value('time() - process_start_time_seconds{job="coach_sms"}'), '<', 600, 'and its start');
my $p99 = $node->safe_psql('postgres', 'SELECT latency_p99_ms FROM sms_worker_stat');
my $edge = 0.001;
$edge *= 2 while $edge * 1000 < $p99;
is($prometheus->value(sprintf 'coach_sms_request_duration_seconds_bucket{le="%.3f"}', $edge), 6, 'sms_worker_stat counts the same durations')
  if $edge < 65;

my $metrics = $gateway->get('/metrics');

# A held account, and a sender that starts again.
my $other = $node->make_org(twilio_account_sid => 'AC' . 'e' x 28 . '7890', twilio_auth_token_encrypted => 'e' x 32, twilio_phone_number => '+61491570157');
$node->text($other, 'of an account that Twilio refuses');
$prometheus->wait_for('coach_sms_account_held{account="7890"}', 1);
my $waits_so_far = $prometheus->value('coach_sms_commit_to_request_seconds_count');
$node->text($other, 'one more, which is not sent');
$node->text($org, 'meanwhile another org sends');
$prometheus->wait_for('coach_sms_commit_to_request_seconds_count', $waits_so_far + 1);
kill KILL => $node->sender_pid;
$prometheus->wait_for('coach_sms_requests_total{outcome="accepted"}', 0);
ok(wait_until(sub { grep { $_ eq 'CoachSmsAccountHeld' } $prometheus->alerts }), 'a held account raises an alert');
$node->safe_psql('postgres', "UPDATE sms_messages SET status = 'cancelled' WHERE org_id = '$other'");
$node->set_org($other, 'enabled = false');
ok(wait_until(sub { !grep { $_ eq 'CoachSmsAccountHeld' } $prometheus->alerts }), 'which clears when nothing waits for it');
$node->stop;
ok(wait_until(sub { "@{[ $prometheus->alerts ]}" eq 'CoachSmsDatabaseDown' }), 'a database that is away raises an alert');
$node->start;
ok(wait_until(sub { !$prometheus->alerts }), 'which clears when it is back');

# The format, as Prometheus judges it; the alert rules in simulated time.
is($metrics->{headers}{'content-type'}, 'text/plain; version=0.0.4; charset=utf-8', 'the type of the text');
PostgreSQL::Test::Utils::append_to_file("$dir/metrics", $metrics->{content});
is(`promtool check metrics < $dir/metrics 2>&1`, '', 'promtool finds no fault with the metrics');
like(`promtool test rules test/prometheus/rules_test.yml 2>&1`, qr/SUCCESS/, 'each rule fires and clears in its time');

# Each metric that a rule or the dashboard names is there.
my %known = map { $_ => 1 } $metrics->{content} =~ /^(\w+)[{ ]/mg;
my $used = join '', map { PostgreSQL::Test::Utils::slurp_file($_) } glob 'contrib/prometheus/*.rules.yml contrib/grafana/*.json';
is_deeply([ sort grep { !$known{$_} && $_ ne 'coach_sms_account_held' } $used =~ /\b((?:coach_sms|process)_\w+)\b(?=[\[{)]| (?:[=>]|or ))/g ], [],
    'rules and dashboard name no other metrics');
done_testing();
