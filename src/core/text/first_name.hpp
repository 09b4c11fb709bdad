#pragma once

#include <string>
#include <string_view>

namespace coach_sms {

// Returns the name to greet a person by, from their full name; empty where there is none. It is the
// first word, by these rules:
//  - Every blank of Unicode separates words. Characters that print nothing are dropped.
//  - "Lee, Ann" gives Ann: one word stands before the comma, and no degree or suffix follows it.
//  - A title, and a word that ends with a full stop, is skipped if another word follows.
//  - Punctuation around the word is dropped, but for an apostrophe before it.
// Throws kInvalidText for bytes that are not UTF-8.
std::string first_name(std::string_view full_name);

}  // namespace coach_sms
