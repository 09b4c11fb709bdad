#include "gateway/office/pages.hpp"

namespace coach_sms {

namespace {

constexpr Section kToday[] = {
    {"Sent, by hour",
     "SELECT h AS \"Hour\", count(t.hour) AS \"Messages\" FROM generate_series(0, 23) h"
     "  LEFT JOIN (SELECT extract(hour FROM split_part(at_local, ', ', 2)::time) AS hour"
     "               FROM $schema.sms_today"
     "              WHERE org_id = $1::uuid AND status IN ('sent', 'delivered')) t ON t.hour = h"
     " GROUP BY h ORDER BY h",
     "Nothing has been sent yet.", Shape::kBars},
    {"By status",
     "SELECT status AS \"Status\", count(*) AS \"Messages\","
     "       count(*) FILTER (WHERE held_by IS NOT NULL) AS \"Held\""
     "  FROM $schema.sms_today WHERE org_id = $1::uuid GROUP BY status ORDER BY 2 DESC",
     "No message today."},
    {"Messages",
     "SELECT at_local AS \"When\", coalesce(client_name, to_phone) AS \"To\", body AS \"Text\","
     "       status AS \"Status\", coalesce(held_by, error_message) AS \"Why\","
     "       message_id AS \"_message\", status IN ('pending', 'queued') AS \"_cancel\","
     "       at AS \"_at\", message_id AS \"_id\""
     "  FROM $schema.sms_today WHERE org_id = $1::uuid"
     "   AND ($2::timestamptz IS NULL OR (at, message_id) < ($2::timestamptz, $3::uuid))"
     " ORDER BY at DESC, message_id DESC LIMIT 51",
     "Nothing has gone out today, and nothing is due."}};

constexpr Section kUpcoming[] = {
    {nullptr,
     "SELECT u.due_at_local AS \"Due\", coalesce(u.client_name, u.to_phone) AS \"To\","
     "       u.label AS \"What\", u.body AS \"Text\", u.status AS \"Status\","
     "       u.held_by AS \"Held by\", u.message_id AS \"_message\", u.booking_id AS \"_booking\","
     "       u.message_id IS NOT NULL AND u.status IN ('pending', 'queued') AS \"_cancel\","
     "       u.due_at AS \"_at\", u.place AS \"_id\""
     "  FROM (SELECT *, concat(message_id, booking_id, label) AS place FROM $schema.sms_upcoming"
     "         WHERE org_id = $1::uuid) u"
     " WHERE $2::timestamptz IS NULL OR (u.due_at, u.place) > ($2::timestamptz, $3::text)"
     " ORDER BY u.due_at, u.place LIMIT 51",
     "Nothing goes out in the next seven days."}};

constexpr Section kProblems[] = {
    {nullptr,
     "SELECT at_local AS \"When\", coalesce(client_name, to_phone) AS \"To\", body AS \"Text\","
     "       problem AS \"Problem\", cure AS \"What to do\","
     "       CASE WHEN sent_again_as IS NOT NULL THEN 'yes' END AS \"Sent again\","
     "       message_id AS \"_message\", send_again AS \"_again\","
     "       created_at AS \"_at\", message_id AS \"_id\""
     "  FROM $schema.sms_failures WHERE org_id = $1::uuid AND created_at > now() - interval '90 "
     "days'"
     "   AND ($2::timestamptz IS NULL OR (created_at, message_id) < ($2::timestamptz, $3::uuid))"
     " ORDER BY created_at DESC, message_id DESC LIMIT 51",
     "No message of the last 90 days failed."}};

constexpr Section kInbox[] = {
    {nullptr,
     "SELECT received_at_local AS \"When\", coalesce(client_name, from_phone) AS \"From\","
     "       body AS \"Text\", CASE WHEN is_answered THEN 'yes' ELSE 'no' END AS \"Answered\","
     "       coalesce(answer_id, message_id) AS \"_message\","
     "       received_at AS \"_at\", event_id AS \"_id\""
     "  FROM $schema.sms_inbox WHERE org_id = $1::uuid"
     "   AND ($2::timestamptz IS NULL OR (received_at, event_id) < ($2::timestamptz, $3::uuid))"
     " ORDER BY received_at DESC, event_id DESC LIMIT 51",
     "Nobody has written."}};

constexpr Section kOptOuts[] = {
    {nullptr,
     "SELECT o.since_local AS \"Since\", coalesce(o.client_name, o.phone) AS \"Who\","
     "       o.phone AS \"Number\", o.reason AS \"Reason\", o.source AS \"By\","
     "       o.lifted_by AS \"Lifted by\", o.since AS \"_at\", o.place AS \"_id\""
     "  FROM (SELECT *, concat(phone, ' ', sender) AS place FROM $schema.sms_opt_out_list"
     "         WHERE org_id = $1::uuid) o"
     " WHERE $2::timestamptz IS NULL OR (o.since, o.place) < ($2::timestamptz, $3::text)"
     " ORDER BY o.since DESC, o.place DESC LIMIT 51",
     "Nobody has opted out."}};

constexpr Section kCosts[] = {
    {"By month",
     "SELECT to_char(month, 'FMMonth YYYY') AS \"Month\", messages AS \"Messages\","
     "       segments AS \"Segments\", concat_ws(' ', round(cost, 2), currency) AS \"Cost\","
     "       concat_ws(' ', forecast, currency) AS \"Forecast\", note AS \"Note\""
     "  FROM $schema.sms_cost WHERE org_id = $1::uuid ORDER BY month DESC LIMIT 24",
     "No message has cost anything yet."},
    {"By template, the last 30 days",
     "SELECT coalesce(template_key, 'without template') AS \"Template\", total AS \"Messages\","
     "       delivered AS \"Delivered\", failed AS \"Failed\", cancelled AS \"Cancelled\","
     "       delivery_rate || ' %' AS \"Delivery rate\", segments AS \"Segments\""
     "  FROM $schema.sms_delivery_by_template WHERE org_id = $1::uuid ORDER BY total DESC LIMIT 50",
     "No message in the last 30 days."}};

constexpr Section kServer[] = {
    {"Mode", "SELECT upper(mode) AS \"Mode\" FROM $schema.sms_health", "It cannot be read.",
     Shape::kLetters},
    {"Health",
     "SELECT CASE WHEN ok THEN 'ok' ELSE 'not ok' END AS \"State\","
     "       problem AS \"Problem\", waits_for AS \"Waits for\", waiting AS \"Waiting\","
     "       due AS \"Due\", in_flight AS \"In flight\", unknown AS \"Unknown\","
     "       failed_last_hour AS \"Failed, last hour\" FROM $schema.sms_health",
     "There is no answer."},
    {"Checks that want something",
     "SELECT level AS \"Level\", check_name AS \"Check\", problem AS \"Problem\","
     "       what_to_do AS \"What to do\" FROM $schema.sms_doctor() WHERE level <> 'ok'"
     " ORDER BY ok, check_name",
     "All checks are well."},
    {"Sender",
     "SELECT state AS \"State\", activity AS \"Activity\", started_at AS \"Since\","
     "       accepted AS \"Accepted\", rejected AS \"Rejected\", retried AS \"Retried\","
     "       latency_p50_ms AS \"Half within, ms\", latency_p99_ms AS \"99 % within, ms\","
     "       last_error AS \"Last error\" FROM $schema.sms_worker_stat",
     "No sender runs for this database."},
    {"Queue by org",
     "SELECT org_id AS \"Org\", waiting AS \"Waiting\", due AS \"Due\","
     "       date_trunc('second', oldest_due_age) AS \"Late by\", in_flight AS \"In flight\","
     "       unknown AS \"Unknown\", held_by AS \"Held by\" FROM $schema.sms_queue_stat"
     " WHERE waiting > 0 OR in_flight > 0 OR unknown > 0 ORDER BY due DESC, waiting DESC LIMIT 100",
     "Nothing waits."}};

constexpr Page kPages[] = {
    {"/", "Today", &Rights::sees_texts, true, kToday},
    {"/upcoming", "Upcoming", &Rights::sees_texts, true, kUpcoming},
    {"/problems", "Problems", &Rights::sees_texts, true, kProblems},
    {"/inbox", "Inbox", &Rights::sees_texts, true, kInbox},
    {"/opt-outs", "Opt-outs", &Rights::sees_texts, true, kOptOuts},
    {"/costs", "Costs", &Rights::sees_texts, true, kCosts},
    {"/server", "Server", &Rights::sees_server, false, kServer},
};

}  // namespace

std::span<const Page> all_pages() {
  return kPages;
}

}  // namespace coach_sms
