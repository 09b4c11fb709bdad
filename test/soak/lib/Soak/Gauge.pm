# What a process holds, from second to second: memory of its own in MiB, open files, and sockets.
package Soak::Gauge;
use strict;
use warnings;

sub new { my ($class) = @_; return bless { readings => [] }, $class; }

sub read {
    my ($self, $pid) = @_;
    my ($kilobytes) = PostgreSQL::Test::Utils::slurp_file("/proc/$pid/status") =~ /^RssAnon:\s+(\d+)/m;
    my @targets = map { readlink($_) // () } glob "/proc/$pid/fd/*";
    push @{ $self->{readings} }, {
        pid     => $pid,
        memory  => $kilobytes / 1024,
        files   => scalar(grep { m{^/} } @targets),
        sockets => scalar(grep { /^socket:/ } @targets) };
    return;
}

sub pids { my ($self) = @_; my %pids = map { $_->{pid} => 1 } @{ $self->{readings} }; return keys %pids; }

# The greatest reading of the second quarter, once it is warm, and that of the last one.
sub early_and_late {
    my ($self, $what) = @_;
    my @values = map { $_->{$what} } @{ $self->{readings} };
    my $quarter = int(@values / 4);
    return map { (sort { $b <=> $a } @$_)[0] } [ @values[ $quarter .. 2 * $quarter - 1 ] ], [ @values[ -$quarter .. -1 ] ];
}

sub most { my ($self, $what) = @_; return (sort { $b <=> $a } map { $_->{$what} } @{ $self->{readings} })[0]; }

1;
