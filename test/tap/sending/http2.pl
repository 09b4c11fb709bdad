# Over HTTP/2: an nginx speaks it in front of the fake, which cannot. Many messages share a connection; one that dies takes many down.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Program;
use CoachSms::Wait qw(wait_until);
use IO::Socket::INET;
use PostgreSQL::Test::Utils qw(append_to_file run_log slurp_file);

my ($nginx) = grep { -x } map { "$_/nginx" } split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin';
plan skip_all => 'there is no nginx' unless $nginx;

my $fake = start_fake(https => 0);
my $dir = PostgreSQL::Test::Utils::tempdir_short();
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $paths = join '', map { "${_}_temp_path $dir/$_; " } qw(client_body proxy fastcgi uwsgi scgi);
append_to_file("$dir/nginx.conf", "daemon off; master_process off; pid $dir/pid; error_log $dir/error.log;
events {}
http {
  $paths
  log_format seen '\$server_protocol \$connection \$request_method \$status';
  access_log $dir/access.log seen;
  server {
    listen 127.0.0.1:$port ssl http2;
    ssl_certificate $dir/cert.pem;
    ssl_certificate_key $dir/key.pem;
    location / { proxy_pass " . $fake->url . "; proxy_read_timeout 120s; proxy_next_upstream off; }
  }
}
");
run_log([ qw(openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1),
        '-keyout' => "$dir/key.pem", '-out' => "$dir/cert.pem" ]) or die 'openssl made no certificate';

# The shell ends it when our end of the pipe is closed, and prints its process.
sub start_nginx {
    my ($shell, $server) = start_program('sh', '-c', '"$1" -e "$2/error.log" -c "$2/nginx.conf" >/dev/null 2>&1 & echo $!; read gone; kill $! 2>/dev/null; wait',
        'sh', $nginx, $dir);
    wait_until(sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) }, 20)
      or die 'nginx did not start: ' . slurp_file("$dir/error.log");
    return { shell => $shell, pid => $server };
}

sub kill_nginx {
    my ($program) = @_;
    kill KILL => $program->{pid} or die "no process $program->{pid}: $!";
    ok(stop_program($program->{shell}), 'nginx is gone');
    return;
}

sub access_log { return map { [ split ' ' ] } split /\n/, slurp_file("$dir/access.log"); }

my $front = start_nginx();
my $node = new_server('main', fake => $fake, conf => short_times(request_timeout => 5000 * ($ENV{COACH_SMS_SLOW} || 1), reconcile_delay => 500, max_attempts => 10)
      . "coach_sms.twilio_api_url = 'https://127.0.0.1:$port'\ncoach_sms.ca_file = '$dir/cert.pem'\n");
$node->go_live;
my $org = $node->make_org;
$node->sender_pid;

$node->safe_psql('postgres', "SELECT sms_enqueue('$org', to_phone => '+61491570110', body => 'message ' || n) FROM generate_series(1, 200) n");
$fake->wait_accepted(200);
$node->wait_for_sql("SELECT status, count(*) FROM sms_messages GROUP BY 1", 'sent|200', undef, name => 'all are sent');
ok(wait_until(sub { access_log() >= 200 }), 'nginx has written them down');
my (%protocols, %connections);
for my $line (access_log()) {
    $protocols{ $line->[0] }++;
    $connections{ $line->[1] }++;
}
is_deeply(\%protocols, { 'HTTP/2.0' => 200 }, 'each was one request over HTTP/2');
cmp_ok(scalar(keys %connections), '<=', 4, 'they shared a few connections') or diag(explain(\%connections));
is($node->safe_psql('postgres', "SELECT count(*) FROM sms_attempts WHERE status = 'success' AND response_status = 201"), 200, 'each has one attempt');
is_deeply([ $fake->duplicates ], [], 'none went twice');

# The connection dies with requests under way, some of which Twilio took.
my $number = 70120;
my (%id, @taken, @not_taken);
for my $case ([ \@taken, '[fake:stall]', 10 ], [ \@not_taken, '[fake:stall-before times=1]', 5 ]) {
    my ($list, $marker, $times) = @$case;
    for (1 .. $times) {
        my $to = '+614915' . $number++;
        push @$list, $to;
        $id{$to} = $node->enqueue($org, $to, "under way $marker");
    }
}
$fake->wait_for(open => 15);
is($fake->count, 210, 'ten are taken, five are not, none is answered');
kill_nginx($front);
$node->wait_for_sql("SELECT status, count(*), min(error_code), max(attempt_count) FROM sms_messages WHERE body LIKE 'under way%' GROUP BY 1", 'unknown|15|unanswered|1',
    undef, name => 'all are unknown');
is($fake->count, 210, 'and nothing has been sent again');

$front = start_nginx();
$node->wait_for_status($id{$_}, 'sent', undef, name => "$_ is found out about") for @taken, @not_taken;
for my $to (@taken, @not_taken) {
    my ($sent, @more) = $fake->ledger(to => $to);
    is_deeply(\@more, [], "$to: taken once");
    is($node->safe_psql('postgres', "SELECT provider_message_id FROM sms_messages WHERE id = '$id{$to}'"), $sent->{sid}, "$to: its SID is stored");
}
is($node->safe_psql('postgres', "SELECT attempt_count, count(*) FROM sms_messages WHERE body LIKE 'under way%' GROUP BY 1 ORDER BY 1"), "1|10\n2|5",
    'only what was not taken went again');
is_deeply([ $fake->duplicates ], [], 'nothing went twice');

# The server goes when a message is about to leave on a kept connection: it leaves on a fresh one.
$node->wait_for_status($node->enqueue($org, '+61491570111', 'keeps a connection'), 'sent');
arm($node, 'connected=stop@1');
my $late = $node->enqueue($org, '+61491570112', 'about to leave');
my $sender = wait_frozen($node);
kill_nginx($front);
$front = start_nginx();
disarm($node);
kill CONT => $sender;
$node->wait_for_status($late, 'sent');
is($node->safe_psql('postgres', "SELECT string_agg(status, ',') FROM sms_attempts WHERE message_id = '$late'"), 'success', 'it left once');
is($fake->count(to => '+61491570112'), 1, 'and came once');
kill_nginx($front);

done_testing();
