# An nginx with one of the rules of doc/webhook.md.
#
#   my $nginx = start_nginx($port, 'test/webhook/nginx.conf', 'http://127.0.0.1:3000' => $postgrest_url);
#   stop_program($nginx);
package CoachSms::Nginx;
use strict;
use warnings;

use Exporter 'import';
use IO::Socket::INET;
use PostgreSQL::Test::Utils qw(append_to_file slurp_file);
use CoachSms::Program;
use CoachSms::Wait qw(wait_until);

our @EXPORT = qw(has_nginx start_nginx);

my ($nginx) = grep { -x } map { "$_/nginx" } split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin';

sub has_nginx { return defined $nginx; }

# Listens at the port with exactly the rule of the file, but for these changes.
sub start_nginx {
    my ($port, $file, %changes) = @_;
    my $dir = PostgreSQL::Test::Utils::tempdir_short();
    my $rule = slurp_file($file);
    $rule =~ s{\Q$_\E}{$changes{$_}} or die "$file has no $_" for keys %changes;
    my $paths = join '', map { "${_}_temp_path $dir/$_; " } qw(client_body proxy fastcgi uwsgi scgi);
    append_to_file("$dir/nginx.conf", "daemon off; master_process off; pid $dir/pid; error_log $dir/error.log;\nevents {}\n"
        . "http { access_log off; $paths\nserver { listen 127.0.0.1:$port;\n$rule} }\n");
    my $program = start_daemon("$dir/error.log", $nginx, '-e', "$dir/error.log", '-c', "$dir/nginx.conf");
    wait_until(sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) }, 20)
      or die 'nginx did not start: ' . slurp_file("$dir/error.log");
    return $program;
}

1;
