# Two servers on one host with one key file, whose first databases have the same OID: each is armed and disarmed by itself.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Fake;

my $fake = start_fake();
my $one = new_server('one', fake => $fake);
my $other = new_server('other', fake => $fake, fresh => 1, conf => "coach_sms.key_file = '" . $one->key_file . "'");
my @both = ($one, $other);
is($other->safe_psql('postgres', 'SHOW coach_sms.key_file'), $one->key_file, 'they share a key file');
my ($oid, $same) = map { $_->safe_psql('postgres', "SELECT oid FROM pg_database WHERE datname = 'postgres'") } @both;
is($oid, $same, 'their databases have the same OID');

my %org;
my $texts = 0;

sub sends {
    my ($node, $what) = @_;
    $node->wait_for_status($node->enqueue($org{ $node->name }, '+6149157' . (1000 + $texts++), $what), 'sent', undef, name => $node->name . ": $what");
    return;
}

for my $node (@both) {
    my (undef, undef, $warning) = $node->psql('postgres', 'SELECT sms_go_live()');
    unlike($warning, qr/copied/, $node->name . ' is no copy');
    $org{ $node->name } = $node->make_org;
}
is_deeply([ map { $_->safe_psql('postgres', 'SELECT mode FROM sms_mode()') } @both ], [qw(live live)], 'both are live');
sends($_, 'live') for @both;
$_->restart for @both;
sends($_, 'after a restart') for @both;

$one->safe_psql('postgres', 'SELECT sms_go_sandbox()');
is($other->safe_psql('postgres', 'SELECT mode FROM sms_mode()'), 'live', 'one in the sandbox leaves the other live');
sends($other, 'live alone');
$one->go_live;
sends($_, 'live again') for @both;
is($fake->count, $texts, 'each message was sent');
is_deeply([ $fake->duplicates ], [], 'once');

# The file of a server that still runs 0.1.0 is nobody else's.
my $old_file = $one->key_file . ".live.$oid";
my $umask = umask 0077;
PostgreSQL::Test::Utils::append_to_file($old_file, "00000000-0000-4000-8000-000000000000 1\n");
umask $umask;
$one->safe_psql('postgres', 'SELECT sms_go_sandbox()');
$one->go_live;
like(PostgreSQL::Test::Utils::slurp_file($old_file), qr/^00000000/, 'the file of another server stays as it is');
is($one->safe_psql('postgres', "SELECT level, problem FROM sms_doctor() WHERE check_name = 'live_file'"),
    "note|file \"$old_file\" is named as by coach_sms 0.1.0, and belongs to another database", 'sms_doctor() reports it');

done_testing();
