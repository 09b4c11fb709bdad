# The lines of a server's log since a place in it.
#
#   my $mark = log_mark($node);
#   ...
#   wait_for_log_line($node, $mark, qr/is back/, 'it says so');      # an assertion
#   is(scalar(log_lines($node, $mark)), 1, 'once');
package CoachSms::Log;
use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Utils ();
use Test::More;
use CoachSms::Wait qw(wait_until);

our @EXPORT = qw(log_mark log_since log_lines wait_for_log_line);

sub log_mark { my ($node) = @_; return -s $node->logfile; }

sub log_since { my ($node, $mark) = @_; return PostgreSQL::Test::Utils::slurp_file($node->logfile, $mark); }

# Messages that match, without what belongs to them (DETAIL, HINT, CONTEXT) and without what a server says by itself.
sub log_lines {
    my ($node, $mark, $pattern) = @_;
    return grep { /(LOG|WARNING|ERROR|FATAL|PANIC|INFO|NOTICE):  / && !/checkpoint|SIGHUP|parameter ".*" changed/ && (!$pattern || /$pattern/) }
      split /^/, log_since($node, $mark);
}

sub wait_for_log_line {
    my ($node, $mark, $pattern, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok(wait_until(sub { log_since($node, $mark) =~ $pattern }), $name) || diag(log_since($node, $mark));
}

1;
