# Figures without the gateway: the real prometheus-sql-exporter with our file, and Prometheus with our relabelling.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Program;
use CoachSms::Prometheus;

my $fake = start_fake(callbacks => 'off');
my $node = new_server('main', fake => $fake, conf => short_times() . "listen_addresses = '127.0.0.1'\n");
PostgreSQL::Test::Utils::append_to_file($node->data_dir . '/pg_hba.conf', "host all sms_watch 127.0.0.1/32 trust\n");
$node->restart;
$node->safe_psql('postgres', "CREATE ROLE sms_watch LOGIN; SELECT sms_grant_monitor('sms_watch')");
$node->go_live;
my $org = $node->make_org;
$node->wait_for_status($node->text($org, "message $_"), 'sent') for 1 .. 3;
$node->text($org, 'waits', scheduled_for => 'tomorrow');

# The files of contrib, with another address and less patience.
my $dir = PostgreSQL::Test::Utils::tempdir();
my $config = PostgreSQL::Test::Utils::slurp_file('contrib/prometheus/sql_exporter.yml');
$config =~ s{127\.0\.0\.1:5432/app}{'127.0.0.1:' . $node->port . '/postgres'}e or die 'the file names no server';
$config =~ s/interval: 15s/interval: 1s/ or die 'the file names no interval';
PostgreSQL::Test::Utils::append_to_file("$dir/exporter.yml", $config);
my ($relabel) = map { my $lines = $_; $lines =~ s/^ +# +- //mg; join ', ', split /\n/, $lines }
  PostgreSQL::Test::Utils::slurp_file('contrib/prometheus/prometheus.yml') =~ /metric_relabel_configs:\n((?: +# +- \{.*\}\n)+)/;

my $port = PostgreSQL::Test::Cluster::get_free_port();
my $exporter = start_daemon("$dir/log", 'prometheus-sql-exporter', '-config.file', "$dir/exporter.yml", '-web.listen-address', "127.0.0.1:$port");
my $prometheus = start_prometheus(scrape => { coach_sms => $port }, relabel => $relabel);
$prometheus->wait_for(@$_) for
  [ 'coach_sms_healthy', 1 ],
  [ 'coach_sms_info{mode="live"}', 1 ],
  [ 'coach_sms_messages_waiting', 1 ],
  [ 'coach_sms_requests_total{outcome="accepted"}', 3 ],
  [ 'coach_sms_request_duration_seconds_bucket{le="+Inf"}', 3 ],
  [ 'coach_sms_request_duration_seconds_count', 3 ],
  [ 'coach_sms_messages_final_total{status="delivered"}', 0 ],
  [ 'coach_sms_segments_total', 3 ],
  [ 'count(count by (__name__) ({__name__=~"sql_coach_sms.*"})) or vector(0)', 0 ];
# The database goes away, and comes back.
$node->stop('immediate');
$prometheus->wait_for('sql_exporter_last_scrape_failed{query="coach_sms"}', 1);
$node->start;
$prometheus->wait_for('sql_exporter_last_scrape_failed{query="coach_sms"}', 0);
stop_program($exporter);
done_testing();
