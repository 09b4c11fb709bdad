# The README's Edge Function, run by node, and real form POSTs: what Twilio signed still fits after its way through.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha1_base64);
use HTTP::Tiny;
use IPC::Open2 qw(open2);
use Test::More;
use CoachSms::Cluster;

my ($major) = (`node --version 2>&1` // '') =~ /^v(\d+)/;
plan skip_all => 'node 18 or newer is not installed' unless ($major // 0) >= 18;

my $public_url = 'https://coach.example/functions/v1/twilio-webhook';
my $node = new_server('main', conf => "coach_sms.public_url = '$public_url'");
my $org = $node->make_org(twilio_account_sid => 'AC' . '07' x 16, twilio_auth_token_encrypted => 'a-token', paused_until => 'infinity');
my $id = $node->enqueue($org, '+61491570006', 'Hello');
my $query = "?org=$org&message=$id&attempt=1";

local @ENV{qw(PGHOST PGPORT)} = ($node->host, $node->port);
my $pid = open2(my $from, my $to, 'node', 'test/webhook/run_edge_function.mjs', 'postgres');
chomp(my $port = <$from>);

# Posts a form whose parameters are given in pairs, each value as it travels.
sub post {
    my ($signature, @travelling) = @_;
    my @fields;
    while (my ($name, $value) = splice @travelling, 0, 2) { push @fields, "$name=$value" }
    return HTTP::Tiny->new->request('POST', "http://127.0.0.1:$port/twilio-webhook$query", {
        content => join('&', @fields),
        headers => { 'content-type' => 'application/x-www-form-urlencoded', defined $signature ? ('x-twilio-signature' => $signature) : () } });
}

sub sign { return hmac_sha1_base64($public_url . $query . join('', @_), 'a-token') . '=' }

# Blanks as + and %20, a plus, UTF-8, line ends, an empty value and a name that repeats: all as bytes, in no order.
my @travelling = (
    To => '%2B61491570006', MessageStatus => 'delivered', MessageSid => 'SM1', Odd => 'a+b%20c%2Bd', Emoji => '%F0%9F%91%8B%C3%A9',
    Lines => '%0D%0A%09', Empty => '', Twice => '2', Twice => '1', Quotes => '%22%27%5C%7B%7D%26%3D');
my $signature = sign(Emoji => "\xf0\x9f\x91\x8b\xc3\xa9", Empty => '', Lines => "\r\n\t", MessageSid => 'SM1', MessageStatus => 'delivered',
    Odd => 'a b c+d', Quotes => q("'\\{}&=), To => '+61491570006', Twice => '1', Twice => '2');

is(post(undef, @travelling)->{status}, 403, 'without a signature');
is(post('AAAAAAAAAAAAAAAAAAAAAAAAAAA=', @travelling)->{status}, 403, 'with a false one');
is(post($signature, @travelling, More => '1')->{status}, 403, 'with a parameter more than was signed');
is($node->safe_psql('postgres', 'SELECT count(*) FROM sms_events'), 0, 'nothing was kept');

my $answer = post($signature, @travelling);
is($answer->{status}, 200, 'as Twilio sent it');
is($answer->{content}, '<Response></Response>', 'and answered');
like($answer->{headers}{'content-type'}, qr{^text/xml}, 'as XML');
is($node->safe_psql('postgres', "SELECT status FROM sms_messages WHERE id = '$id'"), 'delivered', 'and applied');
is(post($signature, 'A', 'x' x 70000)->{status}, 413, 'too large');

close $to;
waitpid $pid, 0;
$node->stop('fast');
done_testing();
