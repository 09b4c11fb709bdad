# postgrest.pl KEY ROLE BODY_FILE: a stand-in for PostgREST before the database that PGHOST, PGPORT and PGDATABASE name.
# Prints its port, keeps each body in BODY_FILE as it came, and ends when its standard input does.
#
# It does what PostgREST documents (references/api/functions, "Functions with a single unnamed parameter", references/errors
# and references/transactions), as far as our tests meet it: a text/plain body posted to /rpc/NAME is the argument of the
# function NAME with one unnamed text parameter, called as the role of the key, in one transaction, with the request's
# headers as JSON in request.headers. response.status says the status, and a function that returns void has no body.
# A body of JSON has the arguments by name; the answer is the result as JSON, or the error. Anything else is refused as
# PostgREST would.
use strict;
use warnings;
use File::Temp;
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();

my ($key, $role, $body_file) = @ARGV;

sub quote {
    my ($text) = @_;
    $text =~ s/(['\\])/$1$1/g;
    return "E'$text'";
}

sub psql {
    my ($sql, $errors) = @_;
    my $script = File::Temp->new;
    binmode $script;
    print {$script} $sql;
    close $script;
    $errors //= '&2';
    chomp(my $result = qx(psql -XqAt -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -f $script 2>$errors));
    return $? == 0 ? $result : undef;
}

sub call {
    my ($name, $headers, $body) = @_;
    my $found = psql("SELECT 1 FROM pg_proc WHERE proname = '$name' AND prorettype = 'void'::regtype
        AND proargtypes = ARRAY['text'::regtype]::oidvector AND proargnames IS NULL");
    return 404 unless $found;
    my $set = join ', ', map { quote($_) } $role, JSON::PP->new->ascii->encode($headers);
    my $status = psql(sprintf <<'SQL', $set, $name, quote($body));
\o /dev/null
BEGIN;
SELECT set_config('role', role, true), set_config('request.headers', headers, true) FROM (VALUES (%s)) _(role, headers);
SELECT %s(%s);
\o
SELECT current_setting('response.status', true);
COMMIT;
SQL
    return defined $status ? $status || 204 : 500;
}

# rpc with arguments by name, as supabase-js posts it.
sub call_by_name {
    my ($name, $headers, $body) = @_;
    my $arguments = eval { JSON::PP->new->utf8->decode($body) } or return 400;
    return 404 unless psql("SELECT 1 FROM pg_proc WHERE proname = '$name'");
    my $errors = File::Temp->new;
    my $result = psql(sprintf(<<'SQL', quote($role), $name, join ', ', map { "\"$_\" => " . quote($arguments->{$_}) } sort keys %$arguments), "$errors");
\o /dev/null
BEGIN;
SELECT set_config('role', %s, true);
\o
SELECT to_json(%s(%s));
COMMIT;
SQL
    return (200, $result) if defined $result;
    my ($code, $message) = join('', <$errors>) =~ /ERROR:  (\w{5}): (.*)/ or return 500;
    return ($code eq '23505' ? 409 : $code eq '42501' ? 403 : 400, JSON::PP->new->encode({ code => $code, message => $message, details => undef, hint => undef }));
}

sub answer {
    my ($method, $target, $headers, $body) = @_;
    my ($path, $query) = split /\?/, $target, 2;
    my ($name) = $path =~ m{^(?:/rest/v1)?/rpc/(\w+)$} or return 404;
    return 401 if ($headers->{authorization} // '') ne "Bearer $key";
    return 400 if defined $query;    # org=... is no filter
    return 406 if ($headers->{accept} // '*/*') ne '*/*';
    return 404 if $method ne 'POST' || ($headers->{'content-type'} // '') !~ m{^(text/plain|application/json)\b};
    return $1 eq 'text/plain' ? call($name, $headers, $body) : call_by_name($name, $headers, $body);
}

sub read_request {
    my ($client) = @_;
    local $/ = "\r\n";
    my ($method, $target) = split / /, <$client> // return;
    my %headers;
    while (defined(my $line = <$client>)) {
        chomp $line;
        last if $line eq '';
        my ($name, $value) = split /:\s*/, $line, 2;
        $headers{ lc $name } = $value;
    }
    read $client, my $body = '', $headers{'content-length'} // 0;
    return ($method, $target, \%headers, $body);
}

sub serve {
    my ($client) = @_;
    my @request = read_request($client) or return;
    open my $file, '>:raw', $body_file or die $!;
    print {$file} $request[3];
    close $file;
    my ($status, $content) = answer(@request);
    $content //= '';
    print {$client} "HTTP/1.1 $status Said\r\nConnection: close\r\n", $status == 204 ? '' : 'Content-Length: ' . length($content) . "\r\n",
      $content eq '' ? '' : "Content-Type: application/json\r\n", "\r\n", $content;
    return;
}

local $SIG{PIPE} = 'IGNORE';
$| = 1;
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16) or die "cannot listen: $!";
print $listener->sockport, "\n";
my $select = IO::Select->new($listener, \*STDIN);
while (!grep { $_ == \*STDIN } my @ready = $select->can_read) {
    my $client = $listener->accept or next;
    serve($client);
    close $client;
}
