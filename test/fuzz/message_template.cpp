#include "core/text/message_template.hpp"
#include "core/text/segments.hpp"
#include "core/text/smart_encoding.hpp"
#include "core/text/template_variables.hpp"
#include "fuzz.hpp"

// Variables as JSON on the first line, then the template.
FUZZ_TARGET(message_template) {
  return coach_sms::fuzz_one(data, size, [](std::string_view text) {
    using namespace coach_sms;
    const std::string_view json = take_line(&text);
    const Variables variables = Variables::parse(json);
    const std::string rendered = render_template(text, variables);
    if (text.find("{{") == std::string_view::npos) require(rendered == text);
    const Segments counted = count_segments(rendered);
    require(counted.segments >= 0 && count_segments(smart_encode(rendered)).segments >= 0);
  });
}
