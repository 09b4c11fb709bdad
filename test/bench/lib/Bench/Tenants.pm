# What row-level security costs a member who reads the newest page of an org's messages, in the full database: beside
# it a superuser's query, whom no policy binds. Once with a function that returns the member's orgs, once with one that
# is asked for each org there is.
package Bench::Tenants;
use strict;
use warnings;

use Bench::Data qw(stored_org);
use Bench::Report qw(alternate note row section);
use Bench::Server;
use Bench::Size qw(size);

my $page = 'SELECT id, to_phone, body, status, created_at FROM sms_messages%s ORDER BY created_at DESC LIMIT 50;';
my $where = ' WHERE org_id = ' . "'" . stored_org(7) . "'";
my @functions = (
    [ 'a function returns the orgs', 'public.my_orgs()' ],
    [ 'a function asked for each of ' . size('orgs') . ' orgs', 'public.is_org_member(uuid)' ]);

sub measure {
    my ($server) = @_;
    prepare($server);
    section('newest 50 of ' . Bench::Report::number(size('stored')) . ' messages, pages/s', 'without RLS');
    for my $function (@functions) {
        my ($what, $name) = @$function;
        $server->sql('full', "ALTER ROLE member SET coach_sms.tenancy_function = '$name'");
        row($what, alternate(sub { rate($server, 'member', $where) }, sub { rate($server, 'postgres', $where) }));
    }
    $server->sql('full', "ALTER ROLE member SET coach_sms.tenancy_function = 'public.my_orgs()'");
    row('the policy alone chooses, no WHERE', alternate(sub { rate($server, 'member', '') }, sub { rate($server, 'postgres', $where) }));
    note("the member's plan:", '');
    note("  $_", '') for split /\n/, run_as_member(sprintf "EXPLAIN (COSTS off) $page", $where);
    return;
}

sub prepare {
    my ($server) = @_;
    $server->sql('full', 'CREATE ROLE member LOGIN', 'CREATE TABLE org_members (org_id uuid PRIMARY KEY, member name)',
        "INSERT INTO org_members VALUES ('" . stored_org(7) . "', 'member')",
        "CREATE FUNCTION public.my_orgs() RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
         AS 'SELECT m.org_id FROM public.org_members m WHERE m.member = session_user'",
        "CREATE FUNCTION public.is_org_member(org uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
         AS 'SELECT EXISTS (SELECT FROM public.org_members m WHERE m.org_id = org AND m.member = session_user)'",
        "SELECT sms_grant_tenant('member')", 'ANALYZE org_members');
    return;
}

sub run_as_member { my ($sql) = @_; return Bench::Server::run('psql', '-XAtq', '-U', 'member', '-d', 'full', '-c', $sql) }
sub rate { my ($server, $user, $condition) = @_; return $server->rate('full', sprintf($page, $condition), 1, '-T', size('seconds'), '-U', $user) }

1;
