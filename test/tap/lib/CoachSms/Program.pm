# Programs that a test runs or starts. None of them outlives its deadline.
#
#   my ($output, $errors) = run_program('psql', '-f', 'week.sql');
#   my ($program, $port) = start_program('perl', 'server.pl');    # prints a line when it is ready
#   my $daemon = start_daemon($log, 'prometheus', ...);           # prints nothing when it is ready
#   stop_program($program);                                       # ends when its standard input does
package CoachSms::Program;
use strict;
use warnings;

use Exporter 'import';
use IO::Select;
use IPC::Open2 qw(open2);
use POSIX ();
use PostgreSQL::Test::Utils qw(run_command);
use CoachSms::Wait qw(deadline wait_until);

our @EXPORT = qw(run_program start_daemon start_program stop_program);

# Returns the output and the errors. The errors name a command that did not end by the deadline.
sub run_program {
    my (@command) = @_;
    my $seconds = deadline(120);
    my ($output, $errors) = run_command([ 'timeout', '-k', 5, $seconds, @command ]);
    my $is_late = $? >> 8 == 124 || $? >> 8 == 137;
    return ($output, $errors . ($is_late ? "$command[0] did not end within $seconds s" : ''));
}

# Returns the program and the first line of its output. Dies if no line comes by the deadline.
sub start_program {
    my (@command) = @_;
    my $pid = open2(my $from, my $to, @command);
    my $program = { pid => $pid, from => $from, stdin => $to };
    my $line = IO::Select->new($from)->can_read(deadline()) ? <$from> : undef;
    if (!defined $line) {
        stop_program($program);
        die "@command did not start";
    }
    chomp $line;
    return ($program, $line);
}

# Starts a program that does not look at its standard input. Its output goes to the log, a file.
sub start_daemon {
    my ($log, @command) = @_;
    my ($program) = start_program('sh', '-c', 'log=$1; shift; "$@" >>"$log" 2>&1 & echo started; read gone; kill $!; wait', 'sh', $log, @command);
    return $program;
}

# Closes the program's standard input, and kills the program if it does not end by the deadline. Returns whether it ended.
sub stop_program {
    my ($program) = @_;
    close $program->{stdin};
    return 1 if wait_until(sub { waitpid($program->{pid}, POSIX::WNOHANG()) != 0 });
    kill KILL => $program->{pid};
    waitpid $program->{pid}, 0;
    return 0;
}

1;
