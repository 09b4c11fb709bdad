# A script for psql that is run again and again until it comes to its end, through stops and crashes of the server. So each of
# its statements must allow to be repeated.
#
#   my $session = CoachSms::Session->start($node, 'load', $script);
#   my $output = $session->finish;    # what its last run printed, and what the broken ones had before
package CoachSms::Session;
use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Utils ();
use Time::HiRes qw(time);
use CoachSms::Wait qw(deadline wait_until);

# The server ended the session, or did not let it in.
my $is_broken = join '|', 'terminating connection', 'server closed the connection', 'connection to server',
  'not yet accepting', 'recovery mode', 'shutting down', 'starting up';

sub start {
    my ($class, $node, $name, $script) = @_;
    my $self = bless { node => $node, file => $node->basedir . "/$name.sql", name => $name, output => '' }, $class;
    open my $file, '>', $self->{file} or die "cannot write $self->{file}: $!";
    print {$file} $script;
    close $file or die "cannot write $self->{file}: $!";
    $self->run;
    return $self;
}

sub run {
    my ($self) = @_;
    ($self->{out}, $self->{errors}) = ('', '');
    $self->{psql} = IPC::Run::start(
        [ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $self->{node}->connstr('postgres'), '-f', $self->{file} ],
        '<', \undef, '>', \$self->{out}, '2>', \$self->{errors}, IPC::Run::timeout(deadline(120)));
    return;
}

sub finish {
    my ($self) = @_;
    my $end = time + deadline(120);
    until ($self->ended_well) {
        die "$self->{name}: $self->{errors}" if $self->{errors} !~ /$is_broken/ || time > $end;
        wait_until(sub { $self->{node}->psql('postgres', 'SELECT') == 0 }) or die "the server is not back";
        $self->run;
    }
    return $self->{output};
}

sub ended_well {
    my ($self) = @_;
    my $is_well = $self->{psql}->finish;
    $self->{output} .= $self->{out};
    return $is_well;
}

1;
