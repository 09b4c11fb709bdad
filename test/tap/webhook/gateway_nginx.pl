# The nginx rule of doc/webhook.md in front of coach_sms_gateway: Twilio calls the public URL, and all statuses come back.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Gateway;
use CoachSms::Nginx;
use CoachSms::Program;
use CoachSms::Wait qw(wait_until);

plan skip_all => 'nginx is not installed' unless has_nginx();

my $gateway = start_gateway(args => ['--behind-proxy']);
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $nginx = start_nginx($port, 'test/webhook/gateway_nginx.conf', 'http://127.0.0.1:8080' => "http://127.0.0.1:$gateway->{port}");
my $url = "http://127.0.0.1:$port/twilio";
my $fake = start_fake(callbacks => 'on', args => [ '--inbound-url', $url ]);
my $node = new_server('main', fake => $fake, conf => short_times() . "coach_sms.public_url = '$url'\n");
$gateway->serve($node);
$node->go_live;

my $sent = $node->enqueue($node->make_org, '+61491570006', 'with a receipt');
$node->wait_for_status($sent, 'delivered', undef, name => 'the receipt comes through nginx and the gateway');
$fake->post('inbound', from => '+61491570157', to => '+61491570156', body => 'STOP');
ok(wait_until(sub { 3 == grep { $_->{outcome} eq '200' } $fake->callbacks }), 'each call is answered with 200');
is($node->safe_psql('postgres', 'SELECT count(*) FROM sms_opt_outs'), 1, 'the STOP counts');
my ($callback) = $fake->callbacks;
is(($gateway->post({ %$callback, signature => 'none' }))[0]{status}, 403, 'a stranger is refused');

ok(stop_program($nginx), 'nginx ends');
is($gateway->stop, 0, 'and the gateway');
done_testing();
