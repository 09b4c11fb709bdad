# The set-up for Supabase of doc/tenants.md, with its roles, default privileges and auth.uid(), and one pooled connection as
# PostgREST has it: each request says its role and claims, and nothing of it is left for the next.
use strict;
use warnings;
use PostgreSQL::Test::Utils qw(slurp_file);
use Test::More;
use CoachSms::Cluster;
use CoachSms::Failpoint;
use CoachSms::Fake;

my ($org, $other) = map { "${_}0000000-0000-4000-8000-000000000000" } qw(a b);
my ($ann, $bob) = map { "${_}1000000-0000-4000-8000-000000000000" } qw(a b);
my $fake = start_fake(callbacks => 'hold');
my $node = new_server('main', fake => $fake, extension => 0, conf => short_times(public_url => 'https://project.supabase.co/functions/v1/twilio-webhook'));

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql) }

sql(<<'SQL');
CREATE ROLE anon NOLOGIN NOINHERIT;
CREATE ROLE authenticated NOLOGIN NOINHERIT;
CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS;
CREATE ROLE authenticator LOGIN NOINHERIT;
GRANT anon, authenticated, service_role TO authenticator;
GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO anon, authenticated, service_role;
CREATE SCHEMA auth;
GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role;
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$
  SELECT coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''),
                  nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;
CREATE TABLE org_members (org_id uuid, user_id uuid);
ALTER TABLE org_members ENABLE ROW LEVEL SECURITY;
SQL
sql("INSERT INTO org_members VALUES ('$org', '$ann'), ('$other', '$bob')");
$node->create_extension;

# The page's own lines.
my ($set_up) = slurp_file('doc/tenants.md') =~ /```sql\n(CREATE FUNCTION public\.is_org_member.*?)```/s or die 'the page has changed';
is(sql("SELECT count(*) FROM coach_sms_internal.sms_grantees()"), 0, 'default privileges give nobody anything of ours');
sql($set_up);
$node->make_org(org_id => $_) for $org, $other;
$node->go_live;
is(sql("SELECT string_agg(check_name || ': ' || problem, '; ') FROM sms_doctor() WHERE NOT ok"), '', 'sms_doctor finds nothing wrong');

my $session;
sub connect_as { my ($role) = @_; return $session = $node->background_psql('postgres', on_error_stop => 0, extra_params => [ '-U', $role ]) }

# What one request of PostgREST gives: its rows, or the SQLSTATE.
sub request {
    my ($role, $claims, $sql) = @_;
    my $result = $session->query("BEGIN;\nSELECT set_config('role', '$role', true), set_config('request.jwt.claims', " . sql_quote($claims)
          . ", true) \\g /dev/null\n$sql;\n\\echo :SQLSTATE\nCOMMIT;\n");
    $session->{stderr} = '';
    my ($rows, $state) = $result =~ /^(.*?)\n?(\w{5})$/s;
    return $state eq '00000' ? $rows : $state;
}
sub as { my ($user, $sql) = @_; return request('authenticated', qq({"role": "authenticated", "sub": "$user"}), $sql) }
sub enqueue_for { my ($of, $number) = @_; return "SELECT * FROM public.sms_enqueue(org_id := '$of', to_phone := '$number', body := 'for $of')" }
my $messages = "SELECT string_agg(DISTINCT org_id::text, ' ') FROM public.sms_messages";

connect_as('authenticator');
my $id = as($ann, enqueue_for($org, '+61491570006'));
$node->wait_for_status($id, 'sent');
is(as($ann, $messages), $org, 'a member sends and reads');
is(as($bob, $messages), '', 'a member of another org reads nothing of it');
is(as($bob, enqueue_for($org, '+61491570007')), 'SM001', 'nor sends for it');
is(as($bob, "SELECT * FROM public.sms_cancel(message_id := '$id')"), 'SM012', 'nor knows its messages');
$node->wait_for_status(as($bob, enqueue_for($other, '+61491570110')), 'sent', undef, name => 'but sends for its own');
is(request('authenticated', '', $messages), '', 'without claims nobody is anybody, whoever asked before on this connection');
is(request('anon', '{"role": "anon"}', $_), '42501', "anon may not: $_")
  for $messages, enqueue_for($org, '+61491570007'), 'SELECT * FROM public.sms_go_live()', 'SELECT public.sms_every_org()', 'TRUNCATE public.sms_messages';
is(as($ann, $_), '42501', "nor a member: $_")
  for 'SELECT * FROM public.sms_go_live()', "UPDATE public.sms_messages SET status = 'sent'", 'TRUNCATE public.sms_settings', 'SELECT twilio_auth_token_encrypted FROM public.sms_settings';

# The key of the backend, which the Edge Function has too.
my $service = '{"role": "service_role"}';
is(request('service_role', $service, $messages), "$org $other", 'the backend reads all');
$fake->wait_for(callbacks => 2, to => '+61491570006');
for my $callback ($fake->callbacks) {
    is(request('service_role', $service, 'SELECT http_status FROM public.sms_twilio_webhook(' . join(', ', map { sql_quote($_) } @$callback{qw(url body signature)}) . ')'),
        200, "and hands on Twilio's call");
}
$node->wait_for_status($id, 'delivered');
is(request('service_role', $service, $_), '42501', "but may not: $_") for 'SELECT * FROM public.sms_go_live()', 'SELECT count(*) FROM coach_sms_internal.sms_queue';

# Who leaves an org, leaves it at once.
sql("DELETE FROM org_members WHERE user_id = '$ann'");
is(as($ann, $messages), '', 'who is no member any more reads nothing');
is(as($ann, enqueue_for($org, '+61491570007')), 'SM001', 'nor sends');
$session->quit;

# By claims in place of the function: those of PostgREST's sessions, and of nobody else.
sql(q(ALTER DATABASE postgres SET coach_sms.tenancy_function = ''; ALTER DATABASE postgres SET coach_sms.jwt_authenticators = 'authenticator';
      CREATE ROLE somebody LOGIN; GRANT authenticated TO somebody));
my @claims = ('authenticated', qq({"sub": "$ann", "app_metadata": {"org_ids": ["$org"]}}), $messages);
connect_as('authenticator');
is(request(@claims), $org, "a token's claims name the orgs");
$session->quit;
connect_as('somebody');
is(request(@claims), '', 'but not where somebody else sets them');
$session->quit;

is(scalar($fake->ledger), 2, 'Twilio took one message of each org');
is_deeply([ $fake->duplicates ], [], 'none twice');
done_testing();
