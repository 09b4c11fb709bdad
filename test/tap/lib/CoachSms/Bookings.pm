# The guide's application: tables of orgs, clients and bookings of a role that has no rights of ours, attached.
#
#   my $app = attach_app($node, zone => 'Australia/Sydney');    # an org with the guide's templates
#   my $client = $app->client('Ann Lee', '0491 570 006');
#   my $booking = $app->book($client, '2026-05-13 09:00+10');   # an hour, confirmed; further columns by name
#   $app->change($booking, start_time => '2026-05-14 07:00+10', end_time => '2026-05-14 08:00+10');
#   $app->texts($booking);                                      # 'confirmation delivered, reminder pending'
package CoachSms::Bookings;
use strict;
use warnings;

use Exporter 'import';
use Test::More;
use CoachSms::Cluster;

our @EXPORT = qw(attach_app);

sub attach_app {
    my ($node, %options) = @_;
    my $zone = delete $options{zone} // 'UTC';
    my $self = bless { node => $node, org => $node->make_org(timezone => $zone, %options) }, __PACKAGE__;
    $node->safe_psql('postgres', qq{
        CREATE ROLE coach_app;
        GRANT CREATE, USAGE ON SCHEMA public TO coach_app;
        SET ROLE coach_app;
        CREATE TABLE orgs (id uuid PRIMARY KEY, name text);
        CREATE TABLE clients (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id uuid, full_name text, phone text);
        CREATE TABLE bookings (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id uuid, client_id uuid,
          start_time timestamptz, end_time timestamptz, status text DEFAULT 'confirmed', location_details text);
        INSERT INTO orgs VALUES ('$self->{org}', 'Coach Kim');
        RESET ROLE;
        INSERT INTO sms_templates (org_id, template_key, body) VALUES
          ('$self->{org}', 'booking_confirmation', 'Hi {{client_name}}, your session with {{coach_name}} is confirmed for {{session_datetime}}. Location: {{location}}. Reply STOP to opt out.'),
          ('$self->{org}', 'session_reminder', 'Hi {{client_name}}, reminder: your session is coming up on {{session_datetime}} at {{location}}. See you soon! - {{coach_name}}'),
          ('$self->{org}', 'feedback_request', 'Hi {{client_name}}, thanks for your session with {{coach_name}}! How did it go? Share your feedback: {{feedback_link}}');
        SELECT sms_attach_bookings();
    });
    return $self;
}

sub org { return $_[0]{org} }

# As the application, which is no superuser.
sub sql {
    my ($self, $sql) = @_;
    my $result = $self->{node}->safe_psql('postgres', "SET ROLE coach_app; $sql");
    return $result =~ s/^SET\n?//r;
}

sub client {
    my ($self, $name, $phone) = @_;
    return $self->sql(sprintf 'INSERT INTO clients (org_id, full_name, phone) VALUES (%s, %s, %s) RETURNING id',
        map { sql_quote($_) } $self->{org}, $name, $phone);
}

sub book {
    my ($self, $client, $start, %more) = @_;
    my %columns = (org_id => $self->{org}, client_id => $client, start_time => $start, location_details => 'Court 1', %more);
    my @names = sort keys %columns;
    my $end = exists $columns{end_time} ? '' : ', end_time';
    return $self->sql(sprintf 'INSERT INTO bookings (%s%s) VALUES (%s%s) RETURNING id', join(', ', @names), $end,
        join(', ', map { sql_quote($_) } @columns{@names}), $end && ', ' . sql_quote($start) . "::timestamptz + interval '1 hour'");
}

sub change {
    my ($self, $booking, %columns) = @_;
    return $self->sql(sprintf 'UPDATE bookings SET %s WHERE id = %s',
        join(', ', map { "$_ = " . sql_quote($columns{$_}) } sort keys %columns), sql_quote($booking));
}

# Its messages as they stand, in the order in which they were made.
sub texts {
    my ($self, $booking) = @_;
    return $self->{node}->safe_psql('postgres', "SELECT string_agg(concat_ws(' ', metadata->>'booking_text', status, error_code), ', ' ORDER BY id)
        FROM sms_messages WHERE related_entity_id = '$booking'");
}

sub wait_for_texts {
    my ($self, $booking, $texts) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return $self->{node}->wait_for_sql("SELECT string_agg(concat_ws(' ', metadata->>'booking_text', status, error_code), ', ' ORDER BY id)
        FROM sms_messages WHERE related_entity_id = '$booking'", $texts, undef, name => "its texts: $texts");
}

1;
