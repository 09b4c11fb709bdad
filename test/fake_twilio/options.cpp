#include "options.hpp"

#include <functional>
#include <map>
#include <string_view>

#include "text.hpp"

namespace fake_twilio {

const char* const kUsage =
    "usage: fake_twilio [--port N] [--https] [--cert-dir DIR] [--port-file FILE]\n"
    "                   [--account AC... --token TOKEN [--key SK... --secret SECRET]...]...\n"
    "                   [--callbacks on|hold|off] [--delay-ms N] [--list-lag-s N]\n"
    "                   [--inbound-url URL] [--exit-on-stdin-eof]\n";

namespace {

CallbackMode callback_mode(const std::string& word) {
  if (word == "on") return CallbackMode::kOn;
  if (word == "hold") return CallbackMode::kHold;
  if (word == "off") return CallbackMode::kOff;
  throw BadOption("--callbacks " + word + " is none of on, hold, off");
}

long number_in(const std::string& text, long at_most) {
  const auto number = parse_number(text);
  if (!number || *number > at_most) throw BadOption(text + " is no number in range");
  return static_cast<long>(*number);
}

Credential& last_credential(Options& options) {
  if (options.credentials.empty()) throw BadOption("--account must come first");
  return options.credentials.back();
}

using Switches = std::map<std::string_view, bool*>;
using Settings = std::map<std::string_view, std::function<void(const std::string&)>>;

Switches switches_of(Options& options) {
  return {{"--https", &options.https}, {"--exit-on-stdin-eof", &options.exit_on_stdin_eof}};
}

Settings settings_of(Options& options) {
  constexpr long kLong = 1'000'000;
  const auto secret = [&](auto& value) { last_credential(options).secret = value; };
  return {
      {"--port",
       [&](auto& value) { options.port = static_cast<std::uint16_t>(number_in(value, 65535)); }},
      {"--delay-ms", [&](auto& value) { options.delay_ms = number_in(value, kLong); }},
      {"--list-lag-s", [&](auto& value) { options.list_lag_s = number_in(value, kLong); }},
      {"--callbacks", [&](auto& value) { options.callbacks = callback_mode(value); }},
      {"--cert-dir", [&](auto& value) { options.cert_dir = value; }},
      {"--port-file", [&](auto& value) { options.port_file = value; }},
      {"--inbound-url", [&](auto& value) { options.inbound_url = value; }},
      {"--account",
       [&](auto& value) {
         options.credentials.push_back({value, value, ""});
       }},
      {"--key",
       [&](auto& value) {
         const std::string account = last_credential(options).account;
         options.credentials.push_back({account, value, ""});
       }},
      {"--token", secret},
      {"--secret", secret},
  };
}

}  // namespace

bool Options::opens(std::string_view authorization, std::string_view account) const {
  const auto found = account_by_authorization.find(authorization);
  return found != account_by_authorization.end() && found->second == account;
}

std::string_view Options::token_of(std::string_view account) const {
  for (const Credential& known : credentials) {
    if (known.user == account) return known.secret;
  }
  return {};
}

Options parse_options(int argc, char** argv) {
  Options options;
  const Switches switches = switches_of(options);
  const Settings settings = settings_of(options);
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const auto flag = switches.find(name);
    const auto setting = settings.find(name);
    if (flag != switches.end()) {
      *flag->second = true;
    } else if (setting == settings.end()) {
      throw BadOption("unknown option " + name);
    } else if (++i == argc) {
      throw BadOption(name + " needs a value");
    } else {
      setting->second(argv[i]);
    }
  }
  if (options.credentials.empty()) {
    const std::string sid = "AC" + std::string(32, '0');
    options.credentials.push_back({sid, sid, "token"});
  }
  for (const Credential& known : options.credentials) {
    const std::string pair = known.user + ':' + known.secret;
    options.account_by_authorization["Basic " + base64(pair)] = known.account;
  }
  return options;
}

}  // namespace fake_twilio
