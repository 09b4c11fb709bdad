# NOTIFY: ids of messages that are final and of inbound texts, to whoever listens; nothing of what the application did itself.
use strict;
use warnings;
use IPC::Run ();
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;
use CoachSms::Wait qw(deadline wait_until);

my $url = 'https://coach.example/hooks/sms';
my $fake = start_fake(args => [ '--inbound-url', $url ]);
my $node = new_server('main', fake => $fake, conf => short_times() . "coach_sms.public_url = '$url'\nmax_prepared_transactions = 2\n");
$node->go_live;
my $org = $node->make_org;
my ($ann, $bob) = ('+61491570006', '+61491570157');

sub sql { return $node->safe_psql('postgres', $_[0]) }

# A session that listens. psql prints what came after each command.
my ($in, $out) = ('', '');
my $listener = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, IPC::Run::timeout(deadline(300)));
$in = "LISTEN sms_message; LISTEN sms_inbound; LISTEN fence;\n\\echo listening\n";
$listener->pump until $out =~ /listening/;

# An assertion: the payloads on the channel since the start, in any order. Notifications come in the order of commits: once
# that of another session is there, nothing from before it is still under way.
my $fences = 0;
sub is_notified {
    my ($channel, $ids, $name) = @_;
    my $fence = 'fence ' . ++$fences;
    sql("NOTIFY fence, '$fence'");
    my $asked = 0;
    wait_until(sub {
        my $end = "end of $fence, " . ++$asked;
        $in .= "SELECT 1;\n\\echo $end\n";
        $listener->pump until $out =~ /^\Q$end\E$/m;
        return $out =~ /payload "\Q$fence\E"/;
    });
    my @payloads = $out =~ /notification "$channel" with payload "([^"]*)"/g;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is("@{[ sort @payloads ]}", "@{[ sort @$ids ]}", $name);
}

my $sent = $node->enqueue($org, $ann, 'news of a delivery');
$node->wait_for_status($sent, 'sent');
is_notified(sms_message => [], 'a message that is sent is not final');
my @final = $sent;
ok(wait_until(sub { $node->relay_callbacks; return sql("SELECT status FROM sms_messages WHERE id = '$sent'") eq 'delivered' }), 'its callback comes');
is_notified(sms_message => \@final, 'delivered: its id is sent');

push @final, my $refused = $node->enqueue($org, $ann, '[fake:status=400 code=21617] refused');
$node->wait_for_status($refused, 'failed');
is_notified(sms_message => \@final, 'failed: its id');

push @final, my $late = $node->enqueue($org, $ann, 'late', scheduled_for => sql("SELECT now() + interval '1 hour'"),
    expires_at => sql("SELECT now() + interval '1 hour 1 second'"));
my $own = $node->enqueue($org, $ann, 'taken back', scheduled_for => 'tomorrow');
sql("BEGIN; SELECT sms_cancel('$own'); PREPARE TRANSACTION 'own'");
sql("COMMIT PREPARED 'own'");
is(sql("SELECT status FROM sms_messages WHERE id = '$own'"), 'cancelled', 'what the application takes back may be in a prepared transaction');

# A STOP: the text, and what it cancels.
$fake->post('inbound', from => $ann, to => '+61491570156', body => 'STOP');
ok(wait_until(sub { $node->relay_callbacks; return (sql("SELECT error_code FROM sms_messages WHERE id = '$late'") // '') eq 'opted_out' }), 'a STOP cancels what waits');
is_notified(sms_message => \@final, 'and that is sent, but not what the application cancelled itself');
my $text = sql("SELECT id FROM sms_events WHERE event_type = 'inbound'");
is_notified(sms_inbound => [$text], 'the text is sent once');
$fake->post('inbound', from => $bob, to => '+61491570156', body => 'See you at nine', times => 3);
my $taken = 0;
ok(wait_until(sub { $taken += grep { $_ == 200 } $node->relay_callbacks; return $taken == 3 }), 'a text that comes three times is taken each time');
is_notified(sms_inbound => [ $text, sql("SELECT id FROM sms_events WHERE event_type = 'inbound' AND id <> '$text'") ], 'and sent once too');
unlike($out, qr/6149157|nine|STOP/, 'no payload has a number or a text');

$node->append_conf('postgresql.conf', 'coach_sms.notify = off');
$node->reload;
$node->wait_for_sql('SHOW coach_sms.notify', 'off');
my $silent = $node->enqueue($org, $bob, '[fake:status=400 code=21617] in silence');
$node->wait_for_status($silent, 'failed');
is_notified(sms_message => \@final, 'with coach_sms.notify = off nothing is sent');

$in .= "\\q\n";
$listener->finish;
$node->assert_no_crash;
done_testing();
