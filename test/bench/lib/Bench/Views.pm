# What monitoring and the office cost in the full database: the views for one org and for all, and sms_doctor(). Attempts
# are summed up first, as a live sender has done: all but those of the last eight days.
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
    [ 'sms_doctor()',                      1_000, 'SELECT * FROM sms_doctor()' ],
    [ 'sms_metrics',                       50,    'SELECT * FROM sms_metrics' ],
    [ 'sms_delivery_by_template of one org', 50,  "SELECT * FROM sms_delivery_by_template $one_org" ]);

# The views of the office, and the order in which their pages show them.
my @pages = (
    [ sms_today        => 'at DESC' ],
    [ sms_upcoming     => 'due_at' ],
    [ sms_failures     => 'created_at DESC' ],
    [ sms_inbox        => 'received_at DESC' ],
    [ sms_opt_out_list => 'since DESC' ]);

sub measure {
    my ($server) = @_;
    sum_up($server);
    attach_bookings($server);
    section(sprintf('views with %s messages stored, ms', Bench::Report::number(size('stored'))), '');
    for my $read (@reads) {
        my ($what, $aim, $query) = @$read;
        note_median($what, $aim, map { scalar $server->timed('full', $query) } 1 .. size('rounds'));
    }
    section('the same, the first 50 rows of one org, in a session that has read the view before, ms', '');
    for my $page (@pages) {
        my ($view, $order) = @$page;
        # All columns of the rows are computed.
        my $query = "SELECT max(x::text) FROM (SELECT * FROM $view $one_org ORDER BY $order LIMIT 50) x";
        note_median($view, 50, map { scalar $server->timed_again('full', $query) } 1 .. size('rounds'));
    }
    $server->sql('full', 'SELECT sms_detach_bookings()', 'DROP SCHEMA bench_app CASCADE');
    return;
}

sub note_median {
    my ($what, $aim, @seconds) = @_;
    my $took = 1000 * median(@seconds);
    return note($what, sprintf('%.1f', $took), "<= $aim" . ($took > $aim ? '   ABOVE' : ''));
}

# A week with a hundred sessions of each org, and the clients of the one org. No text of them is due while it lasts.
sub attach_bookings {
    my ($server) = @_;
    my $orgs = size('orgs');
    my $start = "now() + interval '2 days' + interval '5 days' * (n % 100) / 100";
    $server->sql('full', 'CREATE SCHEMA bench_app',
        "CREATE TABLE bench_app.orgs AS SELECT org_id AS id, 'Coach' AS name FROM sms_settings",
        "CREATE TABLE bench_app.clients AS SELECT client_id AS id, org_id, 'Alex Lee' AS full_name, to_phone AS phone FROM sms_messages $one_org",
        "CREATE TABLE bench_app.bookings AS SELECT gen_random_uuid() AS id, o.id AS org_id, c.id AS client_id, $start AS start_time,
           $start + interval '1 hour' AS end_time, 'confirmed' AS status, 'Court 1' AS location_details, false AS reminder_sent, false AS feedback_sent
           FROM generate_series(0, 99) n CROSS JOIN bench_app.orgs o
           LEFT JOIN LATERAL (SELECT x.id FROM bench_app.clients x WHERE x.org_id = o.id ORDER BY x.id LIMIT 1) c ON true",
        (map { "ALTER TABLE bench_app.$_ ADD PRIMARY KEY (id)" } qw(orgs clients bookings)),
        (map { "CREATE INDEX ON bench_app.bookings ($_)" } qw(org_id start_time end_time)),
        'ANALYZE bench_app.orgs, bench_app.clients, bench_app.bookings',
        "SELECT sms_attach_bookings('bench_app.bookings', 'bench_app.clients', 'bench_app.orgs')");
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
