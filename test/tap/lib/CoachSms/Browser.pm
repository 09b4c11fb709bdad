# A browser without a window, for the gateway's pages: it keeps cookies and follows redirects.
#
#   my $browser = new_browser($gateway);
#   $browser->sign_in('ann', 'secret');
#   like($browser->open('/problems')->{content}, qr/no such number/);
#   $browser->submit('/do', do => 'again', id => $id);    # with the token of the page before
package CoachSms::Browser;
use strict;
use warnings;

use Exporter 'import';
use HTTP::Tiny;
use CoachSms::Wait qw(deadline);

our @EXPORT = qw(new_browser);

sub new_browser {
    my ($gateway) = @_;
    return bless { site => "http://127.0.0.1:$gateway->{office_port}", cookies => {}, token => '' }, __PACKAGE__;
}

# Options: method, form, headers (instead of those of a browser).
sub request {
    my ($self, $path, %options) = @_;
    my $method = $options{method} // ($options{form} ? 'POST' : 'GET');
    my $http = HTTP::Tiny->new(timeout => deadline(), max_redirect => 0);
    my %headers = %{ $options{headers} // { 'Sec-Fetch-Site' => 'same-origin' } };
    $headers{Cookie} = join '; ', map { "$_=$self->{cookies}{$_}" } sort keys %{ $self->{cookies} } if %{ $self->{cookies} };
    my %body;
    if ($options{form}) {
        $headers{'Content-Type'} = 'application/x-www-form-urlencoded';
        $body{content} = $http->www_form_urlencode($options{form});
    }
    my $answer = $http->request($method, $self->{site} . $path, { headers => \%headers, %body });
    my $set = $answer->{headers}{'set-cookie'};
    for (ref $set ? @$set : $set // ()) {
        my ($name, $value) = /^([^=]+)=([^;]*)/;
        if   (/Max-Age=0/) { delete $self->{cookies}{$name} }
        else               { $self->{cookies}{$name} = $value }
    }
    ($self->{token}) = $answer->{content} =~ /name="token" value="([^"]+)"/ if $answer->{content} =~ /name="token"/;
    return $answer;
}

# Follows redirects.
sub open {
    my ($self, $path, %options) = @_;
    my $answer = $self->request($path, %options);
    for (1 .. 3) {
        last if $answer->{status} != 303;
        $answer = $self->request($answer->{headers}{location});
    }
    return $answer;
}

sub submit { my ($self, $path, %form) = @_; return $self->open($path, form => { token => $self->{token}, %form }); }
sub sign_in { my ($self, $role, $password) = @_; return $self->open('/sign-in', form => { role => $role, password => $password }); }

1;
