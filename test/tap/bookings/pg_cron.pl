# The guide's cron job, with the real pg_cron: sms_schedule_reminders() called by it makes the reminder, and beside our
# own pass it makes no second one.
use strict;
use warnings;
use Test::More;
use CoachSms::Bookings;
use CoachSms::Cluster;
use CoachSms::Fake;

my $share = `pg_config --sharedir`;
chomp $share;
plan skip_all => 'pg_cron is not packaged for this PostgreSQL' unless -e "$share/extension/pg_cron.control";

my $fake = start_fake(https => 0);
my $node = new_server('main', fake => $fake, clock => 1, conf => join "\n", "shared_preload_libraries = 'coach_sms, pg_cron'",
    "cron.database_name = 'postgres'", "cron.use_background_workers = on", "coach_sms.databases = ''", '');
$node->set_clock('2027-05-10 09:00+00');    # ahead: pg_cron sits it out where a clock is set far back
$node->go_live;
my $app = attach_app($node);
my $ann = $app->client('Ann Lee', '0491 570 006');
my $booking = $app->book($ann, '2027-05-11 12:00+00');
is($app->texts($booking), 'confirmation queued', 'booked; no sender runs');

# The guide has it daily at eight; reminders to the hour want each minute.
$node->safe_psql('postgres', 'CREATE EXTENSION pg_cron');
$node->safe_psql('postgres', q{SELECT cron.schedule('sms-reminders', '* * * * *', 'SELECT * FROM sms_schedule_reminders()')});
$node->set_clock('2027-05-10 11:58:58+00');
$app->wait_for_texts($booking, 'confirmation queued, reminder pending');
$node->wait_for_sql(q{SELECT status, return_message FROM cron.job_run_details ORDER BY runid LIMIT 1}, 'succeeded|SELECT 1');
is($app->sql('SELECT reminder_sent FROM bookings'), 't', 'the booking is marked');
$node->set_clock('2027-05-10 12:00:58+00');
$node->wait_for_sql(q{SELECT count(*) > 1, min(status) FROM cron.job_run_details WHERE status <> 'running'}, 't|succeeded');
is($app->texts($booking), 'confirmation queued, reminder pending', 'called again, it makes no other');

# Our own pass beside it.
$node->append_conf('postgresql.conf', "coach_sms.databases = '*'");
$node->reload;
$app->wait_for_texts($booking, 'confirmation sent, reminder sent');
$node->set_clock('2027-05-10 12:03:58+00');
$node->wait_for_sql(q{SELECT count(*) > 2 FROM cron.job_run_details WHERE status = 'succeeded'}, 't');
is($fake->count, 2, 'one confirmation and one reminder went out');
is_deeply([ $fake->duplicates ], [], 'and nothing twice');

done_testing();
