# Twilio took it (or not), and no answer comes: the message is unknown, is found out about, and goes out once.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake();
my $node = new_server('main', fake => $fake, conf => short_times());
$node->go_live;
my $org = $node->make_org;
$fake->post('list-fault', marker => 'status=503');    # nothing is found out before the test allows it

my @kept;

# What happens, the fake's marker for it, whether Twilio took it, the code that says why it is unknown.
my @cases = (
    [ 'no answer in time',           'stall',                           1, 'unanswered' ],
    [ 'an answer that is late',      'accept-then-delay=' . 4000 * ($ENV{COACH_SMS_SLOW} || 1),          1, 'unanswered' ],
    [ 'a reset after accepting',     'reset-after',                     1, 'unanswered' ],
    [ 'an answer that drips in',     'drip=500',                        1, 'bad_answer' ],
    [ 'HTML instead of JSON',        'accept-html',                     1, 'bad_answer' ],
    [ 'JSON that breaks off',        'cut',                             1, 'bad_answer' ],
    [ 'a body that breaks off',      'cut-wire',                        1, 'bad_answer' ],
    [ 'megabytes of JSON',           'huge=3000000',                    1, 'bad_answer' ],
    [ '500 after accepting',         'accept-status=500',               1, 'http_500' ],
    [ '503 after accepting',         'accept-status=503',               1, 'http_503' ],
    [ 'no answer, nothing accepted', 'stall-before times=1',            0, 'unanswered' ],
    [ 'a reset before accepting',    'reset-before times=1',            0, 'unanswered' ],
    [ 'a plain 500',                 'status=500 times=1',              0, 'http_500' ],
    [ 'a 503 that asks to retry',    'status=503 retry-after=1 times=1', 0, 'http_503' ],
    [ 'a gateway\'s HTML',           'html status=502 times=1',         0, 'http_502' ],
    [ 'an empty 504',                'empty status=504 times=1',        0, 'http_504' ],
    [ 'a redirect',                  'redirect=http://127.0.0.1:1/ times=1', 0, 'http_302' ],
    [ 'a request timeout',           'status=408 times=1',              0, 'http_408' ],
);

# A kept connection that is reset: libcurl by itself would send the request again on a fresh one.
for my $case ([ 'reset-after', '+61491570190', 1 ], [ 'reset-before times=1', '+61491570191', 0 ]) {
    my ($marker, $to, $taken) = @$case;
    $node->wait_for_status($node->enqueue($org, '+61491570192', "before $marker"), 'sent');
    my $id = $node->enqueue($org, $to, "kept connection [fake:$marker]");
    push @kept, [ "$marker on a kept connection", $marker, $taken, 'unanswered', $to, $id ];
    $node->wait_for_status($id, 'unknown');
    my @requests = $fake->requests(to => $to);
    is(scalar(@requests), 1, "$marker: one request");
    is($requests[0]{connection}, ($fake->requests(to => '+61491570192'))[-1]{connection}, "$marker: on the connection of the one before");
}

my $number = 70100;
for my $case (@cases) {
    my ($name, $marker, $taken, $code) = @$case;
    my $to = '+614915' . $number++;
    push @$case, $to, $node->enqueue($org, $to, "$name [fake:$marker]");
    $node->enqueue($org, '+61491570192', "between: $name");    # nothing but such cases in a row would hold the account
}

push @cases, @kept;

# Answers that are no refusal by Twilio itself may hide anything; so may codes that it gives.
my $twilio_code = qr/^[0-9]+$/;
for my $case (@cases) {
    my ($name, undef, $taken, $code, $to, $id) = @$case;
    $node->wait_for_status($id, 'unknown', undef, name => "$name: it is unknown");
    my $said = $node->safe_psql('postgres', "SELECT error_code FROM sms_messages WHERE id = '$id'");
    ok($said eq $code || ($code =~ /^http_/ && $said =~ $twilio_code), "$name: the reason is given") or diag("it is $said");
    is($fake->count(to => $to), $taken, "$name: Twilio took " . ($taken ? 'it' : 'nothing'));
}
is($node->safe_psql('postgres', "SELECT count(*) FROM sms_attempts WHERE status <> 'success'"), 0, 'no such attempt is settled yet');

# Late answers: whoever still waited for one would get it now.
$fake->post('release');
is($node->safe_psql('postgres', "SELECT DISTINCT status FROM sms_messages WHERE to_phone <> '+61491570192'"), 'unknown', 'a late answer changes nothing');

$fake->post('list-fault', marker => '');
for my $case (@cases) {
    my ($name, undef, $taken, undef, $to, $id) = @$case;
    $node->wait_for_status($id, 'sent', undef, name => "$name: it is sent");
    my @accepted = $fake->ledger(to => $to);
    is(scalar(@accepted), 1, "$name: once");
    is( $node->safe_psql('postgres', "SELECT provider_message_id, attempt_count, error_code FROM sms_messages WHERE id = '$id'"),
        $accepted[0]{sid} . ($taken ? '|1|' : '|2|'), "$name: " . ($taken ? 'its SID was found' : 'it went again'));
}
is_deeply([ $fake->duplicates ], [], 'nothing went twice');

done_testing();
