#pragma once

#include <string>
#include <string_view>

namespace coach_sms {

// Returns the URL that Twilio called, as far as the request shows it: scheme, host and target
// (path with query). The database compares it with coach_sms.public_url, so behind a proxy the
// target alone is enough. `forwarded_proto` is the header X-Forwarded-Proto. Returns the target
// alone if `host` (the header Host) cannot be a host.
std::string called_url(std::string_view host, std::string_view forwarded_proto,
                       std::string_view target);

// Returns the path of a target, without its query.
std::string_view path_of(std::string_view target) noexcept;

}  // namespace coach_sms
