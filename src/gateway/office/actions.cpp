#include "gateway/office/actions.hpp"

#include <algorithm>
#include <iterator>

namespace coach_sms {

namespace {

constexpr Action kActions[] = {
    {"again", &Rights::sends_again, true, "Send this message again?", "Send again",
     "SELECT $schema.sms_retry($1::uuid), $2::text"},
    {"cancel", &Rights::cancels, true, "Cancel this message, so that it is not sent?",
     "Cancel the message", "SELECT $schema.sms_cancel($1::uuid, $2::text)"},
    {"pause", &Rights::pauses, false, "Send nothing for any org, until somebody resumes?", "Pause",
     "SELECT $schema.sms_pause(), $1::text, $2::text"},
    {"resume", &Rights::pauses, false, "Send again for all orgs?", "Resume",
     "SELECT $schema.sms_resume(), $1::text, $2::text"},
};

}  // namespace

const Action* find_action(std::string_view name, const Rights& rights) {
  const auto* found =
      std::find_if(std::begin(kActions), std::end(kActions),
                   [&](const Action& each) { return each.name == name && rights.*each.right; });
  return found == std::end(kActions) ? nullptr : found;
}

}  // namespace coach_sms
