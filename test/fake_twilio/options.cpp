#include "options.hpp"

#include <cstddef>
#include <string_view>

#include "text.hpp"

namespace fake_twilio {

const char* const kUsage =
    "usage: fake_twilio [--port N] [--https] [--cert-dir DIR] [--port-file FILE] [--threads N]\n"
    "                   [--account AC... --token TOKEN [--key SK... --secret SECRET]...]...\n"
    "                   [--callbacks on|hold|off] [--delay-ms N] [--list-lag-s N] [--magic]\n"
    "                   [--inbound-url URL] [--opt-outs] [--exit-on-stdin-eof]\n";

namespace {

// Walks over the arguments and hands out the value that follows an option.
class Arguments {
 public:
  Arguments(int argc, char** argv) : left_(argv + 1, argv + argc) {}

  bool done() const { return next_ == left_.size(); }
  std::string take() { return left_[next_++]; }

  std::string value_of(const std::string& option) {
    if (done()) throw BadOption(option + " needs a value");
    return take();
  }

  long number_of(const std::string& option, long at_most) {
    const std::string text = value_of(option);
    const auto number = parse_number(text);
    if (!number || *number > at_most) throw BadOption(option + " " + text + " is out of range");
    return static_cast<long>(*number);
  }

 private:
  std::vector<std::string> left_;
  std::size_t next_ = 0;
};

CallbackMode callback_mode(const std::string& word) {
  if (word == "on") return CallbackMode::kOn;
  if (word == "hold") return CallbackMode::kHold;
  if (word == "off") return CallbackMode::kOff;
  throw BadOption("--callbacks " + word + " is none of on, hold, off");
}

Credential& last_credential(Options& options, const std::string& option) {
  if (options.credentials.empty()) throw BadOption(option + " needs an --account before it");
  return options.credentials.back();
}

bool take_credential(const std::string& option, Arguments& arguments, Options& options) {
  if (option == "--account") {
    const std::string sid = arguments.value_of(option);
    options.credentials.push_back({sid, sid, ""});
  } else if (option == "--key") {
    const std::string account = last_credential(options, option).account;
    options.credentials.push_back({account, arguments.value_of(option), ""});
  } else if (option == "--token" || option == "--secret") {
    last_credential(options, option).secret = arguments.value_of(option);
  } else {
    return false;
  }
  return true;
}

bool take_switch(const std::string& option, Options& options) {
  if (option == "--https") return options.https = true;
  if (option == "--magic") return options.magic = true;
  if (option == "--opt-outs") return options.opt_outs = true;
  if (option == "--exit-on-stdin-eof") return options.exit_on_stdin_eof = true;
  return false;
}

void take_setting(const std::string& option, Arguments& arguments, Options& options) {
  constexpr long kLong = 1'000'000;
  if (option == "--port") {
    options.port = static_cast<std::uint16_t>(arguments.number_of(option, 65535));
  } else if (option == "--threads") {
    options.threads = static_cast<unsigned>(arguments.number_of(option, 64));
  } else if (option == "--delay-ms") {
    options.delay_ms = arguments.number_of(option, kLong);
  } else if (option == "--list-lag-s") {
    options.list_lag_s = arguments.number_of(option, kLong);
  } else if (option == "--callbacks") {
    options.callbacks = callback_mode(arguments.value_of(option));
  } else if (option == "--cert-dir") {
    options.cert_dir = arguments.value_of(option);
  } else if (option == "--port-file") {
    options.port_file = arguments.value_of(option);
  } else if (option == "--inbound-url") {
    options.inbound_url = arguments.value_of(option);
  } else {
    throw BadOption("unknown option " + option);
  }
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  Arguments arguments(argc, argv);
  while (!arguments.done()) {
    const std::string option = arguments.take();
    if (take_switch(option, options) || take_credential(option, arguments, options)) continue;
    take_setting(option, arguments, options);
  }
  if (options.credentials.empty()) {
    const std::string sid = "AC" + std::string(32, '0');
    options.credentials.push_back({sid, sid, "token"});
  }
  return options;
}

}  // namespace fake_twilio
