#include "pg/sender/dispatch_options.hpp"

#include "pg/sender/first_byte.hpp"
#include "pg/settings.hpp"
#include "pg/workers/worker.hpp"

namespace coach_sms {

namespace {

std::chrono::milliseconds milliseconds(int value) {
  return std::chrono::milliseconds(value);
}

}  // namespace

DispatchOptions dispatch_options() {
  DispatchOptions options;
  options.http.connect_timeout = milliseconds(settings::connect_timeout);
  options.http.request_timeout =
      milliseconds(settings::connect_timeout + settings::request_timeout);
  options.http.ca_file = settings::ca_file;
  options.http.proxy = settings::proxy;
  options.http.max_connections_per_host = settings::max_in_flight;
  options.http.max_response_bytes = 1024 * 1024;  // a page of a list; one Message is 1 kB
  options.http.user_agent = "coach_sms/";
  options.http.user_agent += library_version();
  options.http.is_recalled = is_recalled;
#ifdef COACH_SMS_FAILPOINTS
  options.http.before_send = pass_connected;
#endif
  options.api_url = settings::twilio_api_url;
  options.public_url = settings::public_url;
  options.max_in_flight = settings::max_in_flight;
  options.max_in_flight_per_account = settings::max_in_flight_per_account;
  // Every request is answered or given up before its lease ends.
  options.send_margin = INT64CONST(1000) * (settings::connect_timeout + settings::request_timeout);
  return options;
}

}  // namespace coach_sms
