# The blocks of a page of Markdown, and how they are run.
#
#   my @blocks = blocks('doc/limits.md');           # each { language, text, line, mark, reason }
#   my @failures = run_page($node, 'app', @blocks); # each { block, why }
#
# A comment right before a block marks it:
#   <!-- not run: REASON -->     it is not run
#   <!-- from: FILE -->          it stands word for word in FILE, which has a test of its own
#   <!-- raises SM012 -->        its last error has this SQLSTATE
# Blocks of one page run in their order in one session of psql: sql as it stands, sh by bash -e. A block of text is shown.
package CoachSms::Page;
use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Utils qw(append_to_file slurp_file);
use CoachSms::Wait qw(deadline);

our @EXPORT_OK = qw(blocks is_run run_page trouble_of);

sub is_run { my ($block) = @_; return $block->{language} =~ /^(?:sql|sh)$/ && $block->{mark} !~ /^(?:not run|from)$/; }

sub blocks {
    my ($file) = @_;
    my $page = slurp_file($file);
    my @blocks;
    while ($page =~ /^(?: *<!-- (not run|from|raises):? (.*?) -->\n)?( *)```(\w*)\n(.*?)^\3```$/gms) {
        my ($mark, $reason, $indent, $language, $text, $line) = ($1 // '', $2, $3, $4, $5, line_of($page, $-[4]));
        $text =~ s/^$indent//gm;
        push @blocks, { language => $language, text => $text, mark => $mark, reason => $reason, line => $line };
    }
    return @blocks;
}

sub line_of { my ($page, $offset) = @_; return 1 + (substr($page, 0, $offset) =~ tr/\n//); }

# Why a block that is not run may not stand as it does; undef where it may.
sub trouble_of {
    my ($block) = @_;
    return if is_run($block) || $block->{mark} eq 'not run' || $block->{language} eq 'text';
    return "a block of \"$block->{language}\" needs a mark" if $block->{mark} ne 'from';
    return "$block->{reason} does not exist" unless -e $block->{reason};
    return "$block->{reason} has other words" if index(slurp_file($block->{reason}), $block->{text}) < 0;
    return;
}

# A step of the script that psql runs, and the file that is there once it is done.
sub step {
    my ($dir, $nth, $block) = @_;
    my $done = "\\! touch $dir/done_$nth\n";
    if ($block->{language} eq 'sh') {
        append_to_file("$dir/$nth.sh", $block->{text});
        return "\\! bash -e $dir/$nth.sh > $dir/$nth.log 2>&1 && touch $dir/done_$nth\n";
    }
    return "$block->{text}\n$done" unless $block->{mark} eq 'raises';
    return "\\set LAST_ERROR_SQLSTATE 00000\n\\set ON_ERROR_STOP off\n$block->{text}\n\\set ON_ERROR_STOP on\n"
      . "\\setenv RAISED :LAST_ERROR_SQLSTATE\n\\! test \$RAISED = $block->{reason} && touch $dir/done_$nth\n";
}

sub is_finished { my ($sql) = @_; return $sql =~ /(?:;|^\\.*|\\g\w*(?: .*)?)\s*(?:--.*)?\s*\z/m; }

# Runs the blocks in the database. The server's secrets stand for /etc/postgresql.
sub run_page {
    my ($node, $db, @blocks) = @_;
    my $dir = PostgreSQL::Test::Utils::tempdir_short();
    my @run = grep { is_run($_) } @blocks;
    my $script = join '', "\\set ON_ERROR_STOP on\n", map { step($dir, $_, $run[$_]) } 0 .. $#run;
    my $secrets = $node->secrets_dir;
    for my $file (glob "$dir/*.sh") {
        my $text = slurp_file($file) =~ s{/etc/postgresql\b}{$secrets}gr;
        unlink $file;
        append_to_file($file, $text);
    }
    append_to_file("$dir/page.sql", $script =~ s{/etc/postgresql\b}{$secrets}gr);
    local @ENV{qw(PGHOST PGPORT PGDATABASE PGAPPNAME)} = ($node->host, $node->port, $db, 'page');
    system("cd $dir && timeout " . deadline(120) . " psql -X -f page.sql > page.log 2>&1 < /dev/null");
    my ($end) = slurp_file("$dir/page.log") =~ /.*(psql:.*)\z/s;
    my @failures;
    for my $nth (0 .. $#run) {
        my $block = $run[$nth];
        push @failures, { block => $block, why => 'its last statement has no end' } if $block->{language} eq 'sql' && !is_finished($block->{text});
        next if -e "$dir/done_$nth";
        my $why = $block->{language} eq 'sh' ? slurp_file("$dir/$nth.log") : $block->{mark} eq 'raises' ? 'it does not raise that' : $end // 'it did not come to an end';
        push @failures, { block => $block, why => $why };
        last if $block->{language} eq 'sql' && $block->{mark} ne 'raises';    # psql has stopped
    }
    return @failures;
}

1;
