# The pages of the office and the operator: each role sees its own, and does what it may.
use strict;
use warnings;
use Test::More;
use CoachSms::Browser;
use CoachSms::Cluster;
use CoachSms::Fake;
use CoachSms::Gateway;
use PostgreSQL::Test::Utils;

my $fake = start_fake(callbacks => 'off');
my $gateway = start_gateway(args => ['--office=127.0.0.1:0']);
my $node = new_server('main', fake => $fake);
$gateway->serve($node);
$node->require_passwords('local all ann,lou,office,operator,boss,nobody scram-sha-256', 'hostssl all ann 127.0.0.1/32 scram-sha-256');
PostgreSQL::Test::Utils::system_or_bail('openssl', 'req', '-new', '-x509', '-nodes', '-days', 2, '-subj', '/CN=localhost',
    '-keyout', $node->data_dir . '/server.key', '-out', $node->data_dir . '/server.crt');
chmod 0600, $node->data_dir . '/server.key';
$node->append_conf('postgresql.conf', "listen_addresses = '127.0.0.1'\nssl = on\n");
$node->restart;

# A member of each of two orgs, where the tenancy function decides by the role; and the other kinds.
my $org = $node->make_org;
my $other = $node->make_org;
$node->safe_psql('postgres', qq{
    CREATE FUNCTION public.orgs_of_role() RETURNS SETOF uuid LANGUAGE sql STABLE
      AS \$\$ SELECT CASE current_user WHEN 'ann' THEN '$org'::uuid WHEN 'lou' THEN '$other'::uuid END \$\$;
    ALTER DATABASE postgres SET coach_sms.tenancy_function = 'public.orgs_of_role()';
    CREATE ROLE ann LOGIN PASSWORD 'secret of ann'; SELECT sms_grant_tenant('ann');
    CREATE ROLE lou LOGIN PASSWORD 'secret of lou'; SELECT sms_grant_tenant('lou');
    CREATE ROLE office LOGIN PASSWORD 'secret of office'; SELECT sms_grant_service('office');
    CREATE ROLE operator LOGIN PASSWORD 'secret of operator'; SELECT sms_grant_operator('operator');
    CREATE ROLE boss LOGIN SUPERUSER PASSWORD 'secret of boss';
    CREATE ROLE nobody LOGIN PASSWORD 'secret of nobody';
    CREATE ROLE trusted LOGIN PASSWORD 'secret of trusted'; SELECT sms_grant_service('trusted');});

# Who gets in.
sub try { my ($role, $password) = @_; return new_browser($gateway)->sign_in($role, $password)->{status}; }
is(try('ann', 'secret of lou'), 403, 'a wrong password');
is(try('trusted', 'secret of trusted'), 403, 'a role that the server trusts without a password');
is(try('boss', 'secret of boss'), 403, 'a superuser');
is(try('nobody', 'secret of nobody'), 403, 'a role of no kind');
is(try('ann', ''), 403, 'an empty password');
is(try('ann', 'secret of ann'), 429, 'after five failures an address waits');
my $reasons = join "\n", $gateway->log_text =~ /a sign-in failed: (.*)/g;
like($reasons, qr/refuses role and password.*\n.*no password\n.*superusers.*\n.*no right to see.*\n.*are needed/, 'the log has the reasons');
unlike($gateway->log_text, qr/secret/, 'and no password');
$gateway->stop;
$gateway->start;

my $by_tls = start_gateway(args => [ '--office=127.0.0.1:0', '--dbname=host=127.0.0.1 dbname=postgres sslmode=require port=' . $node->port ]);
like(new_browser($by_tls)->sign_in('ann', 'secret of ann')->{content}, qr/<h1>Today/, 'over TLS to the database');
is($node->safe_psql('postgres', "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'ann'"), 't', 'which is used');
is($by_tls->stop, 0, 'that gateway ends well');

# Behind a proxy the browser is the last one of the last X-Forwarded-For, whatever the browser says itself.
my $proxied = start_gateway(args => [ '--office=127.0.0.1:0', '--office-behind-proxy', '--dbname=host=' . $node->host . ' dbname=postgres port=' . $node->port ]);
sub try_from { my ($from, $password) = @_; return new_browser($proxied)->request('/sign-in', form => { role => 'ann', password => $password }, headers => { 'Sec-Fetch-Site' => 'same-origin', 'X-Forwarded-For' => $from }); }
my $tried = join ' ', map { try_from("10.0.0.$_, 192.0.2.1", '')->{status} } 1 .. 6;
is($tried, '403 403 403 403 403 429', 'guesses are counted by the address that the proxy saw');
like(try_from('192.0.2.1, 192.0.2.2', 'secret of ann')->{headers}{'set-cookie'}, qr/^__Host-coach_sms_office=\S+ Path=\/; HttpOnly; SameSite=Strict; Secure$/, 'the cookie is for HTTPS and this host alone');
is($proxied->stop, 0, 'that gateway ends well, too');

