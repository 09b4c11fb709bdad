# Strangers fill the gateway with silence, slow drips and bursts: its memory stays flat, and genuine calls are still answered.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Gateway;
use CoachSms::Wait qw(wait_until);

my $gateway = start_gateway(args => [ '--behind-proxy', '--max-connections=1500' ]);
my $fake = start_fake(args => [ '--inbound-url', $gateway->url ]);
my $node = new_server('main', fake => $fake, conf => short_times() . "coach_sms.public_url = '" . $gateway->url . "'\n");
$gateway->serve($node);
my $org = $node->make_org;
$fake->inbound('+61491570006', '+61491570156', 'Hello');
my ($call) = $fake->callbacks;
sub is_served { my ($name) = @_; return is(($gateway->post($call))[0]{status}, 200, "a genuine call is answered: $name"); }
is_served('before all');
my $memory = $gateway->memory;

# A thousand connections that send nothing, and two hundred that drip.
my @silent = map { $gateway->connection } 1 .. 1000;
my @drips = map { $gateway->connection } 1 .. 200;
print {$_} "POST /twilio HTTP/1.1\r\nHost: x\r\n" for @drips[ 0 .. 99 ];
print {$_} "POST /twilio HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" for @drips[ 100 .. 199 ];
$_->flush for @drips;
is_served('beside silence and drips');
sub is_ended { my ($connection) = @_; local $SIG{PIPE} = 'IGNORE'; return !defined(syswrite $connection, 'X-Drip: 1') || eof_of($connection); }
sub eof_of { my ($connection) = @_; $connection->blocking(0); my $read = sysread $connection, my $rest, 4096; $connection->blocking(1); return defined $read && $read == 0; }
cmp_ok($gateway->memory - $memory, '<', 60, 'its memory grows by less than 60 MiB') or diag $gateway->memory;
my $begin = time;
ok(wait_until(sub { !grep { !is_ended($_) } @drips }), 'drips are ended, however busy they are');
cmp_ok(time - $begin, '<', 20, 'in time');
ok(wait_until(sub { !grep { !eof_of($_) } @silent }), 'and so is silence');
is_served('after them');

# As many silent connections as it takes: a genuine call waits for its turn.
my @many = map { $gateway->connection } 1 .. 1500;
is_served('once the silence of 1,500 others is ended');
close $_ for @many;

# More bodies that do not end than it keeps: some are refused, whole ones are taken.
my $begun = "POST /twilio HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 65536\r\n\r\n" . 'x' x 65_000;
my @bodies = map { my $connection = $gateway->connection; print {$connection} $begun; $connection->flush; $connection } 1 .. 1300;
is_served('beside 1,300 bodies that do not end');
cmp_ok($gateway->memory - $memory, '<', $ENV{COACH_SMS_SLOW} > 1 ? 260 : 130, 'their memory is bounded') or diag $gateway->memory;
my %answers;
for my $connection (@bodies) {
    print {$connection} 'x' x 536;
    $connection->flush;
    ++$answers{ CoachSms::Gateway::read_answer($connection)->{status} };
}
cmp_ok($answers{503} // 0, '>', 0, 'bodies beyond the bound were refused');
cmp_ok($answers{403} // 0, '>', 500, 'the others came to the database');

# One address alone: a limit of its own, unless a proxy stands before the gateway.
my $open = start_gateway(args => ['--max-connections-per-address=20'], role => 'gateway_2');
$begin = time;
my @own = map { $open->connection } 1 .. 30;
my $ended;
ok(wait_until(sub { $ended = grep { eof_of($_) } @own; return $ended >= 10 }), 'an address has at most its number of connections');
is($ended, 10, 'those beyond it are closed');
cmp_ok(time - $begin, '<', 9, 'at once');
is($open->stop, 0, 'it ends with connections open');
is($gateway->stop, 0, 'and so does the other');
unlike($gateway->log_text, qr/dropped/, 'no request was dropped');
done_testing();
