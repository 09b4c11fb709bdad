#include "certificate.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <vector>

namespace fake_twilio {

namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Runs a program of the PATH and waits for its end; false if it failed. Its words go to `log`.
bool run(std::vector<std::string> words, const std::string& log) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0644);
  pid_t pid = 0;
  int status = -1;
  const bool runs =
      posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ) == 0;
  posix_spawn_file_actions_destroy(&actions);
  return runs && waitpid(pid, &status, 0) == pid && status == 0;
}

}  // namespace

TlsIdentity tls_identity(const std::string& directory) {
  const std::string certificate = directory + "/ca.pem";
  const std::string key = directory + "/server.key";
  const std::string log = directory + "/openssl.log";
  mkdir(directory.c_str(), 0755);
  const bool known = access(certificate.c_str(), R_OK) == 0;
  if (!known && !run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                      "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=localhost",
                      "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1", "-keyout", key,
                      "-out", certificate},
                     log)) {
    throw std::runtime_error("openssl made no certificate: " + read_file(log));
  }
  return {read_file(certificate), read_file(key)};
}

}  // namespace fake_twilio
