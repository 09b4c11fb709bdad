# A database that is not UTF-8 sends all the same: Twilio gets the characters, not the bytes.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Fake;

my $fake = start_fake();
my $node = new_server('main', fake => $fake, extension => 0);
$node->safe_psql('postgres', "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
$node->create_extension('latin');
$node->go_live('latin');
my $org = $node->make_org(db => 'latin');
my $id = $node->safe_psql('latin', "SELECT sms_enqueue('$org', to_phone => '+61491570006', body => 'caf' || chr(233))");
$node->wait_for_status($id, 'sent', undef, db => 'latin');
my ($sent) = $fake->ledger;
is($sent->{body}, "caf\x{e9}", 'a text in LATIN1 arrives as it was written');
is_deeply([ $fake->duplicates ], [], 'nothing went twice');
done_testing();
