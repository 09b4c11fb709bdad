# How fast messages are taken, beside plain INSERTs of the same rows into the same tables without triggers.
# No sender runs, as none works against the INSERTs.
package Bench::Enqueue;
use strict;
use warnings;

use Bench::Data qw(empty empty_plain bulk_enqueue batch_enqueue bulk_insert enqueue_script insert_script);
use Bench::Report qw(alternate section row note);
use Bench::Size qw(size);

sub measure {
    my ($server) = @_;
    section('enqueue, rows/s', 'plain INSERT');
    for my $clients (1, 4, 8) {
        row("one commit each, $clients client" . ($clients > 1 ? 's' : ''),
            alternate(sub { single($server, 'fresh', $clients) }, sub { plain_single($server, $clients) }), 0.85);
    }
    my $bulk = size('bulk');
    row("one statement, $bulk calls of sms_enqueue",
        alternate(sub { bulk($server, 'fresh', bulk_enqueue($bulk)) }, sub { plain_bulk($server) }), 0.6);
    row('one statement, sms_enqueue_batch by ' . size('batch'),
        alternate(sub { bulk($server, 'fresh', batch_enqueue()) }, sub { plain_bulk($server) }), 0.6);
    wal($server, $bulk);

    section(sprintf('enqueue with %d messages stored, %d waiting', size('stored'), size('waiting')), 'empty');
    for my $clients (1, 8) {
        row("one commit each, $clients client" . ($clients > 1 ? 's' : ''),
            alternate(map { my $db = $_; sub { single($server, $db, $clients) } } qw(full fresh)), 0.9);
    }
    row("one statement, $bulk calls of sms_enqueue",
        alternate(map { my $db = $_; sub { bulk($server, $db, bulk_enqueue($bulk)) } } qw(full fresh)), 0.9);
    empty($server, $_) for qw(full fresh);
    return;
}

sub single {
    my ($server, $db, $clients) = @_;
    empty($server, $db);
    return $server->rate($db, enqueue_script(), $clients, '-T', size('seconds'));
}

sub plain_single {
    my ($server, $clients) = @_;
    empty_plain($server);
    return $server->rate('fresh', insert_script(), $clients, '-T', size('seconds'));
}

sub bulk {
    my ($server, $db, $statement) = @_;
    empty($server, $db);
    return size('bulk') / $server->timed($db, $statement);
}

sub plain_bulk {
    my ($server) = @_;
    empty_plain($server);
    return size('bulk') / $server->timed('fresh', bulk_insert(size('bulk')));
}

sub wal {
    my ($server, $count) = @_;
    empty($server, 'fresh');
    my $begin = $server->sql('fresh', 'SELECT pg_current_wal_insert_lsn()');
    $server->sql('fresh', bulk_enqueue($count));
    note('WAL a message enqueued in bulk, bytes',
        sprintf '%.0f', $server->sql('fresh', "SELECT pg_current_wal_insert_lsn() - '$begin'") / $count);
    return;
}

1;
