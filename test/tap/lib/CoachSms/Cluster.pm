# A PostgreSQL server with coach_sms for one test: PostgreSQL::Test::Cluster plus what our tests say again and again.
#
#   my $fake = start_fake();
#   my $node = new_server('main', fake => $fake, conf => "coach_sms.request_timeout = '2s'");
#   $node->go_live;
#   my $org = $node->make_org;
#   my $id = $node->enqueue($org, '+61491570006', 'Hello');
#   $node->wait_for_status($id, 'sent');
#
# Methods named wait_* are assertions: each counts as one test. At the end of every test file, whatever it did,
# the servers' logs are searched for crashes, and one fails the file.
package CoachSms::Cluster;
use strict;
use warnings;
use parent 'PostgreSQL::Test::Cluster';

use Exporter 'import';
use File::Copy ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils ();
use Test::More;
use Time::HiRes ();
use CoachSms::Clock;
use CoachSms::Wait qw(deadline wait_until);

our @EXPORT = qw(new_server sql_quote);

my @servers;

# Makes and starts a server. Options:
#   fake      => a CoachSms::Fake to send to
#   conf      => more lines of postgresql.conf
#   extension => 0: without CREATE EXTENSION (and without a key) in the database postgres
#   start     => 0: do not start it (and so without extension)
#   init      => { ... }: parameters of PostgreSQL::Test::Cluster::init, such as allows_streaming => 1
#   clock     => 1: under a clock that the test moves (CoachSms::Clock)
#   fresh     => 1: an initdb of its own, so that its system identifier differs from other servers' of this run
sub new_server {
    my ($name, %options) = @_;
    my $node = __PACKAGE__->new($name);
    $node->adopt($options{fake}, $options{clock} ? CoachSms::Clock->new : undef);
    $node->{coach_sms_fresh} = $options{fresh};
    $node->init(%{ $options{init} || {} });
    $node->configure($options{conf});
    return $node if defined $options{start} && !$options{start};
    $node->start;
    $node->create_extension if $options{extension} // 1;
    return $node;
}

# Nodes that are made in other ways (a standby, a restored backup) become ours by this; configure() may follow.
sub adopt {
    my ($self, $fake, $clock) = @_;
    bless $self, __PACKAGE__;
    $self->{coach_sms_fake} = $fake;
    $self->{coach_sms_clock} = $clock;
    push @servers, $self;
    return $self;
}

# PostgreSQL 17 and later copy INITDB_TEMPLATE by themselves.
sub init {
    my ($self, %params) = @_;
    my $initdb = \&PostgreSQL::Test::Utils::system_or_bail;
    no warnings 'redefine';
    local *PostgreSQL::Test::Utils::system_or_bail = sub {
        my ($command, undef, $pgdata) = @_;
        return $initdb->(@_)
          if $command ne 'initdb' || $params{extra} || $self->{coach_sms_fresh} || !$ENV{INITDB_TEMPLATE};
        return $initdb->('cp', '-a', $ENV{INITDB_TEMPLATE}, $pgdata);
    };
    local $ENV{INITDB_TEMPLATE} = $self->{coach_sms_fresh} ? undef : $ENV{INITDB_TEMPLATE};
    $self->SUPER::init(%params);
    return;
}

# The server's environment holds the clock, ours does not.
sub start {
    my ($self, @params) = @_;
    local %ENV = (%ENV, $self->test_clock ? $self->test_clock->environment : ());
    return $self->SUPER::start(@params);
}

sub restart {
    my ($self, @params) = @_;
    local %ENV = (%ENV, $self->test_clock ? $self->test_clock->environment : ());
    return $self->SUPER::restart(@params);
}

