# A dump of a database with attached bookings, restored: restoring texts nobody, and the copy goes on where it was, with
# the bookings of its own.
use strict;
use warnings;
use Test::More;
use CoachSms::Bookings;
use CoachSms::Cluster;
use CoachSms::Fake;
use PostgreSQL::Test::Utils qw(command_ok);

my $fake = start_fake(https => 0);
my $node = new_server('main', fake => $fake);
my $app = attach_app($node);
my $ann = $app->client('Ann Lee', '0491 570 006');
my $booked = $app->book($ann, '2030-05-14 09:00+00');
my $draft = $app->book($ann, '2030-05-15 09:00+00', status => 'pending');
$app->wait_for_texts($booked, 'confirmation delivered');

my $file = PostgreSQL::Test::Utils::tempdir() . '/dump';
local @ENV{qw(PGHOST PGPORT)} = ($node->host, $node->port);
command_ok([ 'pg_dump', '-f', $file, 'postgres' ], 'dumped');
$node->safe_psql('postgres', 'CREATE DATABASE copy');
command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-f', $file, 'copy' ], 'restored');

my $attached = 'SELECT bookings, clients, orgs, attached_at FROM sms_bookings_source';
is($node->safe_psql('copy', $attached), $node->safe_psql('postgres', $attached), 'the copy is attached to the tables of the same names');
is($node->safe_psql('copy', 'SELECT bookings = to_regclass(\'public.bookings\') FROM sms_bookings_source'), 't', 'which are its own');
my $texts = 'SELECT booking_id, type, message_id, reason FROM sms_booking_texts';
is($node->safe_psql('copy', $texts), $node->safe_psql('postgres', $texts), 'it knows what was sent');
is($node->safe_psql('copy', 'SELECT count(*) FROM sms_messages'), 1, 'and restoring made no text');

$node->safe_psql('copy', "SET ROLE coach_app; UPDATE bookings SET status = 'confirmed'");
$node->wait_for_sql("SELECT status FROM sms_messages WHERE related_entity_id = '$draft'", 'delivered', undef, db => 'copy');
is($node->safe_psql('copy', 'SELECT count(*) FROM sms_messages'), 2, 'what is confirmed there is announced there');
is($app->texts($draft), '', 'and not here');

done_testing();
