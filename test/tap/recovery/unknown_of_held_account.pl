# Messages whose outcome is unknown while their account is held, or has no token: nobody asks Twilio's list, nothing is given
# up, and each is found or goes again, once. After that the lists are searched as fast as the account allows.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Wait qw(wait_until);

my $fake = start_fake(https => 0);
my $node = new_server('main', fake => $fake, clock => 1,
    conf => short_times(request_timeout => '20s', lease_duration => '1min', reconcile_limit => '15min') . "coach_sms.max_in_flight_per_account = 40\n");
$node->go_live;
my $org   = $node->make_org;
my $other = $node->make_org;
my $gone  = $node->make_org;

sub rows { my ($query) = @_; return $node->safe_psql('postgres', $query); }
sub lists { return grep { $_->{kind} eq 'list' } $fake->requests; }
sub detail { my ($id) = @_; return rows("SELECT detail FROM sms_why('$id') WHERE what = 'now unknown'"); }
sub set_tokens { my ($orgs, $token) = @_; return rows("UPDATE sms_settings SET twilio_auth_token_encrypted = $token WHERE org_id IN ($orgs)"); }
sub wait_or_end { my ($query, $expected, $name) = @_; return $node->wait_for_sql($query, $expected, 30, name => $name) || BAIL_OUT($name); }

# The list cannot be read. Of 60 messages every second one is taken; none is answered.
$fake->post('list-fault', marker => 'status=500');
my $number = 70200;
my (%taken, %id);
for my $from ($org, $other) {
    for my $batch (1 .. 6) {
        for my $n (1 .. 5) {
            my $to = '+614915' . $number++;
            $taken{$to} = $number % 2;
            $fake->post('scenario', to => $to, marker => ($taken{$to} ? 'reset-after' : 'reset-before') . ' times=1');
            $id{$to} = $node->enqueue($from, $to, "number $number");
        }
        my $between = $node->enqueue($from, '+61491570190', "between $number");    # more in a row would hold the account
        wait_or_end("SELECT status FROM sms_messages WHERE id = '$between'", 'sent', 'one that is answered');
    }
}
$fake->post('scenario', to => '+61491570198', marker => 'reset-after times=1');
my $lost = $node->enqueue($gone, '+61491570198', 'lost');
my $ids = join ',', map { "'$_'" } values %id;
wait_or_end("SELECT count(*) FROM coach_sms_internal.sms_in_flight WHERE state = 'unknown' AND inconclusive_count = 1", 61, 'of 61 messages it is unknown, and the list was asked');
my ($to) = sort grep { $taken{$_} } keys %id;
like(detail($id{$to}), qr/Twilio's list was asked and could not be read/, 'sms_why() says that it was asked');

# The list could be read again, but the tokens are wrong, and one org's account is another.
set_tokens("'$org', '$other'", "'" . 'wrong' x 8 . "'");
rows("UPDATE sms_settings SET twilio_account_sid = 'AC' || repeat('77', 16), twilio_auth_token_encrypted = 'other' WHERE org_id = '$gone'");
$fake->post('list-fault', marker => '');
$node->enqueue($org, '+61491570191', 'waits for its token');
my $looked = lists();
for my $limit (1 .. 11) {
    $node->advance('15 minutes');
    wait_or_end("SELECT count(*) FILTER (WHERE not_asked IS NULL OR next_look_at <= now()) FROM coach_sms_internal.sms_in_flight WHERE state = 'unknown'", 0,
        "limit $limit: each was due, and is put off");
}
is(rows("SELECT DISTINCT status FROM sms_messages WHERE id IN ($ids, '$lost')"), 'unknown', 'nothing is given up');
is(rows("SELECT DISTINCT inconclusive_count || ' ' || looks FROM coach_sms_internal.sms_in_flight WHERE state = 'unknown'"), '1 0', 'and nothing was counted');
cmp_ok(lists() - $looked, '<', 61, 'hardly any list was asked');
like(detail($id{$to}), qr/Twilio's list was not asked: (its account is held|Twilio refuses its account's credentials)/, 'sms_why() says that it was not asked');
like(detail($lost), qr/was not asked: there is no token for the account that it was sent with/, 'nor was the one without a token');
like(rows("SELECT problem FROM sms_doctor() WHERE check_name = 'unknown'"), qr/still unknown: 61; Twilio's list was not asked for 61 of them/, 'sms_doctor() says so');

# With the right tokens the lists are searched, 40 at a time, which is all that the account allows.
$fake->post('list-fault', marker => 'delay=5000');
$looked = lists();
set_tokens("'$org', '$other'", "'" . $fake->token . "'");
ok(wait_until(sub { lists() >= $looked + 40 }, 15), 'as many lists are asked as the account has room for');
is(lists() - $looked, 40, 'and not more');
$fake->post('list-fault', marker => '');
wait_or_end("SELECT count(*) FROM sms_messages WHERE id IN ($ids) AND status = 'sent'", 60, 'each is found, or goes again');
is_deeply([ map { scalar $fake->ledger(to => $_) } sort keys %id ], [ (1) x 60 ], 'each came once');
is(rows("SELECT string_agg(DISTINCT attempt_count::text, ',') FROM sms_messages WHERE to_phone IN (" . join(',', map { "'$_'" } grep { $taken{$_} } keys %id) . ')'),
    '1', 'what was found was sent once');
is_deeply([ $fake->duplicates ], [], 'nothing went twice');

# What nobody can ask about ends after coach_sms.max_wait, with that reason.
is(rows("SELECT status FROM sms_messages WHERE id = '$lost'"), 'unknown', 'the one without a token still waits');
$node->advance('8 days');
wait_or_end("SELECT status, error_code, error_message FROM sms_messages WHERE id = '$lost'",
    "failed|outcome_unknown|Twilio's list was not asked within coach_sms.max_wait: there is no token for the account that it was sent with", 'after eight days it ends');
is($fake->count(to => '+61491570198'), 1, 'it came once');

# A list that is asked after eight days, and cannot be read that once, gives up nothing. The fake's clock stands: a server of its own.
$fake->post('list-fault', marker => 'status=500');
$fake->post('scenario', to => '+61491570197', marker => 'reset-after times=1');
$node->stop;
$node = new_server('long_pause', fake => $fake, clock => 1, conf => short_times(reconcile_limit => '15min'));
$node->go_live;
my $long = $node->enqueue($node->make_org, '+61491570197', 'a long pause');
wait_or_end("SELECT count(*) FROM coach_sms_internal.sms_in_flight WHERE message_id = '$long' AND inconclusive_count = 1", 1, 'of one more it is unknown, and its list was asked');
$node->advance('8 days');
wait_or_end("SELECT count(*) FROM coach_sms_internal.sms_in_flight WHERE message_id = '$long' AND inconclusive_count = 2", 1, 'it is asked again');
is(rows("SELECT status FROM sms_messages WHERE id = '$long'"), 'unknown', 'it still waits');
$fake->post('list-fault', marker => '');
$node->advance('1 hour');
wait_or_end("SELECT status FROM sms_messages WHERE id = '$long'", 'sent', 'it is found');
is($fake->count(to => '+61491570197'), 1, 'it came once');

done_testing();
