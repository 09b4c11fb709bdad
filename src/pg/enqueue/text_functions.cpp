#include <vector>

#include "core/text/blanks.hpp"
#include "core/text/first_name.hpp"
#include "core/text/message_template.hpp"
#include "core/text/phone_number.hpp"
#include "core/text/segments.hpp"
#include "core/text/smart_encoding.hpp"
#include "core/text/template_variables.hpp"
#include "core/twilio/channel_address.hpp"
#include "core/twilio/sender_address.hpp"
#include "core/twilio/twilio_sid.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/base/pg_api.hpp"

// Functions of the core's texts for SQL: they convert arguments and results.

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_render_template);
PG_FUNCTION_INFO_V1(coach_sms_template_variables);
PG_FUNCTION_INFO_V1(coach_sms_segments);
PG_FUNCTION_INFO_V1(coach_sms_smart_encode);
PG_FUNCTION_INFO_V1(coach_sms_first_name);
PG_FUNCTION_INFO_V1(coach_sms_normalize_phone);
PG_FUNCTION_INFO_V1(coach_sms_keep_phone);
PG_FUNCTION_INFO_V1(coach_sms_soft_phone);
PG_FUNCTION_INFO_V1(coach_sms_normalize_sender);
PG_FUNCTION_INFO_V1(coach_sms_sender_address);
PG_FUNCTION_INFO_V1(coach_sms_trim_blanks);
PG_FUNCTION_INFO_V1(coach_sms_is_sid);
PG_FUNCTION_INFO_V1(coach_sms_number_of);
}

using namespace coach_sms;

namespace {

constexpr char kSeparator = ',';  // no template variable has one in its name

std::string_view utf8_argument(FunctionCallInfo fcinfo, int index) {
  return utf8_view(PG_GETARG_TEXT_PP(index));
}

// Returns the names, joined by kSeparator, as a text[].
ArrayType* split_names(char* joined) {
  int count = 0;
  auto* names = static_cast<Datum*>(palloc(sizeof(Datum) * (strlen(joined) + 1)));
  for (char* name = joined; name != nullptr && name[0] != '\0';) {
    char* end = strchr(name, kSeparator);
    if (end != nullptr) *end++ = '\0';
    names[count++] = CStringGetTextDatum(name);
    name = end;
  }
  return construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT);
}

// Returns the text that the core makes; raises the core's error.
template <typename Make>
const char* made(Make make) {
  char* text = nullptr;
  raise_if(run_cpp([&] { text = copy_out(make()); }));
  return text;
}

// Returns a text from UTF-8; NULL for an empty one.
Datum text_or_null(FunctionCallInfo fcinfo, const char* text) {
  if (text[0] == '\0') PG_RETURN_NULL();
  PG_RETURN_TEXT_P(text_from_utf8(text));
}

// Returns the number in E.164 form, palloc'ed; nullptr with `failure` filled for any other text.
char* normalized(std::string_view phone, std::string_view region, Failure* failure) {
  char* result = nullptr;
  *failure = run_cpp([&] { result = copy_out(normalize_phone(phone, region)); });
  return result;
}

// Returns whether the text has the form of E.164: "+", then 7 to 15 digits.
bool looks_like_e164(std::string_view phone) {
  return phone.size() >= 8 && phone.size() <= 16 && phone[0] == '+' &&
         phone.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

}  // namespace

// render_sms_template(body, variables jsonb) → text: the body with its variables; raises SM003 to
// SM005
Datum coach_sms_render_template(PG_FUNCTION_ARGS) {
  const std::string_view body = utf8_argument(fcinfo, 0);
  Jsonb* given = PG_GETARG_JSONB_P(1);
  const std::string_view json =
      utf8_view(JsonbToCString(nullptr, &given->root, static_cast<int>(VARSIZE(given))));
  PG_RETURN_TEXT_P(
      text_from_utf8(made([&] { return render_template(body, Variables::parse(json)); })));
}

// sms_template_variables(body) → text[]: the names of its variables
Datum coach_sms_template_variables(PG_FUNCTION_ARGS) {
  const std::string_view body = utf8_argument(fcinfo, 0);
  char* joined = nullptr;
  const Failure failure = run_cpp([&] {
    std::string names;
    for (const std::string& name : template_variables(body)) {
      if (!names.empty()) names += kSeparator;
      names += name;
    }
    joined = copy_out(names);
  });
  raise_if(failure);
  PG_RETURN_ARRAYTYPE_P(split_names(joined));
}

