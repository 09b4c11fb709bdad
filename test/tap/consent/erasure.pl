# sms_erase_person on a live server: nothing of the person is left in a dump, late callbacks bring nothing back,
# and whoever opted out stays so, here and in a restored copy.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Fake;
use CoachSms::Wait qw(deadline);
use PostgreSQL::Test::Utils qw(slurp_file);

my $fake = start_fake();
my $node = new_server('main', fake => $fake, conf => "coach_sms.public_url = 'https://coach.example/sms'\n");
$node->go_live;
my ($org, $other) = ($node->make_org, $node->make_org);
my ($ann, $bob) = ('+61491570006', '+61491570110');
my $file = PostgreSQL::Test::Utils::tempdir() . '/dump';

sub sql { my ($query, $db) = @_; return $node->safe_psql($db // 'postgres', $query); }

sub dump_holds {
    my ($text) = @_;
    local @ENV{qw(PGHOST PGPORT)} = ($node->host, $node->port);
    IPC::Run::run([ 'pg_dump', '-f', $file, 'postgres' ], IPC::Run::timeout(deadline(120))) or die 'pg_dump failed';
    return index(slurp_file($file), $text) >= 0 ? 1 : 0;
}

my $message = $node->enqueue($org, $ann, 'Hello Annabel', metadata => '{"name": "Annabel"}');
my $to_bob = $node->enqueue($org, $bob, 'Hello Bob');
$fake->wait_accepted(2);
$node->wait_for_status($_, 'sent') for $message, $to_bob;
my $later = sql("SELECT sms_enqueue('$org', to_phone => '$ann', body => 'Hello again', scheduled_for => now() + interval '1 day')");
ok(dump_holds('61491570006'), 'a dump holds the number');

is(sql("SELECT messages, under_way FROM sms_erase_person('$org', '0491 570 006')"), '2|0', 'both messages are erased');
is(sql("SELECT status, error_code FROM sms_messages WHERE id = '$later'"), 'cancelled|erased', 'the one that waited is cancelled');

# The callbacks come after it.
$fake->wait_for(callbacks => 2);
is(join(' ', sort { $a <=> $b } keys %{ { map { $_ => 1 } $node->relay_callbacks } }), '200', 'late callbacks are taken');
$node->wait_for_status($_, 'delivered') for $message, $to_bob;
is(sql("SELECT count(*) > 0, count(event_payload) FROM sms_events WHERE message_id = '$message'"), 't|0', 'and stored without their personal data');
is(sql("SELECT count(*) > 0 AND count(*) = count(event_payload) FROM sms_events WHERE message_id = '$to_bob'"), 't', 'those of others are stored whole');
is(dump_holds('1491570006'), 0, 'a dump holds no trace of the number');
is(dump_holds('Annabel'), 0, 'nor of the name');
is(dump_holds('61491570110'), 1, 'of others it does');

# Nobody opted out: a new message may go. Then they do, and are erased: it never goes again.
my $again = $node->enqueue($org, $ann, 'Welcome back');
$node->wait_for_status($again, 'sent');
sql("SELECT sms_opt_out('$org', '$ann', notes => 'by phone, 0491 570 006')");
$node->wait_for_sql("SELECT messages, under_way FROM sms_erase_person('$org', '$ann')", '1|0');
$fake->wait_for(callbacks => 3);
$node->relay_callbacks;
is(dump_holds('1491570006'), 0, 'opted out and erased, there is no trace either');
is(dump_holds('0491 570 006'), 0, 'nor in notes');
my ($code) = $node->psql('postgres', "SELECT sms_enqueue('$org', to_phone => '$ann', body => 'No')");
isnt($code, 0, 'the org cannot write to the number');
is($fake->count(body => 'No'), 0, 'and nothing went');

# Restored, the hash matches.
sql('CREATE DATABASE copy');
local @ENV{qw(PGHOST PGPORT)} = ($node->host, $node->port);
ok(IPC::Run::run([ 'psql', '-qXv', 'ON_ERROR_STOP=1', '-f', $file, 'copy' ], '>', \my $output, IPC::Run::timeout(deadline(120))), 'the dump is restored');
is(sql("SELECT is_phone_suppressed('$org', '$ann'), is_phone_suppressed('$other', '$ann'), is_phone_suppressed('$org', '$bob')", 'copy'), 't|f|f',
    'there the number is suppressed too');

# The pre-send check finds the hash: a message that waits from before the entry, which came by hand.
$node->enqueue($other, $bob, 'unrelated');
sql("SELECT sms_pause('$other')");
my $waits = $node->enqueue($other, $ann, 'Must not go');
sql("INSERT INTO sms_suppression (org_id, phone) SELECT '$other', phone FROM sms_suppression WHERE org_id = '$org'");
sql("SELECT sms_resume('$other')");
$node->wait_for_sql("SELECT status, error_code FROM sms_messages WHERE id = '$waits'", 'cancelled|opted_out');
is($fake->count(body => 'Must not go'), 0, 'the pre-send check knows the hash');

done_testing();
