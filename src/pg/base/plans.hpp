#pragma once

namespace coach_sms {

// How the plans of our own statements are made. They are kept, and many are made while the queue is
// empty: by the statistics of that time a scan of the whole table costs as little as an index. So
// the statistics are kept from the planner: each table has ten million rows, and of what is in them
// nothing is known. A plan then depends on nothing but its statement.

// For SPI_prepare_cursor(), beside PostgreSQL's own options: the planner hook looks for it.
inline constexpr int kPlanForFullTables = 1 << 29;
// The same for statements in plpgsql: internal, off by default. Our functions set it; what is
// planned meanwhile counts where it reads no table but ours, for an application's triggers and its
// tenancy function run within.
inline constexpr const char* kFullTables = "coach_sms.plans_for_full_tables";

// Once a process, before the prefix of our settings is reserved.
void install_planner_hooks();

}  // namespace coach_sms
