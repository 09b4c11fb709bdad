# What a tenant with plain SQL learns beyond the rows of its orgs: nothing.
use strict;
use warnings;
use POSIX ();
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my ($org, $other) = ('a1b2c3d4-0000-4000-8000-00000000000a', 'b1b2c3d4-0000-4000-8000-00000000000b');
my $next_month = POSIX::strftime('%F', gmtime(time + 30 * 86_400));
my $node = new_server('main', fake => start_fake(), conf => short_times());
$node->make_org(org_id => $_) for $org, $other;
my $of_other = $node->enqueue($other, '+61491570006', 'of the other', scheduled_for => $next_month);
$node->safe_psql('postgres', <<"SQL");
CREATE ROLE member LOGIN;
CREATE FUNCTION public.is_org_member(org uuid) RETURNS boolean LANGUAGE sql STABLE SET search_path = '' RETURN org = '$org';
ALTER DATABASE postgres SET coach_sms.tenancy_function = 'public.is_org_member(uuid)';
SELECT sms_grant_tenant('member');
SQL

# Anybody may have parse trees and plans printed (debug_print_plan, client_min_messages), and plans contain the values they
# were made for. Ours, which are made as coach_sms_owner, are not for whoever calls.

# As nodeToString() writes the bytes of a uuid.
sub bytes { my ($id) = @_; return join ' ', unpack 'c16', pack 'H*', $id =~ s/-//gr }

sub printed {
    my ($user, $sql) = @_;
    my $stderr;
    $node->psql('postgres', "SET client_min_messages = log;\nSET debug_print_parse = on;\nSET debug_print_rewritten = on;\nSET debug_print_plan = on;\nSET debug_pretty_print = off;\n$sql;",
        extra_params => [ '-U', $user ], stderr => \$stderr, on_error_stop => 0);
    return $stderr =~ s/\s+/ /gr;    # the lines are cut at some length
}

my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
my $shown = printed($superuser, "SELECT FROM public.sms_settings WHERE org_id = '$other'");
like($shown, qr/\Q${\ bytes($other)}\E/, 'a plan shows what it was made for');

for my $sql (
    (map { "SELECT * FROM public.$_" } qw(sms_messages sms_templates sms_queue_stat sms_delivery_stats sms_cost)),
    "SELECT public.sms_is_my_org('$org')",
    (map { "SELECT public.$_('$of_other')" } qw(sms_why sms_cancel sms_retry sms_explain)),
    "SELECT public.sms_erase_person('$org', '+61491570006')",
    "SELECT public.sms_enqueue('$org', to_phone => '+61491570006', body => 'x')",
    "INSERT INTO public.sms_templates (org_id, template_key, body) VALUES ('$org', 'k', 'x')") {
    my $printed = printed('member', $sql);
    like($printed, qr/LOG: plan:/, "a member has plans printed: $sql");
    unlike($printed, qr/\Q${\ bytes($other)}\E|$other/, 'and sees nothing of other orgs in them');
}
is($node->safe_psql('postgres', "SET ROLE member; SET debug_print_plan = on; SELECT public.sms_is_my_org('$org'); SHOW debug_print_plan"),
    "t\non", 'the setting is the caller\'s again afterwards');

# Why the server as a whole does not send is for those who run it.
my $mine = $node->enqueue($org, '+61491570007', 'mine', scheduled_for => $next_month);
$node->safe_psql('postgres', "SELECT sms_detach_worker(); SELECT sms_reschedule('$mine', NULL)");
$node->wait_for_sql('SELECT sender_state FROM sms_health', 'held');
my $why = "SELECT detail FROM public.sms_why('$mine') ORDER BY at DESC, what DESC LIMIT 1";
like($node->safe_psql('postgres', $why), qr/^waits: the sender is held back until/, 'sms_why() shows a superuser why nothing is sent');
is($node->safe_psql('postgres', "SET ROLE member; $why"), "waits: the server sends nothing at the moment; sms_doctor() shows its operator the reason", 'and a tenant that it is so');

done_testing();
