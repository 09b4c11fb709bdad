# The plans that run: made while the tables are empty and their statistics say so, then used on full ones. No node of any plan may
# read more than a batch.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Fake;
use CoachSms::Log;

use constant { BACKLOG => 4000, BATCH => 1000 };

my $fake = start_fake(https => 0);
my $node = new_server('main', fake => $fake, conf => <<'CONF');
shared_preload_libraries = 'coach_sms, auto_explain'
autovacuum = off
auto_explain.log_analyze = on
auto_explain.log_timing = off
auto_explain.log_nested_statements = on
CONF
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
        for my $node (split /\n(?=\t\s*(?:->|\S+ ?\S* on |[A-Z]\w+ ))/, $plan) {
            my ($what, $rows) = $node =~ /^\t\s*(?:->\s+)?(\S.*?)\s+\(cost=.*\(actual rows=([\d.]+) loops/ or next;
            my ($removed) = $node =~ /Rows Removed by (?:Filter|Join Filter): (\d+)/;
            $seen{$1}++ if $what =~ / on (sms_\w+)/;
            push @large, "$what: $rows rows, " . ($removed // 0) . " removed, in: $plan" if $rows + ($removed // 0) > BATCH;
        }
    }
    return (\@large, \%seen);
}

# Plans are made on tables that have never had a row, and again on tables that were vacuumed when they were empty.
send_some(10);
$node->safe_psql('postgres', 'VACUUM ANALYZE sms_queue; VACUUM ANALYZE sms_in_flight; VACUUM ANALYZE sms_messages; VACUUM ANALYZE sms_attempts; VACUUM ANALYZE sms_events');
is($node->safe_psql('postgres', "SELECT reltuples FROM pg_class WHERE relname = 'sms_queue'"), '0', 'statistics say that the queue is empty');
send_some(10);
send_some(1) for 1 .. 3;

# A session whose plans were made then enqueues the backlog, and has its last ones looked at.
$node->safe_psql('postgres', 'SELECT sms_pause()');
my $from = $sent + 1;
$sent += BACKLOG;
$node->safe_psql('postgres', "INSERT INTO sms_events (provider_message_id, event_type, event_status, dedupe_key) SELECT 'SM' || md5(i::text), 'status', 'sent', i FROM generate_series(1, 2000) i");
my ($to, $next) = ($sent - 10, $sent - 9);
my $mark = log_mark($node);
$node->safe_psql('postgres', "SELECT $one FROM generate_series($from, $to) i; SET auto_explain.log_min_duration = 0; SELECT $one FROM generate_series($next, $sent) i");
my ($large, $seen) = large_nodes(log_since($node, $mark));
ok($seen->{$_}, "plans that read $_ were seen") for qw(sms_messages sms_settings);
is(scalar(grep { !/generate_series/ } @$large), 0, 'an enqueue reads no table to its end') or diag(@$large);
ok(!$seen->{sms_in_flight}, 'nor what is in flight, whose dead rows a drain leaves behind');

$mark = log_mark($node);
$node->append_conf('postgresql.conf', 'auto_explain.log_min_duration = 0');
$node->reload;
$node->safe_psql('postgres', 'SELECT sms_resume()');
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE status IN ('sent', 'delivered')", $sent, undef, name => 'the backlog is sent');
my $sender = $node->sender_pid;
($large, $seen) = large_nodes(join '', grep { /^\S+ \S+ \S+ \[$sender\] / } split /^(?=\d{4}-\d\d-\d\d )/m, log_since($node, $mark));
ok($seen->{$_}, "plans of the sender that read $_ were seen") for qw(sms_queue sms_messages sms_in_flight sms_attempts);
is(scalar(@$large), 0, 'the sender reads no table to its end') or diag(@$large[0 .. ($#$large < 3 ? $#$large : 3)]);
is_deeply([ $fake->duplicates ], [], 'nothing went twice');

done_testing();
