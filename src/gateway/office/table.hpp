#pragma once

#include <string>
#include <string_view>

#include "gateway/database.hpp"
#include "gateway/office/role_connections.hpp"

namespace coach_sms {

// Returns the rows as an HTML table, by the names of the columns: see Section. `path` is the
// page's, with the org in its query; the link to older rows leads there.
std::string table_of(const PGresult* rows, const Rights& rights, std::string_view path,
                     std::string_view caption);

}  // namespace coach_sms
