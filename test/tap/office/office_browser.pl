# The office's pages in a real browser: by keyboard and mouse, at a telephone's width, and by the rules of accessibility.
use strict;
use warnings;
use Test::More;
use CoachSms::Chromium;
use CoachSms::Cluster;
use CoachSms::Fake;
use CoachSms::Gateway;
use CoachSms::Program;
use PostgreSQL::Test::Utils qw(slurp_file);

my $fake = start_fake(callbacks => 'off');
my $gateway = start_gateway(args => ['--office=127.0.0.1:0']);
my $node = new_server('main', fake => $fake);
$gateway->serve($node);
$node->require_passwords('local all office,operator scram-sha-256');
$node->safe_psql('postgres', q{
    CREATE ROLE office LOGIN PASSWORD 'secret'; SELECT sms_grant_service('office');
    CREATE ROLE operator LOGIN PASSWORD 'secret'; SELECT sms_grant_operator('operator');});
my $org = $node->make_org;
my $long = 'a-word-that-is-so-long-that-it-fits-into-no-column-of-any-telephone-' x 3;
my $waits = $node->enqueue($org, '+61491570006', "Your session is tomorrow. $long", scheduled_for => 'tomorrow');
my $failed = $node->enqueue($org, '+61491570157', '<img src=x onerror="document.title=1">', scheduled_for => 'tomorrow');
$node->safe_psql('postgres', qq{
    SET session_replication_role = replica;
    UPDATE sms_messages SET status = 'failed', failed_at = now(), error_code = '30008', error_message = '<script>document.title = 2</script>' WHERE id = '$failed';
    DELETE FROM coach_sms_internal.sms_queue WHERE message_id = '$failed';
    INSERT INTO sms_events (org_id, event_type, event_payload, dedupe_key, processed_at)
      VALUES ('$org', 'inbound', '{"From": "+61491570006", "Body": "<b>Thanks</b>"}', 'e', now());
    INSERT INTO sms_suppression (org_id, phone) VALUES ('$org', '+61491570159');});

my $site = "http://127.0.0.1:$gateway->{office_port}";
my $chromium = start_chromium();

# axe-core says what hinders people with a screen reader or a keyboard.
my $dir = PostgreSQL::Test::Utils::tempdir_short();
my (undef, $trouble) = run_program('sh', '-c', 'cd "$1" && npm install --ignore-scripts --no-audit --no-fund --fetch-retries=0 axe-core >/dev/null', 'sh', $dir);
my $axe = -e "$dir/node_modules/axe-core/axe.min.js" ? slurp_file("$dir/node_modules/axe-core/axe.min.js") : undef;
diag('accessibility is not checked, since npm cannot install axe-core: ' . ($trouble =~ s/\n.*//sr)) if !$axe;

sub hindrances {
    return '' if !$axe;
    $chromium->run("$axe; return 1");
    my $found = $chromium->run_async('const done = arguments[arguments.length - 1];'
          . ' axe.run().then(r => done(r.violations.map(v => v.id + ": " + v.nodes.map(n => n.html).join(" "))), e => done([String(e)]))');
    return join "\n", @$found;
}

# COACH_SMS_PICTURES names a directory for pictures of the pages.
my $pictures = 0;
sub take_picture { my ($width) = @_; $chromium->take_picture(sprintf '%s/%02d-%s.png', $ENV{COACH_SMS_PICTURES}, ++$pictures, $width) if $ENV{COACH_SMS_PICTURES}; return; }

# Four tests: nothing is logged, loaded from elsewhere, wider than the window, or in the way.
sub is_well {
    my ($name) = @_;
    take_picture('desk');
    is(join("\n", $chromium->console), '', "$name: the console is empty");
    is($chromium->run('return performance.getEntriesByType("resource").map(e => e.name).filter(n => !n.startsWith(location.origin)).join(" ")'), '', 'nothing comes from elsewhere');
    is(hindrances(), '', 'nothing hinders people');
    $chromium->resize(360, 740);
    my $beyond = $chromium->run('return document.documentElement.scrollWidth - document.documentElement.clientWidth');
    take_picture('telephone');
    cmp_ok($beyond, '<=', 0, 'a telephone shows it without scrolling sideways');
    $chromium->resize(1280, 900);
    return;
}

sub sign_in {
    my ($role) = @_;
    $chromium->open("$site/");
    is_well('sign-in');
    $chromium->type('#role', $role);
    $chromium->type('#password', "secret\x{E007}");    # and Enter
    is($chromium->text('nav button'), "Sign out $role", "$role signs in by keyboard");
    return;
}

sign_in('office');
my %titles = ('/' => 'Today', '/upcoming' => 'Upcoming', '/problems' => 'Problems', '/inbox' => 'Inbox', '/opt-outs' => 'Opt-outs', '/costs' => 'Costs', '/server' => 'Server',
    "/message?id=$failed" => 'A message', "/confirm?do=again&id=$failed" => 'Send this message again?');
for my $path (sort keys %titles) {
    $chromium->open("$site$path");
    is($chromium->run('return document.querySelector("h1").innerText + " / " + document.title'), "$titles{$path} / $titles{$path} - coach_sms", "$path: what people wrote is text");
    is_well($path);
}

# One action of each sort, clicked through.
$chromium->open("$site/problems");
$chromium->click('a[href^="/confirm?do=again"]');
$chromium->click('main button');
$chromium->find('h2');    # of the message
my $again = $node->safe_psql('postgres', "SELECT id FROM sms_messages WHERE metadata->>'retry_of' = '$failed'");
like($chromium->url, qr{/message\?id=$again$}, 'sent again, by clicks');
$chromium->open("$site/upcoming");
$chromium->click('a[href^="/confirm?do=cancel"]');
$chromium->click('main button');
$node->wait_for_status($waits, 'cancelled', undef, name => 'cancelled by clicks');
$chromium->find('h2');
$chromium->click('nav button');
ok($chromium->find('#password'), 'signed out');
sign_in('operator');
is($chromium->text('h1'), 'Server', 'an operator comes to the server');
is_well('the server of an operator');
$chromium->click('a[href="/confirm?do=pause"]');
$chromium->click('main button');
$chromium->find('table');
is($node->safe_psql('postgres', 'SELECT paused_until FROM coach_sms_internal.sms_server'), 'infinity', 'paused by clicks');
done_testing();
