#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/text/template_variables.hpp"

namespace coach_sms {

// A template is text with placeholders: {{name}} or {{ name }}. A name is an ASCII letter or
// underscore, then ASCII letters, digits and underscores. A lone { or a }} is text.

// Returns the body with every placeholder replaced, in a single pass: a value that looks like a
// placeholder stays text. Throws kInvalidTemplate, kMissingVariable (once, for all that are
// missing), and kInvalidBody for a result above 16 MiB.
std::string render_template(std::string_view body, const Variables& variables);

// Returns the distinct names in the order of their first use. Throws kInvalidTemplate.
std::vector<std::string> template_variables(std::string_view body);

}  // namespace coach_sms
