#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace coach_sms {

// The options of coach_sms_gateway: flags, or else the environment, or else these defaults.
struct Options {
  std::string listen = "0.0.0.0:8080";
  std::string listen_private = "127.0.0.1:8081";
  std::string path = "/twilio";  // of Twilio's calls
  std::string dbname;            // a connection string; empty: PGHOST and the like alone
  unsigned database_connections = 4;
  unsigned connections = 2000;             // of strangers, at once
  unsigned connections_per_address = 100;  // at once; 0: no limit
  std::chrono::seconds request_time{10};   // for a request to arrive whole
  std::chrono::seconds hold_time{8};  // of a call while the database is away; Twilio waits 15 s
  std::size_t held_calls = 10'000;
  std::size_t held_bytes = 64UL << 20;
  std::string office;                // where pages for people are; empty: there are none
  bool office_behind_proxy = false;  // a proxy of ours, with TLS, makes all connections there
  bool access_log = false;
  bool metrics_by_org = false;
  bool wants_help = false;
  bool wants_version = false;
};

// Reads the command line. Throws Error (kInvalidArgument) for what it does not know.
Options read_options(int count, char** arguments);

// Returns the text of --help.
std::string help_text();

}  // namespace coach_sms
