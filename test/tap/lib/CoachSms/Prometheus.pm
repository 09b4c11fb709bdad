# A Prometheus for one test, and questions to it. It ends with the test.
#
#   my $prometheus = start_prometheus(scrape => { coach_sms => $port }, rules => $file);
#   $prometheus->wait_for('coach_sms_messages_due', 3);    # an assertion: the expression has the value
#   $prometheus->alerts;                                   # names of the alerts that fire
package CoachSms::Prometheus;
use strict;
use warnings;

use Exporter 'import';
use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils ();
use Test::More;
use CoachSms::Program;
use CoachSms::Wait qw(deadline wait_until);

our @EXPORT = qw(start_prometheus);

# Options: scrape, port on this machine by job; relabel, lines of YAML for every job; rules, a file. It scrapes each second.
sub start_prometheus {
    my (%options) = @_;
    my $self = bless { %options, dir => PostgreSQL::Test::Utils::tempdir_short(), port => PostgreSQL::Test::Cluster::get_free_port() }, __PACKAGE__;
    my $jobs = join '', map { "  - {job_name: $_, static_configs: [{targets: ['127.0.0.1:$options{scrape}{$_}']}]"
      . ($options{relabel} ? ", metric_relabel_configs: [$options{relabel}]" : '') . "}\n" } sort keys %{ $options{scrape} };
    my $rules = $options{rules} ? "rule_files: ['$options{rules}']\n" : '';
    PostgreSQL::Test::Utils::append_to_file("$self->{dir}/config.yml",
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\n${rules}scrape_configs:\n$jobs");
    $self->{program} = start_daemon("$self->{dir}/log", 'prometheus', "--config.file=$self->{dir}/config.yml",
        "--storage.tsdb.path=$self->{dir}/data", "--web.listen-address=127.0.0.1:$self->{port}");
    wait_until(sub { $self->ask('/-/ready')->{success} })
      or die 'Prometheus did not start: ' . PostgreSQL::Test::Utils::slurp_file("$self->{dir}/log");
    return $self;
}

sub ask { my ($self, $path) = @_; return HTTP::Tiny->new(timeout => deadline())->get("http://127.0.0.1:$self->{port}$path"); }

sub data { my ($self, $path) = @_; return decode_json($self->ask($path)->{content})->{data}; }

# The value of an expression with one sample; undef where it has none or several.
sub value {
    my ($self, $expression) = @_;
    my $query = $expression =~ s/([^\w.-])/sprintf '%%%02X', ord $1/ger;
    my @samples = @{ $self->data("/api/v1/query?query=$query")->{result} };
    return @samples == 1 ? $samples[0]{value}[1] : undef;
}

sub wait_for {
    my ($self, $expression, $value) = @_;
    my $seen;
    wait_until(sub { $seen = $self->value($expression); return defined $seen && $seen == $value });
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is($seen, $value, $expression);
}

sub alerts { my ($self) = @_; return sort map { $_->{labels}{alertname} } grep { $_->{state} eq 'firing' } @{ $self->data('/api/v1/alerts')->{alerts} }; }

sub DESTROY { my ($self) = @_; local ($?, $!); stop_program($self->{program}); return; }

1;
