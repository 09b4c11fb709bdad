# A burst of genuine calls over connections that stay open: each is answered 200, and the gateway's memory stays flat.
# COACH_SMS_BURST says how many, 20,000 if it is not set.
use strict;
use warnings;
use IO::Select;
use Test::More;
use Time::HiRes qw(time);
use CoachSms::Cluster;
use CoachSms::Fake;
use CoachSms::Gateway;
use CoachSms::Wait qw(deadline);

my $connections = 16;
my $at_once = 32;    # requests that a connection has sent before it reads their answers
my $calls = $ENV{COACH_SMS_BURST} || 20_000;
my $gateway = start_gateway();
my $fake = start_fake(args => [ '--inbound-url', $gateway->url ]);
my $node = new_server('main', fake => $fake, conf => "coach_sms.public_url = '" . $gateway->url . "'\n");
$gateway->serve($node);
my $org = $node->make_org;
$fake->inbound('+61491570006', '+61491570156', 'Hello');
my ($call) = $fake->callbacks;
my $request = $gateway->request($call) =~ s/Connection: close\r\n//r;

# Sends so many requests over each connection in turn. Returns the number of answers by status.
sub burst {
    my ($count) = @_;
    my %answers;
    my @open = map { { socket => $gateway->connection, unanswered => 0, text => '' } } 1 .. $connections;
    my $until = time + deadline(300);
    while (grep { $_->{unanswered} } @open or $count > 0) {
        for my $each (@open) {
            my $more = $each->{unanswered} ? 0 : $count < $at_once ? $count : $at_once;
            next if !$more;
            print { $each->{socket} } $request x $more;
            $each->{socket}->flush;
            $each->{unanswered} = $more;
            $count -= $more;
        }
        die 'no answer before the deadline' if time > $until;
        for my $socket (IO::Select->new(map { $_->{socket} } grep { $_->{unanswered} } @open)->can_read(1)) {
            my ($each) = grep { $_->{socket} == $socket } @open;
            sysread $socket, $each->{text}, 65_536, length $each->{text} or die 'a connection ended';
            while ($each->{text} =~ s/^HTTP\/1\.1 (\d+).*?\r\n\r\n<Response><\/Response>//s) {
                ++$answers{$1};
                --$each->{unanswered};
            }
        }
    }
    return \%answers;
}

burst(2_000);    # so that its buffers and sessions are there
my $memory = $gateway->memory;
my $begin = time;
is_deeply(burst($calls), { 200 => $calls }, "each of $calls calls is taken");
diag sprintf '%.0f calls a second; memory %.1f, then %.1f MiB', $calls / (time - $begin), $memory, $gateway->memory;
cmp_ok($gateway->memory - $memory, '<', 4, 'its memory is flat');
is($node->safe_psql('postgres', "SELECT count(*) FROM sms_events WHERE event_type = 'inbound'"), 1, 'what came so often is stored once');
is($gateway->stop, 0, 'the gateway ends well');
done_testing();
