# Answers that are no answers: not JSON, cut short, huge, dripping, or somebody else's. Nothing is lost or sent twice, and the
# sender takes them all.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Wait qw(wait_until);

my $fake = start_fake();
my $node = new_server('main', fake => $fake, conf => short_times(request_timeout => 2000, lease_duration => 8000, reconcile_limit => 3000));
$node->go_live;
my $org = $node->make_org;
my $pid = $node->sender_pid;
my $elsewhere = start_fake(https => 0);

# Name, marker, whether Twilio takes the first request, how the first attempt is seen while nobody has looked, its error.
my @cases = (
    [ 'a page of HTML',                 'html',                                        0, 'unknown', 'http_502' ],
    [ 'nothing in it',                  'empty',                                       0, 'unknown', 'http_502' ],
    [ 'HTML, and taken',                'accept-html',                                 1, 'unknown', 'bad_answer' ],
    [ 'half of the JSON',               'cut',                                         1, 'unknown', 'bad_answer' ],
    [ 'half of what it announces',      'cut-wire',                                    1, 'unknown', 'bad_answer' ],
    [ 'four megabytes',                 'huge=4000000',                                1, 'unknown', 'bad_answer' ],
    [ 'a byte now and then',            'drip=100',                                    1, 'unknown', 'bad_answer' ],
    [ 'a redirect to itself',           'redirect=' . $fake->url . '/2010-04-01/Accounts/' . $fake->account . '/Messages.json', 0, 'unknown', 'http_302' ],
    [ 'a redirect to somebody else',    'redirect=' . $elsewhere->url . '/2010-04-01', 0, 'unknown', 'http_302' ],
    [ 'a success that names nothing',   'accept-status=202',                           1, 'unknown', 'bad_answer' ],
    [ 'an error with a page of HTML',   'html status=400',                             0, 'permanent_error', 'http_400' ],
);
$fake->post('list-fault', marker => 'html');
# How many times it was asked to send to a number.
sub creates { my ($to) = @_; return scalar grep { $_->{kind} eq 'create' } $fake->requests(to => $to) }

my $number = 0;
for my $case (@cases) {
    my ($name, $marker, undef, $seen, $error) = @$case;
    $case->[5] = sprintf '+61491570%03d', 110 + $number++;
    $case->[6] = $node->enqueue($org, $case->[5], "text $number [fake:$marker times=1]");
}
my %settled = (unknown => 'unknown', permanent_error => 'failed');
for my $case (@cases) {
    my ($name, undef, $taken, $seen, $error, $to, $id) = @$case;
    $node->wait_for_status($id, $settled{$seen}, undef, name => "$name: $settled{$seen}");
    is($node->safe_psql('postgres', "SELECT error_code FROM sms_messages WHERE id = '$id'"), $error, 'with its reason');
    is($fake->count(to => $to), $taken, 'Twilio took ' . ($taken ? 'it' : 'nothing'));
    is(creates($to), 1, 'of one request');
}
is($elsewhere->get('counters')->{requests}, 0, 'no redirect was followed');

# The list is HTML as well, then huge; neither proves anything. Then it is right.
sub wait_for_looks {
    my ($more, $name) = @_;
    my $looks = sub { return scalar grep { $_->{kind} eq 'list' } $fake->requests };
    my $start = $looks->();
    ok(wait_until(sub { $looks->() >= $start + $more }), $name);
    is($node->safe_psql('postgres', 'SELECT count(*), max(looks) FROM coach_sms_internal.sms_in_flight'), '10|0', 'and proves nothing');
    return;
}

wait_for_looks(20, 'a list that cannot be read is asked for again');
$fake->post('list-fault', marker => 'huge=4000000');
wait_for_looks(12, 'so is one of four megabytes');
$fake->post('list-fault', marker => '');
for my $case (grep { $_->[3] eq 'unknown' } @cases) {
    my ($name, undef, $taken, undef, undef, $to, $id) = @$case;
    $node->wait_for_status($id, 'sent', undef, name => "$name: sent in the end");
    is($fake->count(to => $to), 1, 'Twilio took it once');
    is(creates($to), $taken ? 1 : 2, $taken ? 'it was found in the list' : 'it went again');
}
is_deeply([ $fake->duplicates ], [], 'nothing went twice');
is($node->sender_pid, $pid, 'and it was the same sender all the time');
my $rss = 0;
open my $file, '<', "/proc/$pid/status" or die $!;
while (<$file>) { $rss = $1 if /^VmRSS:\s+(\d+) kB/ }
cmp_ok($rss, '<', 300_000, 'which is not bloated') if !$ENV{COACH_SMS_SLOW} || $ENV{COACH_SMS_SLOW} == 1;

done_testing();
