# A message that cannot be judged before it leaves (here a function of ours is gone) holds up no other.
use strict;
use warnings;
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my $fake = start_fake(callbacks => 'off');
my $node = new_server('main', fake => $fake, conf => short_times());
my ($bad, $good) = ($node->make_org, $node->make_org);
$node->go_live;
$node->safe_psql('postgres', 'ALTER FUNCTION coach_sms_internal.sms_recheck_bookings(uuid[]) RENAME TO gone');
my $about = $node->safe_psql('postgres', "SELECT sms_enqueue('$bad', to_phone => '+61491570110', body => 'about a booking', related_entity_type => 'booking', related_entity_id => '$bad')");
$node->wait_for_sql("SELECT count(*) FROM sms_worker_stat WHERE last_error ~ 'sms_recheck_bookings'", '1', undef, name => 'the pre-send check raises for it');
my @others = map { $node->enqueue($good, "+6149157012$_", "other $_") } 0 .. 4;
$node->wait_for_status($_, 'sent') for @others;
is($fake->count(to => '+61491570110'), 0, 'it has not left');
is($node->safe_psql('postgres', "SELECT status FROM sms_messages WHERE id = '$about'"), 'queued', 'it waits');
$node->safe_psql('postgres', 'ALTER FUNCTION coach_sms_internal.gone(uuid[]) RENAME TO sms_recheck_bookings');
$node->safe_psql('postgres', "SELECT sms_reschedule('$about', now())");
$node->wait_for_status($about, 'sent', undef, name => 'and goes once it can be judged');
is($fake->count, 6, 'Twilio took each once');
done_testing();
