# What a backend's role enqueues reaches Twilio as it was meant: the text to the byte, one recipient whatever stands in the values.
use strict;
use warnings;
use JSON::PP qw(encode_json);
use Test::More;
use CoachSms::Cluster;
use CoachSms::Fake;

my $fake = start_fake();
my $node = new_server('main', fake => $fake);
$node->go_live;
my $org = $node->make_org;
$node->safe_psql('postgres', "CREATE ROLE backend LOGIN; SELECT sms_grant_service('backend')");

# As the role, which owns nothing and has no right but what sms_grant_service gave it.
sub as_backend { my ($sql) = @_; return $node->safe_psql('postgres', $sql, extra_params => [ '-U', 'backend' ]); }

sub enqueue {
    my ($to, %arguments) = @_;
    return as_backend("SELECT sms_enqueue('$org', to_phone => '$to', "
          . join(', ', map { "$_ => " . sql_quote($arguments{$_}) } sort keys %arguments) . ')');
}

is(as_backend('SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user'), 'backend|f', 'the role is nobody special');

# Line ends, quotes, a form's own signs, and values that look like placeholders and like parameters.
as_backend(q{INSERT INTO sms_templates (org_id, template_key, body) VALUES ('} . $org . q{', 'odd',
    E'Hi {{ name }},\r\n"see" you \'at\' {{time}} \\\\ 100% & more+more;\r\n\r\n{{note}} $1 ?a=b#c\tend')});
my %variables = (
    name => q{O'Brien "Bob" {{time}}},
    time => q{9&To=+61491570111&Body=stolen&From=+61491570112},
    note => "one\r\ntwo %0D%0ATo: +61491570113 {{x}} {{name}} \\n \\",
);
my $expected = qq{Hi $variables{name},\r\n"see" you 'at' $variables{time} \\ 100% & more+more;\r\n\r\n$variables{note} \$1 ?a=b#c\tend};
my $id = enqueue('+61491570006', template_key => 'odd', variables => encode_json(\%variables));
$node->wait_for_status($id, 'sent');
my ($sent, @more) = $fake->ledger;
is_deeply(\@more, [], 'Twilio took one message');
is($sent->{to}, '+61491570006', 'to the one person');
is($sent->{from}, '+61491570156', 'from the org\'s number');
is($sent->{body}, $expected, 'its text is exact');
is($sent->{odd_parameters}, undef, 'no parameter came twice, and none that Twilio does not know');
is($sent->{validity_period} // 0, 0, 'without expires_at there is no ValidityPeriod');
is(scalar($fake->requests), 1, 'one request, one recipient');
is(as_backend("SELECT status, template_key FROM sms_messages WHERE id = '$id'"), 'sent|odd', 'the role sees its message');

# expires_at becomes Twilio's ValidityPeriod; from ten hours on, which Twilio keeps no message for longer than, none is given.
for my $case ([ '1 hour', '+61491570120', 3540, 3600 ], [ '3 days', '+61491570121', 0, 0 ]) {
    my ($time, $to, $least, $most) = @$case;
    $node->wait_for_status(enqueue($to, body => "expires in $time", expires_at => as_backend("SELECT now() + interval '$time'")), 'sent');
    my ($row) = $fake->ledger(to => $to);
    $row->{validity_period} //= 0;
    cmp_ok($row->{validity_period}, '>=', $least, "expires_at in $time: ValidityPeriod is no less than what is left of it");
    cmp_ok($row->{validity_period}, '<=', $most, "expires_at in $time: nor more");
}

# Nor may the role go behind the functions.
for my $case ([ 'SELECT count(*) FROM coach_sms_internal.sms_queue', 'schema coach_sms_internal' ],
    [ "UPDATE sms_messages SET to_phone = '+61491570111'", 'table sms_messages' ]) {
    my (undef, undef, $error) = $node->psql('postgres', $case->[0], extra_params => [ '-U', 'backend' ]);
    like($error, qr/permission denied for $case->[1]/, "refused: $case->[0]");
}
is_deeply([ $fake->duplicates ], [], 'nothing went twice');

done_testing();
