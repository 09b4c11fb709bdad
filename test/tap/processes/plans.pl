# The plans that run: made while the tables are empty and their statistics say so, then used on full ones. No node of any plan may
# read more than a batch.
use strict;
use warnings;
use Test::More;
use CoachSms::Bookings;
use CoachSms::Cluster;
use CoachSms::Fake;
use CoachSms::Log;
use CoachSms::Wait qw(wait_until);

use constant { BACKLOG => 4000, BATCH => 1000 };

my $fake = start_fake(https => 0);
my $explain = <<'CONF';
shared_preload_libraries = 'coach_sms, auto_explain'
autovacuum = off
auto_explain.log_analyze = on
auto_explain.log_timing = off
auto_explain.log_nested_statements = on
coach_sms.poll_interval = '1s'
CONF
my $node = new_server('main', fake => $fake, conf => $explain);
$node->go_live;
my $org = $node->make_org(max_sms_per_client_per_day => 5);
my $sent = 0;

# Of persons with and without a client_id, in turn.
my $one = "sms_enqueue('$org', client_id => CASE WHEN i % 2 = 0 THEN md5(i::text)::uuid END, to_phone => '+6149' || (1570000 + i), body => 'No. ' || i)";

sub send_some {
    my ($count) = @_;
    my $from = $sent + 1;
    $sent += $count;
    $node->safe_psql('postgres', "SELECT $one FROM generate_series($from, $sent) i");
    $node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status IN ('sent', 'delivered')", $sent, undef, name => "$sent are sent");
    $node->relay_callbacks;
    return;
}