my $ann = new_browser($gateway);
like($ann->open('/problems')->{content}, qr/<h1>Sign in/, 'without a sign-in there is the form');
my $signed_in = $ann->request('/sign-in', form => { role => 'ann', password => 'secret of ann' });
is($signed_in->{status}, 303, 'ann signs in');
like($signed_in->{headers}{'set-cookie'}, qr/; Path=\/; HttpOnly; SameSite=Strict$/, 'the cookie is kept from scripts and other sites');
unlike($signed_in->{headers}{'set-cookie'}, qr/ann|secret/, 'and sealed');
my $empty = $ann->open('/');
like($empty->{content}, qr/Nothing has gone out today/, 'a day without messages');
like($empty->{headers}{'content-security-policy'}, qr/^default-src 'none'; style-src 'self'/, 'the policy lets nothing else load');

# Messages with hostile texts.
my $hostile = q{<script>alert("1")</script>'&amp;};
my $waits = $node->enqueue($org, '+61491570006', "$hostile waits", scheduled_for => 'tomorrow');
my $failed = $node->enqueue($org, '+61491570157', "$hostile failed", scheduled_for => 'tomorrow');
my $of_others = $node->enqueue($other, '+61491570158', 'text of others');
$node->safe_psql('postgres', qq{
    SET session_replication_role = replica;
    UPDATE sms_messages SET status = 'failed', failed_at = now(), error_code = '30008', error_message = '$hostile' WHERE id = '$failed';
    DELETE FROM coach_sms_internal.sms_queue WHERE message_id = '$failed';
    INSERT INTO sms_events (org_id, event_type, event_payload, dedupe_key, processed_at)
      VALUES ('$org', 'inbound', '{"From": "+61491570006", "Body": "<b>hello</b>"}', 'e', now());
    INSERT INTO sms_suppression (org_id, phone, notes) VALUES ('$org', '+61491570159', '<i>');} =~ s/'1'/''1''/gr =~ s/'&amp;'/''&amp;'/gr);
my %pages = ('/' => 'failed', '/upcoming' => 'waits', '/problems' => 'send it again later', '/inbox' => '&lt;b&gt;hello', '/opt-outs' => '61491570159', '/costs' => 'By template');
for my $path (sort keys %pages) {
    my $page = $ann->open($path);
    is($page->{status}, 200, "$path is there");
    like($page->{content}, qr/\Q$pages{$path}\E/, 'with its rows');
    unlike($page->{content}, qr/<script|<b>|<i>|<em>|text of others/, 'what people wrote is data, and others see theirs');
}
like($ann->open("/message?id=$failed")->{content}, qr/enqueued.*30008: &lt;script&gt;/s, 'a message tells what happened');
like($ann->open("/message?id=$of_others")->{content}, qr/There is none with this id/, 'that of another org is none');
like($ann->open("/message?id=x'; DROP TABLE sms_messages; --")->{content}, qr/This cannot be read/, 'an id that is none');
is($ann->open('/server')->{status}, 404, 'the server is not for tenants');
is($ann->open('/confirm?do=pause')->{status}, 404, 'nor is the pause');

# Actions: asked first, done once, by a form of ours only.
like($ann->open("/confirm?do=again&id=$failed")->{content}, qr/Send this message again\?/, 'sending again asks first');
is($node->safe_psql('postgres', 'SELECT count(*) FROM sms_messages'), 3, 'and does nothing yet');
is($ann->request('/do', form => { token => $ann->{token}, do => 'again', id => $failed }, headers => { 'Sec-Fetch-Site' => 'cross-site' })->{status}, 403, 'a form of another site');
is($ann->request('/do', form => { token => $ann->{token}, do => 'again', id => $failed }, headers => {})->{status}, 403, 'a form of nobody');
is($ann->request('/do', form => { do => 'again', id => $failed })->{status}, 403, 'a form without its token');
is($node->safe_psql('postgres', 'SELECT count(*) FROM sms_messages'), 3, 'do nothing');
like($ann->submit('/do', do => 'again', id => $failed)->{content}, qr/A message/, 'the form of ours does');
is($node->safe_psql('postgres', "SELECT count(*) FROM sms_messages WHERE metadata->>'retry_of' = '$failed'"), 1, 'it is sent again');
$ann->submit('/do', do => 'cancel', id => $waits);
is($node->safe_psql('postgres', "SELECT status, error_message FROM sms_messages WHERE id = '$waits'"), 'cancelled|by ann, in the office', 'cancelled, and by whom');
like($ann->submit('/do', do => 'cancel', id => $waits)->{content}, qr/has left, or ended, already/, 'cancelled twice');
is($ann->submit('/do', do => 'cancel', id => $of_others)->{status}, 409, 'the message of another org cannot be cancelled');
is($ann->submit('/do', do => 'pause')->{status}, 404, 'a tenant cannot pause the server');

# More rows than a page has.
$node->safe_psql('postgres', "SELECT count(sms_enqueue('$other', to_phone => '+61491570158', body => 'number ' || n)) FROM generate_series(1, 60) n");
$node->wait_for_sql("SELECT count(*) FROM sms_messages WHERE org_id = '$other' AND status = 'delivered'", 61, undef, name => 'the sandbox has sent all');
my $lou = new_browser($gateway);
$lou->sign_in('lou', 'secret of lou');
my $first = $lou->open('/')->{content};
my ($bars) = $first =~ /aria-label="Sent, by hour; ([^"]+)"/;
my $sum = 0;
$sum += $_ for $bars =~ /: (\d+)/g;
is($sum, 61, 'the bars have all messages');
my ($older) = $first =~ m{<a href="(/\?org=[^"]+)">More};
my $second = $lou->open($older =~ s/&amp;/&/gr)->{content};
my %seen = map { $_ => 1 } "$first$second" =~ /number \d+/g;
is(keys %seen, 60, 'two pages have all rows');
is(scalar(() = $first =~ /number \d+/g) + (() = $second =~ /number \d+/g), 60, 'and each row once');

