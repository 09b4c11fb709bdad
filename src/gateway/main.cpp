// coach_sms_gateway: takes Twilio's calls and passes them to the database.

#include <pthread.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <ctime>
#include <exception>

#include "core/base/error.hpp"
#include "gateway/gateway.hpp"
#include "gateway/log.hpp"

using namespace coach_sms;

namespace {

// Blocks the signals that end the program, in all threads that start from now on.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP})
    sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

// Allows as many open files as the system lets us have, and as many connections as then fit.
void fit_open_files(Options* options) {
  constexpr rlim_t kOurs = 100;  // beside connections of strangers: private pages, libpq, the rest
  constexpr rlim_t kOffice = 150;  // of the office's pages: browsers, and connections of roles
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const rlim_t ours =
      kOurs + options->database_connections + (options->office.empty() ? 0 : kOffice);
  if (options->connections + ours <= files.rlim_cur) return;
  if (files.rlim_cur <= ours)
    throw Error(ErrorKind::kInvalidArgument,
                "the system allows " + std::to_string(files.rlim_cur) + " open files only", {},
                "Raise the limit, with ulimit -n or LimitNOFILE.");
  options->connections = static_cast<unsigned>(files.rlim_cur - ours);
  log_line("takes " + std::to_string(options->connections) +
           " connections at once, since the system allows no more open files");
}

void serve(Options options) {
  const sigset_t signals = block_signals();
  fit_open_files(&options);
  Gateway gateway(options);
  log_line("takes calls at port " + std::to_string(gateway.port()) + ", private pages at port " +
           std::to_string(gateway.private_port()) +
           (gateway.office_port() == 0
                ? std::string()
                : ", the office's at port " + std::to_string(gateway.office_port())));
  constexpr timespec kTick{0, 100'000'000};
  while (sigtimedwait(&signals, nullptr, &kTick) < 0)
    gateway.tick();
  log_line("ends: takes no new calls");
}

int run(int count, char** arguments) {
  const Options options = read_options(count, arguments);
  if (options.wants_help)
    std::fputs(help_text().c_str(), stdout);
  else if (options.wants_version)
    std::puts("coach_sms_gateway " COACH_SMS_VERSION);
  else
    serve(options);
  return 0;
}

}  // namespace

int main(int count, char** arguments) try {
  return run(count, arguments);
} catch (const Error& error) {
  log_line(error.message());
  if (!error.hint().empty()) log_line(error.hint());
  return error.kind() == ErrorKind::kInvalidArgument ? 2 : 1;
} catch (const std::exception& error) {
  log_line(error.what());
  return 1;
}