// sms_segments(body) → (encoding, segments, units): the size of the text as an SMS
Datum coach_sms_segments(PG_FUNCTION_ARGS) {
  const std::string_view body = utf8_argument(fcinfo, 0);
  TupleDesc columns;
  if (get_call_result_type(fcinfo, nullptr, &columns) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "return type must be a row type");
  Segments counted{};
  const Failure failure = run_cpp([&] { counted = count_segments(body); });
  raise_if(failure);
  Datum values[] = {CStringGetTextDatum(encoding_name(counted.encoding)),
                    Int32GetDatum(counted.segments), Int32GetDatum(counted.units)};
  bool nulls[] = {false, false, false};
  PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls)));
}

// sms_smart_encode(body) → text: with characters of GSM-7 in place of similar ones
Datum coach_sms_smart_encode(PG_FUNCTION_ARGS) {
  const std::string_view body = utf8_argument(fcinfo, 0);
  PG_RETURN_TEXT_P(text_from_utf8(made([&] { return smart_encode(body); })));
}

// sms_first_name(full_name) → text; NULL where there is none
Datum coach_sms_first_name(PG_FUNCTION_ARGS) {
  const std::string_view full_name = utf8_argument(fcinfo, 0);
  return text_or_null(fcinfo, made([&] { return first_name(full_name); }));
}

// sms_normalize_phone(phone, region) → text: the number in E.164 form; raises SM006
Datum coach_sms_normalize_phone(PG_FUNCTION_ARGS) {
  Failure failure;
  const char* phone = normalized(utf8_argument(fcinfo, 0), utf8_argument(fcinfo, 1), &failure);
  raise_if(failure);
  PG_RETURN_TEXT_P(cstring_to_text(phone));
}

// sms_keep_phone(phone, region) → text: the same for numbers that are stored, and may be restored
// years later. Numbering plans change, and no opt-out may be lost by that. So a number in E.164
// form stays as it is even if it is no longer possible.
Datum coach_sms_keep_phone(PG_FUNCTION_ARGS) {
  const std::string_view given = utf8_argument(fcinfo, 0);
  Failure failure;
  const char* phone = normalized(given, utf8_argument(fcinfo, 1), &failure);
  if (failure.failed && looks_like_e164(given)) PG_RETURN_DATUM(PG_GETARG_DATUM(0));
  raise_if(failure);
  PG_RETURN_TEXT_P(cstring_to_text(phone));
}

// sms_soft_phone(phone, region) → text: the same for a text that need not be a number; any other
// text stays as it is. In plpgsql, an exception block would cost a subtransaction for each.
Datum coach_sms_soft_phone(PG_FUNCTION_ARGS) {
  Failure failure;
  const char* phone = normalized(utf8_argument(fcinfo, 0), utf8_argument(fcinfo, 1), &failure);
  if (failure.failed) PG_RETURN_DATUM(PG_GETARG_DATUM(0));
  PG_RETURN_TEXT_P(cstring_to_text(phone));
}

// sms_normalize_sender(sender, region) → text: the sender in the form that Twilio takes; NULL for a
// blank one
Datum coach_sms_normalize_sender(PG_FUNCTION_ARGS) {
  const std::string_view sender = utf8_argument(fcinfo, 0);
  const std::string_view region = utf8_argument(fcinfo, 1);
  return text_or_null(fcinfo, made([&] { return normalize_sender(sender, region); }));
}

// sms_sender_address(sender, region) → text: the form by which senders are compared
Datum coach_sms_sender_address(PG_FUNCTION_ARGS) {
  const std::string_view sender = utf8_argument(fcinfo, 0);
  const std::string_view region = utf8_argument(fcinfo, 1);
  PG_RETURN_TEXT_P(text_from_utf8(made([&] { return sender_address(sender, region); })));
}

// sms_trim_blanks(text) → text: without blanks at both ends; NULL for a blank one
Datum coach_sms_trim_blanks(PG_FUNCTION_ARGS) {
  const std::string_view given = utf8_argument(fcinfo, 0);
  return text_or_null(fcinfo, made([&] { return trim_blanks(given); }));
}

// sms_is_sid(sid, prefix) → boolean: whether it has the form of a SID with that prefix
Datum coach_sms_is_sid(PG_FUNCTION_ARGS) {
  PG_RETURN_BOOL(is_sid(utf8_argument(fcinfo, 0), utf8_argument(fcinfo, 1)));
}

// sms_number_of(address) → text: the phone number in an address such as whatsapp:+61…; NULL where
// there is none
Datum coach_sms_number_of(PG_FUNCTION_ARGS) {
  const std::string_view address = utf8_argument(fcinfo, 0);
  return text_or_null(fcinfo, made([&] { return number_of(address); }));
}