# The backend sees all orgs, one at a time; an operator the server, and no text.
my $office = new_browser($gateway);
$office->sign_in('office', 'secret of office');
like($office->open("/?org=$other")->{content}, qr/number 60/, 'one org');
unlike($office->open("/?org=$org")->{content}, qr/number 60/, 'or another');
my $operator = new_browser($gateway);
like($operator->sign_in('operator', 'secret of operator')->{content}, qr/Server/, 'an operator comes to the server');
my $server = $operator->open('/server')->{content};
like($server, qr/<p class="letters">SANDBOX</, 'which says how it sends');
unlike($server, qr/number \d/, 'without a text');
is($operator->open($_)->{status}, 404, "$_ is not for operators") for '/problems', "/message?id=$failed";
like($operator->open('/confirm?do=pause')->{content}, qr/Send nothing for any org/, 'a pause asks first');
$operator->submit('/do', do => 'pause');
is($node->safe_psql('postgres', 'SELECT paused_until FROM coach_sms_internal.sms_server'), 'infinity', 'and pauses');
$operator->open('/confirm?do=resume');
$operator->submit('/do', do => 'resume');
is($node->safe_psql('postgres', 'SELECT coalesce(max(paused_until)::text, \'-\') FROM coach_sms_internal.sms_server'), '-', 'resuming sends again');

# Signing out ends all copies of the cookie; a changed one is none.
my $copy = new_browser($gateway);
$copy->{cookies} = { %{ $ann->{cookies} } };
like($copy->open('/')->{content}, qr/<h1>Today/, 'a copy of the cookie');
$ann->open('/');
$ann->submit('/sign-out');
like($ann->open('/')->{content}, qr/<h1>Sign in/, 'after signing out');
like($copy->open('/')->{content}, qr/<h1>Sign in/, 'the copy is over, too');
is($copy->request('/do', form => {})->{status}, 403, 'for forms, too');
$copy->{cookies} = { map { $_ => $lou->{cookies}{$_} =~ tr/A-Ma-m/N-Zn-z/r } keys %{ $lou->{cookies} } };
like($copy->open('/')->{content}, qr/<h1>Sign in/, 'a cookie that was changed');
$gateway->stop;
$gateway->start;
$lou->{site} = new_browser($gateway)->{site};
like($lou->open('/')->{content}, qr/<h1>Sign in/, 'a restart signs all out');
is($gateway->get('/problems')->{status}, 404, 'the pages for machines are elsewhere');
is(new_browser($gateway)->request('/style.css')->{status}, 200, 'the style sheet');
done_testing();
