# The main job in the sandbox: from CREATE EXTENSION to delivered, without an account, a key or a network.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;

my $node = new_server('main');
my $org = $node->make_org;

my $id = $node->enqueue($org, '+61491570006', 'See you at 9');
$node->wait_for_status($id, 'delivered');

is( $node->safe_psql('postgres', "SELECT sandbox, attempt_count, sent_at IS NOT NULL, delivered_at IS NOT NULL
                                  FROM sms_messages WHERE id = '$id'"),
    't|1|t|t', 'it was sent once, in the sandbox, and has its times');
is($node->safe_psql('postgres', 'SELECT count(*) FROM coach_sms_internal.sms_queue'), '0', 'nothing waits any more');

my ($status, undef, $error) = $node->psql('postgres', "BEGIN; SELECT sms_enqueue('$org', to_phone => '+61491570006', body => 'never'); ROLLBACK;");
is($status, 0, 'a transaction with a message rolls back') or diag($error);
is($node->safe_psql('postgres', 'SELECT count(*) FROM sms_messages'), '1', 'and its message is gone with it');

$node->stop('fast');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/See you at 9|\+61491570006/, 'no text and no number in the log');
$node->assert_no_crash;

done_testing();
