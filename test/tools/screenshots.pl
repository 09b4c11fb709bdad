# screenshots.pl SITE DIRECTORY: takes pictures of the demo's pages.
use strict;
use warnings;
use CoachSms::Chromium;

my ($site, $directory) = @ARGV;
my $chromium = start_chromium(width => 1000, height => 720);
$chromium->open("$site/");
$chromium->type('#role', 'coach_office');
$chromium->type('#password', "demo\x{E007}");    # and Enter
$chromium->find('nav button');
$chromium->take_picture("$directory/today.png");
$chromium->click('td a');                        # the first message
$chromium->find('h2');
$chromium->take_picture("$directory/message.png");
for my $page (qw(upcoming server)) {
    $chromium->open("$site/$page");
    $chromium->take_picture("$directory/$page.png");
}
$chromium->resize(390, 760);
$chromium->open("$site/");
$chromium->take_picture("$directory/today-on-a-telephone.png");