sub configure {
    my ($self, $more) = @_;
    my $fake = $self->fake;
    mkdir $self->secrets_dir, 0700;
    $self->append_conf('postgresql.conf', join "\n",
        "shared_preload_libraries = 'coach_sms'",
        "coach_sms.key_file = '" . $self->key_file . "'",
        ($fake ? ("coach_sms.twilio_api_url = '" . $fake->url . "'") : ()),
        ($fake && $fake->{https} ? ("coach_sms.ca_file = '" . $fake->ca_file . "'") : ()),
        "coach_sms.fetch_delay = 0",  # only sending/late_news.pl asks about what a moved clock makes late
        "restart_after_crash = on",
        "max_prepared_transactions = 5",
        "log_statement = none",
        "timezone = 'UTC'",
        $more // '');
    return;
}

sub fake        { return $_[0]{coach_sms_fake} }
sub test_clock  { return $_[0]{coach_sms_clock} }
sub secrets_dir { return $_[0]->basedir . '/secrets' }
sub key_file    { return $_[0]->secrets_dir . '/coach_sms.key' }

# The key and the live file, as whoever keeps a standby ready copies them.
sub copy_secrets_to {
    my ($self, $other) = @_;
    my $mask = umask 0077;
    File::Copy::copy($_, $other->secrets_dir) or die "cannot copy $_: $!" for glob $self->secrets_dir . '/*';
    umask $mask;
    return;
}

# The extension in $db, and the server's key if there is none yet.
sub create_extension {
    my ($self, $db) = @_;
    $self->safe_psql($db // 'postgres', 'CREATE EXTENSION coach_sms');
    $self->safe_psql($db // 'postgres', 'SELECT sms_create_key(' . sql_quote($self->key_file) . ')')
      unless -e $self->key_file;
    return;
}

sub go_live { my ($self, $db) = @_; $self->safe_psql($db // 'postgres', 'SELECT sms_go_live()'); return; }

# Puts lines of pg_hba.conf before the others, which trust everybody.
sub require_passwords {
    my ($self, @lines) = @_;
    my $file = $self->data_dir . '/pg_hba.conf';
    my $others = PostgreSQL::Test::Utils::slurp_file($file);
    unlink $file;
    PostgreSQL::Test::Utils::append_to_file($file, join '', map { "$_\n" } @lines, $others);
    $self->reload;
    return;
}

# An org that may send at any hour without limits, with the fake's credentials; columns override. Returns its id.
sub make_org {
    my ($self, %columns) = @_;
    my $db = delete $columns{db} // 'postgres';
    my $org = delete $columns{org_id} // $self->safe_psql($db, 'SELECT gen_random_uuid()');
    my $fake = $self->fake;
    %columns = (
        twilio_phone_number => '+61491570156', timezone => 'UTC',
        quiet_hours_start => 0, quiet_hours_end => 0,
        max_sms_per_hour => undef, max_sms_per_client_per_day => undef,
        ($fake ? (twilio_account_sid => $fake->account, twilio_auth_token_encrypted => $fake->token) : ()),
        %columns);
    my @names = sort keys %columns;
    $self->safe_psql($db, sprintf 'INSERT INTO sms_settings (%s) VALUES (%s)',
        join(', ', 'org_id', @names), join(', ', map { sql_quote($_) } $org, @columns{@names}));
    return $org;
}

# One text to one number; further arguments of sms_enqueue by name. Returns the message's id.
sub enqueue {
    my ($self, $org, $to, $body, %more) = @_;
    my $db = delete $more{db} // 'postgres';
    my %arguments = (org_id => $org, to_phone => $to, body => $body, %more);
    return $self->safe_psql($db, 'SELECT sms_enqueue('
          . join(', ', map { "$_ => " . sql_quote($arguments{$_}) } sort keys %arguments) . ')');
}

# A number that this server has not texted by these functions yet.
sub fresh_number { my ($self) = @_; return sprintf '+614915%05d', ++$self->{coach_sms_numbers}; }

# One text, or $count of them ("$name 1", "$name 2"...), each to a number of its own. Both return ids.
sub text { my ($self, $org, $body, %more) = @_; return $self->enqueue($org, $self->fresh_number, $body, %more); }
sub texts { my ($self, $org, $name, $count, %more) = @_; return map { $self->text($org, "$name $_", %more) } 1 .. $count; }

# $node->set_org($org, 'max_sms_per_hour = 7');
sub set_org { my ($self, $org, $set) = @_; return $self->safe_psql('postgres', "UPDATE sms_settings SET $set WHERE org_id = " . sql_quote($org)); }

# An assertion: $sql gives $expected before the deadline (60 s unless given). Goes on through errors and restarts.
sub wait_for_sql {
    my ($self, $sql, $expected, $seconds, %options) = @_;
    my ($result, $error) = ('', '');
    my $reached = wait_until(sub {
        $self->psql($options{db} // 'postgres', $sql, stdout => \$result, stderr => \$error);
        return ($result // '') eq $expected;
    }, $seconds);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok(1, $options{name} // "$sql gives $expected") if $reached;
    ok(0, $options{name} // "$sql gives $expected");
    diag("it gave: $result\n$error\nthe server's log ends:\n" . $self->log_end);
    return 0;
}

sub wait_for_status {
    my ($self, $id, $status, $seconds, %options) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return $self->wait_for_sql('SELECT status FROM sms_messages WHERE id = ' . sql_quote($id),
        $status, $seconds, name => "message becomes $status", %options);
}

# Feeds to the webhook, as an Edge Function would, what the fake (callbacks => 'hold') has signed since the last
# time. Returns the http statuses.
sub relay_callbacks {
    my ($self, %options) = @_;
    my $fake = $self->fake;
    my @statuses;
    for my $callback ($fake->callbacks(since => $fake->{relayed})) {
        push @statuses, $self->safe_psql($options{db} // 'postgres',
            sprintf 'SELECT http_status FROM sms_twilio_webhook(%s, %s, %s)',
            map { sql_quote($_) } @$callback{qw(url body signature)});
        $fake->{relayed} = $callback->{seq};
    }
    return @statuses;
}

# Moves the clock to any timestamptz, or by a length of time; the sender looks at once what that makes due.
sub set_clock {
    my ($self, $time) = @_;
    my $ahead = $self->safe_psql('postgres', 'SELECT extract(epoch FROM ' . sql_quote($time) . '::timestamptz - clock_timestamp())');
    return $self->advance("$ahead seconds");
}

sub advance {
    my ($self, $length) = @_;
    my $clock = $self->test_clock;
    $clock->move_to($clock->offset + CoachSms::Clock::seconds($length));
    $self->psql('postgres', 'SELECT sms_wake_sender()') if defined $self->{_pid};
    return;
}

# What the server's clock says: now, and when the fake received something, in epoch seconds.
sub clock { my ($self) = @_; return $self->test_clock->at(Time::HiRes::time()); }
sub clock_at { my ($self, $received_at) = @_; return $self->test_clock->at($received_at / 1e6); }

# The process that sends for a database; waits until there is one.
sub sender_pid {
    my ($self, $db, $seconds) = @_;
    $db //= 'postgres';
    my $pid = '';
    wait_until(sub {
        $self->psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'coach_sms sender' AND datname = "
              . sql_quote($db), stdout => \$pid);
        return ($pid // '') ne '';
    }, $seconds);
    die "no sender for $db; the server's log ends:\n" . $self->log_end if ($pid // '') eq '';
    return $pid;
}

# As PostgreSQL::Test::Cluster::psql. A psql that the server refuses may end before it has read its script: that is a failed
# connection, psql's status 2, too.
sub psql {
    my ($self, $db, $sql, %params) = @_;
    my $wants_list = wantarray;
    my @result;
    return $wants_list ? @result : $result[0]
      if eval { @result = $wants_list ? $self->SUPER::psql($db, $sql, %params) : scalar $self->SUPER::psql($db, $sql, %params); 1 };
    die $@ if $@ !~ /^ack Broken pipe/ || $params{on_error_die};
    return $wants_list ? (2, '', $@) : 2;
}

sub log_end {
    my ($self) = @_;
    my @lines = -e $self->logfile ? split /^/, PostgreSQL::Test::Utils::slurp_file($self->logfile) : ();
    return join '', @lines > 30 ? @lines[-30 .. -1] : @lines;
}

# The lines that show a crash. A process that a test killed with -9 is none.
sub crashes {
    my ($self) = @_;
    return () unless -e $self->logfile;
    return grep { /terminated by signal (4|6|7|8|11)\b|PANIC:  |TRAP: |AddressSanitizer|runtime error:/ }
      split /^/, PostgreSQL::Test::Utils::slurp_file($self->logfile);
}

# An assertion, for where in a test it matters; the end of the file asks anyway.
sub assert_no_crash {
    my ($self) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is(join('', $self->crashes), '', 'no process of ' . $self->name . ' crashed');
}

# sql_quote(undef) is NULL.
sub sql_quote {
    my ($value) = @_;
    return 'NULL' unless defined $value;
    (my $quoted = $value) =~ s/'/''/g;
    return $quoted =~ s/\\/\\\\/g ? "E'$quoted'" : "'$quoted'";
}

END {
    my $status = $?;
    for my $node (@servers) {
        my @crashes = $node->crashes or next;
        diag("a process of " . $node->name . " crashed:\n@crashes");
        $status ||= 1;
    }
    $? = $status;
}

1;
