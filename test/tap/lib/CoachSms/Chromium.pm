# A real browser for one test: Chromium without a window, driven by WebDriver. It ends with the test.
#
#   my $chromium = start_chromium();
#   $chromium->open("http://127.0.0.1:$port/");
#   $chromium->type('#role', 'ann');
#   $chromium->click('main button');
#   $chromium->run('return document.title');
package CoachSms::Chromium;
use strict;
use warnings;

use Exporter 'import';
use HTTP::Tiny;
use JSON::PP;
use MIME::Base64 qw(decode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils ();
use CoachSms::Program;
use CoachSms::Wait qw(deadline wait_until);

our @EXPORT = qw(start_chromium);

my $element = 'element-6066-11e4-a52e-4f735466cecf';    # WebDriver's name for a reference (W3C WebDriver, section 12.2)

# Options: width and height of the window, in pixels.
sub start_chromium {
    my (%options) = @_;
    my $dir = PostgreSQL::Test::Utils::tempdir_short();
    my $port = PostgreSQL::Test::Cluster::get_free_port();
    my $self = bless { url => "http://127.0.0.1:$port", dir => $dir }, __PACKAGE__;
    $self->{program} = start_daemon("$dir/log", 'chromedriver', "--port=$port");
    wait_until(sub { HTTP::Tiny->new(timeout => deadline())->get("$self->{url}/status")->{success} })
      or die 'chromedriver did not start: ' . PostgreSQL::Test::Utils::slurp_file("$dir/log");
    my $size = join ',', $options{width} // 1280, $options{height} // 900;
    my $session = $self->ask(POST => '', { capabilities => { alwaysMatch => {
        'goog:loggingPrefs' => { browser => 'ALL' },
        'goog:chromeOptions' => { args => [ '--headless=new', '--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', "--user-data-dir=$dir/profile", "--window-size=$size" ] } } } });
    $self->{session} = $session->{sessionId};
    $self->ask(POST => '/timeouts', { implicit => 1000 * deadline() });    # find() waits for the element
    return $self;
}

sub ask {
    my ($self, $method, $path, $body) = @_;
    my $url = "$self->{url}/session" . ($self->{session} ? "/$self->{session}" : '') . $path;
    my %content = $body || $method eq 'POST' ? (content => encode_json($body // {}), headers => { 'Content-Type' => 'application/json' }) : ();
    my $answer = HTTP::Tiny->new(timeout => deadline())->request($method, $url, \%content);
    my $value = eval { decode_json($answer->{content})->{value} };
    die "$method $path: " . (ref $value ? $value->{message} : $answer->{content}) if !$answer->{success};
    return $value;
}

sub open { my ($self, $url) = @_; return $self->ask(POST => '/url', { url => $url }); }
sub url { my ($self) = @_; return $self->ask(GET => '/url'); }
sub find { my ($self, $selector) = @_; return $self->ask(POST => '/element', { using => 'css selector', value => $selector })->{$element}; }
sub click { my ($self, $selector) = @_; return $self->ask(POST => '/element/' . $self->find($selector) . '/click'); }
sub type { my ($self, $selector, $text) = @_; return $self->ask(POST => '/element/' . $self->find($selector) . '/value', { text => $text }); }
sub text { my ($self, $selector) = @_; return $self->ask(GET => '/element/' . $self->find($selector) . '/text'); }
sub resize { my ($self, $width, $height) = @_; return $self->ask(POST => '/window/rect', { width => $width, height => $height }); }

# The value of a script, which ends in `return`; of run_async(), what the script gives to its last argument.
sub run { my ($self, $script, @values) = @_; return $self->ask(POST => '/execute/sync', { script => $script, args => \@values }); }
sub run_async { my ($self, $script, @values) = @_; return $self->ask(POST => '/execute/async', { script => $script, args => \@values }); }

# The lines in the browser's console since the last call.
sub console { my ($self) = @_; return map { $_->{message} } @{ $self->ask(POST => '/se/log', { type => 'browser' }) }; }

# Writes a picture of the page, as PNG.
sub take_picture {
    my ($self, $file) = @_;
    CORE::open(my $out, '>:raw', $file) or die "cannot write $file: $!";
    print {$out} decode_base64($self->ask(GET => '/screenshot'));
    close $out or die "cannot write $file: $!";
    return;
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $!, $@);
    eval { $self->ask(DELETE => '') } if $self->{session};
    stop_program($self->{program});
    return;
}

1;
