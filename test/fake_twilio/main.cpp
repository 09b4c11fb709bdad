#include <curl/curl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <fstream>
#include <memory>
#include <stdexcept>

#include "certificate.hpp"
#include "options.hpp"
#include "server.hpp"
#include "world.hpp"

namespace fake_twilio {
namespace {

// Whoever sees the file sees a whole port number in it.
void write_port_file(const std::string& path, std::uint16_t port) {
  const std::string unfinished = path + ".tmp";
  std::ofstream(unfinished) << port << '\n';
  if (rename(unfinished.c_str(), path.c_str()) != 0) {
    throw std::runtime_error("cannot write " + path);
  }
}

void allow_many_sockets() {
  rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Must run before any thread starts, so that all threads leave these signals to wait_for_end.
int take_over_signals() {
  signal(SIGPIPE, SIG_IGN);
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  return signalfd(-1, &ends, SFD_CLOEXEC);
}

bool at_eof(int fd) {
  char ignored[256];
  return read(fd, ignored, sizeof ignored) <= 0;
}

void wait_for_end(int signals, bool watch_stdin) {
  pollfd ends[] = {{signals, POLLIN, 0}, {watch_stdin ? STDIN_FILENO : -1, POLLIN, 0}};
  while (true) {
    if (poll(ends, 2, -1) < 0) continue;
    if (ends[0].revents != 0) return;
    if (ends[1].revents != 0 && at_eof(STDIN_FILENO)) return;
  }
}

void run(const Options& options, int signals) {
  std::unique_ptr<TlsIdentity> identity;
  if (options.https) identity = std::make_unique<TlsIdentity>(tls_identity(options.cert_dir));
  World world(options);
  const Server server(world, identity.get());
  if (!options.port_file.empty()) write_port_file(options.port_file, server.port());
  std::printf("listening on %s://127.0.0.1:%d\n", options.https ? "https" : "http", server.port());
  std::fflush(stdout);
  wait_for_end(signals, options.exit_on_stdin_eof);
}

}  // namespace
}  // namespace fake_twilio

int main(int argc, char** argv) {
  using namespace fake_twilio;
  try {
    const Options options = parse_options(argc, argv);
    const int signals = take_over_signals();
    allow_many_sockets();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    run(options, signals);
  } catch (const BadOption& bad) {
    std::fprintf(stderr, "fake_twilio: %s\n%s", bad.what(), kUsage);
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fake_twilio: %s\n", error.what());
    return 1;
  }
  return 0;
}