# The plan nodes in the log that read more than a batch, each with its statement, and how many nodes there were.
sub large_nodes {
    my ($log) = @_;
    my (@large, %seen);
    for my $plan ($log =~ /plan:\n((?:\t.*\n)+)/g) {
        my @nodes;
        for (split /\n/, $plan) {
            push @nodes, { what => $1, rows => $2, removed => 0 } if /^\t\s*(?:->\s+)?(\S.*?)\s+\(cost=.*\(actual rows=([\d.]+) loops/;
            $nodes[-1]{removed} += $1 if @nodes && /Rows Removed by (?:Filter|Join Filter|Index Recheck): (\d+)/;
        }
        for my $node (@nodes) {
            $seen{$1}++ if $node->{what} =~ / on (sms_\w+)/;
            push @large, "$node->{what}: workers, in: $plan" if $node->{what} =~ /^Gather/;
            push @large, "$node->{what}: $node->{rows} rows, $node->{removed} removed, in: $plan" if $node->{rows} + $node->{removed} > BATCH;
        }
    }
    return (\@large, \%seen);
}

# Plans are made on tables that have never had a row, and again on tables that were vacuumed when they were empty.
send_some(10);
$node->safe_psql('postgres', 'VACUUM ANALYZE coach_sms_internal.sms_queue; VACUUM ANALYZE coach_sms_internal.sms_in_flight; VACUUM ANALYZE sms_messages; VACUUM ANALYZE sms_attempts; VACUUM ANALYZE sms_events');
is($node->safe_psql('postgres', "SELECT reltuples FROM pg_class WHERE relname = 'sms_queue'"), '0', 'statistics say that the queue is empty');
send_some(10);
send_some(1) for 1 .. 3;

# A session whose plans were made then enqueues the backlog, and has its last ones looked at.
$node->safe_psql('postgres', 'SELECT sms_pause()');
my $from = $sent + 1;
$sent += BACKLOG;
$node->safe_psql('postgres', "INSERT INTO sms_events (provider_message_id, event_type, event_status, dedupe_key) SELECT 'SM' || md5(i::text), 'status', 'sent', i FROM generate_series(1, 2000) i");
my ($to, $next) = ($sent - 10, $sent - 9);
my $reads = 'SELECT pg_stat_force_next_flush(); SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_all_tables WHERE relname LIKE $$sms_%$$';
my $mark = log_mark($node);
my $enqueued = $node->safe_psql('postgres', "SELECT $one FROM generate_series($from, $to) i; $reads; SET auto_explain.log_min_duration = 0; SELECT $one FROM generate_series($next, $sent) i; SET auto_explain.log_min_duration = -1; $reads");
my ($large, $seen) = large_nodes(log_since($node, $mark));
my (%before, %read);
for ($enqueued =~ /^(sms_\w+\|\d+)$/mg) {
    my ($table, $rows) = split /\|/;
    if (exists $before{$table}) { $read{$table} = $rows - $before{$table} }
    else                        { $before{$table} = $rows }
}
cmp_ok($before{sms_messages}, '>', 0, 'reads of the tables are counted, although no plan reads them');
is(scalar(grep { $read{$_} > BATCH } keys %read), 0, 'an enqueue reads no table to its end') or diag(explain(\%read));
is(scalar(grep { !/generate_series/ } @$large), 0, 'nor does a plan of its') or diag(@$large);
is($read{sms_in_flight}, 0, 'nor what is in flight, whose dead rows a drain leaves behind');

$mark = log_mark($node);
$node->append_conf('postgresql.conf', 'auto_explain.log_min_duration = 0');
$node->reload;
$node->safe_psql('postgres', 'SELECT sms_resume()');
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status IN ('sent', 'delivered')", $sent, undef, name => 'the backlog is sent');
my $sender = $node->sender_pid;
my @tables = qw(sms_queue sms_messages sms_in_flight sms_attempts);
wait_until(sub {
    ($large, $seen) = large_nodes(join '', grep { /^\S+ \S+ \S+ \[$sender\] / } split /^(?=\d{4}-\d\d-\d\d )/m, log_since($node, $mark));
    return @tables == grep { $seen->{$_} } @tables;
});
ok($seen->{$_}, "plans of the sender that read $_ were seen") for @tables;
is(scalar(@$large), 0, 'the sender reads no table to its end') or diag(@$large[0 .. ($#$large < 3 ? $#$large : 3)]);
is_deeply([ $fake->duplicates ], [], 'nothing went twice');

# A session that books the first booking of a new server, and then many. A trigger of the application's keeps its own plans.
$node->stop;
$node = new_server('bookings', fake => $fake, conf => $explain);
my $app = attach_app($node);
$node->safe_psql('postgres', 'SELECT sms_pause()');
$node->safe_psql('postgres', "INSERT INTO clients (org_id, full_name, phone) SELECT '${\ $app->org}', 'Ann Lee', '+614' || 91600000 + n FROM generate_series(1, 3000) n");
$node->safe_psql('postgres', q{CREATE TABLE seen (n integer); INSERT INTO seen SELECT generate_series(1, 100); CREATE INDEX ON seen (n); GRANT SELECT ON seen TO PUBLIC;
  CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM FROM public.seen WHERE n = 7; RETURN NULL; END';
  CREATE TRIGGER see AFTER UPDATE ON sms_messages FOR EACH ROW EXECUTE FUNCTION see()});
sub book {
    my ($skip, $count) = @_;
    return "INSERT INTO bookings (org_id, client_id, start_time, end_time) SELECT org_id, id, now() + interval '3 days', now() + interval '73 hours'
      FROM (SELECT * FROM clients ORDER BY phone OFFSET $skip LIMIT $count) c";
}
$mark = log_mark($node);
$node->safe_psql('postgres', join '; ', 'SET auto_explain.log_min_duration = -1', book(0, 1), (map { book(1 + 400 * $_, 400) } 0 .. 4), 'SET auto_explain.log_min_duration = 0', book(2500, 1),
    "UPDATE bookings SET location_details = 'Court 2' WHERE client_id = (SELECT id FROM clients ORDER BY phone OFFSET 2500 LIMIT 1)",
    "SELECT sms_opt_out('${\ $app->org}', '+61491602500')");
my $plans = join '', grep { / plans\.pl / } split /^(?=\d{4}-\d\d-\d\d )/m, log_since($node, $mark);
like($plans, qr/Seq Scan on seen .*cost=0\.00\.\.[0-9]\./, 'the plan of an application\'s trigger knows how small its table is');
($large, $seen) = large_nodes($plans);
ok($seen->{$_}, "plans of a booking that read $_ were seen") for qw(sms_messages sms_booking_texts);
my @ours = grep { /^(?:Gather|[^:]* on sms_)/ } @$large;
is(scalar(@ours), 0, 'a booking reads no table of ours to its end, and starts no workers') or diag(@ours);

done_testing();
