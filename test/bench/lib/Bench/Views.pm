# What monitoring costs in the full database: the views for one org and for all, and sms_doctor(). Attempts are summed
# up first, as a live sender has done: all but those of the last eight days.
package Bench::Views;
use strict;
use warnings;

use Bench::Data qw(stored_org);
use Bench::Report qw(median note section);
use Bench::Size qw(size);

my $one_org = "WHERE org_id = '" . stored_org(7) . "'";
my @reads = (
    [ 'sms_health',                        50,    'SELECT * FROM sms_health' ],
    [ 'sms_queue_stat',                    50,    'SELECT * FROM sms_queue_stat' ],
    [ 'sms_delivery_stats of one org',     50,    "SELECT * FROM sms_delivery_stats $one_org" ],
    [ 'sms_delivery_stats of all orgs',    1_000, 'SELECT count(*) FROM sms_delivery_stats' ],
    [ 'sms_cost of one org',               50,    "SELECT * FROM sms_cost $one_org" ],
    [ 'sms_cost of all orgs',              1_000, 'SELECT count(*) FROM sms_cost' ],
    [ 'sms_doctor()',                      1_000, 'SELECT * FROM sms_doctor()' ]);

sub measure {
    my ($server) = @_;
    sum_up($server);
    section(sprintf('views with %s messages stored, ms', Bench::Report::number(size('stored'))), '');
    for my $read (@reads) {
        my ($what, $aim, $query) = @$read;
        my $took = 1000 * median(map { scalar $server->timed('full', $query) } 1 .. size('rounds'));
        note($what, sprintf('%.1f', $took), "<= $aim" . ($took > $aim ? '   ABOVE' : ''));
    }
    return;
}

# Ids of the stored attempts follow their times, which reach back 90 days.
sub sum_up {
    my ($server) = @_;
    my $old = int(size('stored') * 82 / 90);
    $server->sql('full', "DO \$\$
        DECLARE before uuid := (SELECT id FROM sms_attempts ORDER BY id OFFSET $old LIMIT 1);
        BEGIN WHILE coach_sms_internal.sms_sum_up_next(before, 10000) > 0 LOOP COMMIT; END LOOP; END \$\$", 'VACUUM ANALYZE sms_usage');
    return;
}

1;
