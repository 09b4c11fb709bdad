#include "core/tenancy/jwt_claims.hpp"

#include <algorithm>

#include "core/base/rapidjson.hpp"

namespace coach_sms {
namespace {

using Value = rapidjson::Value;

void add(const Value& value, std::vector<Uuid>& orgs) {
  if (!value.IsString()) return;
  const auto org = uuid_from_text({value.GetString(), value.GetStringLength()});
  if (org) orgs.push_back(*org);
}

void add_member(const Value& object, const char* name, std::vector<Uuid>& orgs) {
  const auto member = object.FindMember(name);
  if (member == object.MemberEnd()) return;
  if (member->value.IsArray())
    for (const Value& element : member->value.GetArray())
      add(element, orgs);
  else
    add(member->value, orgs);
}

}  // namespace

std::vector<Uuid> orgs_in_claims(std::string_view claims) {
  std::vector<Uuid> orgs;
  rapidjson::Document document;
  // The iterative parser uses no stack for nesting: a megabyte of open brackets is harmless.
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(
      claims.data(), claims.size());
  if (document.HasParseError() || !document.IsObject()) return orgs;
  add_member(document, "org_id", orgs);
  const auto metadata = document.FindMember("app_metadata");
  if (metadata != document.MemberEnd() && metadata->value.IsObject()) {
    add_member(metadata->value, "org_id", orgs);
    add_member(metadata->value, "org_ids", orgs);
  }
  std::sort(orgs.begin(), orgs.end());
  orgs.erase(std::unique(orgs.begin(), orgs.end()), orgs.end());
  return orgs;
}

}  // namespace coach_sms
