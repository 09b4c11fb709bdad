# The whole bench: see run.sh. Ends with build/results/bench.txt.
use strict;
use warnings;

use Time::HiRes qw(time);
use Bench::Burdens;
use Bench::Data qw(create_databases);
use Bench::Drain;
use Bench::Enqueue;
use Bench::Latency;
use Bench::Orgs;
use Bench::Report qw(note section);
use Bench::Server;
use Bench::Size qw(size wanted);
use Bench::Tenants;
use Bench::Views;
use Bench::Webhooks;

$| = 1;
my $begin = time;

sub first_line { my ($path, $pattern) = @_; open my $file, '<', $path or return '?'; return (grep { /$pattern/ } <$file>)[0] // '?'; }

sub machine {
    my ($server) = @_;
    my ($cpu) = first_line('/proc/cpuinfo', qr/^model name/) =~ /:\s*(.*)/;
    my ($kilobytes) = first_line('/proc/meminfo', qr/^MemTotal/) =~ /(\d+)/;
    my ($curl) = Bench::Server::run('bare_loop', '--version') =~ /(\S*libcurl\S*.*)/;
    note(sprintf('%s, %d cores, %.0f GB; client, server and fake Twilio share them', $cpu // '?', Bench::Server::run('nproc'), $kilobytes / 2**20), '');
    note('PostgreSQL ' . $server->sql('fresh', 'SHOW server_version') . ', ' . ($curl // 'libcurl ?'), '');
    note(join(', ', split /\n/, $server->sql('fresh', "SELECT name || ' ' || current_setting(name) FROM unnest(ARRAY['fsync', 'synchronous_commit', 'wal_level', 'shared_buffers', 'max_wal_size', 'coach_sms.batch_size']) name")), '');
    note(sprintf('medians of %d rounds, measured alternately; ratios are medians of ratios within a round', size('rounds')), '');
    return;
}

my $server = Bench::Server->new;
my $done = eval {
    create_databases($server);
    machine($server);
    Bench::Enqueue::measure($server) if wanted('enqueue');
    Bench::Webhooks::measure($server) if wanted('webhook');
    Bench::Tenants::measure($server) if wanted('tenant');
    Bench::Views::measure($server) if wanted('view');
    Bench::Drain::measure($server) if wanted('drain');
    Bench::Latency::measure($server) if wanted('latency');
    Bench::Burdens::measure($server) if wanted('burdens');
    Bench::Orgs::measure($server) if wanted('orgs');
    1;
};
die "$@the server's log ends:\n" . $server->log_text if !$done;
note('', '');
note(sprintf('took %.0f s', time - $begin), '');
Bench::Report::finish();
