#pragma once

#include <string>
#include <string_view>

namespace coach_sms {

// Returns the text as data: in an element, or in an attribute in double quotes. Everything that
// people wrote goes through it.
std::string escaped(std::string_view text);

// Returns the text as a value in a URL's query.
std::string in_query(std::string_view text);

// Returns `<tag>text</tag>`, with the text as data.
std::string element(std::string_view tag, std::string_view text);

// Returns a link with these words. `target` is a URL of ours, whose values went through in_query().
std::string link(std::string_view target, std::string_view words);

}  // namespace coach_sms
