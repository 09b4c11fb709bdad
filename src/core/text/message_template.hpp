#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/text/template_variables.hpp"

namespace coach_sms {

// A template is text with placeholders: {{name}} or {{ name }}, where a name is a letter or
// underscore, then letters, digits and underscores (ASCII). A lone { or a }} is text.

// The body with every placeholder replaced, in a single pass: a value that looks like a placeholder
// stays text. Raises kInvalidTemplate, kMissingVariable (once, for all that are missing) and,
// before it would fill the memory, kInvalidBody.
std::string render_template(std::string_view body, const Variables& variables);

// The distinct names in the order of their first use. Raises kInvalidTemplate.
std::vector<std::string> template_variables(std::string_view body);

}  // namespace coach_sms
