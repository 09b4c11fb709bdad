# Costs that must not grow with what lies around: a backlog behind a pause, dead rows under an old snapshot, retention at work.
# Each is measured beside the same without the burden.
package Bench::Burdens;
use strict;
use warnings;

use Bench::Data qw(empty enqueue_script make_dead_rows);
use Bench::Drain qw(drain use_fake);
use Bench::Fake;
use Bench::Report qw(alternate number row section);
use Bench::Size qw(size);

sub measure {
    my ($server) = @_;
    my $fake = Bench::Fake->start;
    use_fake($server, $fake, 256);
    section('drain over HTTP under a burden, messages/s', 'without');
    row('a backlog behind a pause, on tables that were analysed empty',
        alternate(sub { behind_a_pause($server, $fake) }, sub { plain($server, $fake, 'fresh') }), 0.9);
    my $dead = number(size('dead'));
    my $make_dead = sub { make_dead_rows($server) };
    row("an old snapshot, $dead dead rows",
        alternate(sub { under_a_snapshot($server, sub { plain($server, $fake, 'fresh', $make_dead) }) },
            sub { plain($server, $fake, 'fresh') }), 0.8);
    row('retention deletes old messages',
        alternate(map { my $days = $_; sub { beside_retention($server, $fake, $days) } } 30, 'NULL'), 0.9);
    section('enqueue under a burden, rows/s', 'without');
    row("an old snapshot, $dead dead rows, 1 client",
        alternate(sub { under_a_snapshot($server, sub { enqueue($server, $make_dead) }) }, sub { enqueue($server) }), 0.9);
    empty($server, 'fresh');
    return;
}

sub plain {
    my ($server, $fake, $db, $prepare) = @_;
    return drain($server, $fake, $db, 0, size('drain'), prepare => $prepare)->{recorded};
}

sub behind_a_pause {
    my ($server, $fake) = @_;
    my $pause = sub { $server->sql('fresh', 'VACUUM ANALYZE', 'SELECT sms_pause()'); };
    return drain($server, $fake, 'fresh', 0, size('drain'), prepare => $pause, release => 'SELECT sms_resume()')->{recorded};
}

# While another session holds a snapshot, no dead row can be removed.
sub under_a_snapshot {
    my ($server, $measured) = @_;
    my $holder = $server->hold_snapshot('fresh');
    my $rate = $measured->();
    $server->release_snapshot($holder);
    return $rate;
}

# A pass of retention begins when the sender does.
sub beside_retention {
    my ($server, $fake, $days) = @_;
    $server->sql('full', "UPDATE sms_settings SET retention_days = $days WHERE org_id <> '$Bench::Server::org'");
    use_fake($server, $fake, 256);
    return plain($server, $fake, 'full');
}

sub enqueue {
    my ($server, $prepare) = @_;
    $server->sql('fresh', 'SELECT sms_pause()');
    empty($server, 'fresh');
    $prepare->() if $prepare;
    my $rate = $server->rate('fresh', enqueue_script(), 1, '-T', size('seconds'));
    empty($server, 'fresh');
    $server->sql('fresh', 'SELECT sms_resume()');
    return $rate;
}

1;
