#pragma once

namespace coach_sms {

// How the plans of the extension's own statements are made. The plans are kept, and many are made
// while the queue is empty. By the statistics of that time, a scan of the whole table costs as
// little as an index. So the planner sees fixed figures instead: ten million rows in each table,
// and no column statistics. A plan then depends on its statement alone.

// An option for SPI_prepare_cursor(), beside PostgreSQL's own. The planner hook looks for it.
inline constexpr int kPlanForFullTables = 1 << 29;
// The setting that does the same for statements in plpgsql: internal, off by default. The
// extension's functions set it. It applies only to queries that read no table but the extension's,
// since triggers and the tenancy function of the application run within them.
inline constexpr const char* kFullTables = "coach_sms.plans_for_full_tables";

// Defines the setting and installs the hooks. Call it once a process, before
// MarkGUCPrefixReserved().
void install_planner_hooks();

}  // namespace coach_sms
