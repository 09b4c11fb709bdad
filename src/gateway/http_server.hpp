#pragma once

#include <microhttpd.h>

#include <atomic>
#include <memory>
#include <string>

#include "gateway/request_deadlines.hpp"
#include "gateway/status_counts.hpp"

namespace coach_sms {

// A request while it is served. Subclasses of Site keep what they need in it.
struct Visit {
  virtual ~Visit() = default;

  std::string target;  // path and query, as they came
  std::string method;
  Clock::time_point begin;
  int status = 0;  // of the answer; 0: none yet
};

class HttpServer;

// The pages of one listening address.
class Site {
 public:
  virtual ~Site() = default;
  virtual std::unique_ptr<Visit> new_visit() = 0;
  // Called when the head of the request is there, and then for each part of the body; `size` 0 is
  // its end. MHD_NO closes the connection. May throw.
  virtual MHD_Result begin(Visit* visit, MHD_Connection* connection) = 0;
  virtual MHD_Result body(Visit* visit, const char* data, std::size_t size) = 0;
  virtual MHD_Result end(Visit* visit, MHD_Connection* connection, HttpServer* server) = 0;
};

struct ServerOptions {
  std::string address;  // HOST:PORT, or [HOST]:PORT
  unsigned connections;
  unsigned connections_per_address;  // 0: no limit
  bool has_thread_per_connection;    // else one thread for all, which must not wait
  std::chrono::milliseconds request_time;
  bool access_log;
};

// Serves a site by HTTP, in threads of its own. `site` must outlive it.
class HttpServer {
 public:
  // Throws Error (kInvalidArgument) where it cannot listen at the address.
  HttpServer(const ServerOptions& options, Site* site);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Returns the port at which it listens.
  int port() const;
  // Returns the number of open connections.
  unsigned connections() const;
  // Returns the number of requests whose answers are not sent yet.
  int visits() const noexcept { return visits_; }
  // Returns how many requests were answered with each status.
  const StatusCounts& answers() const noexcept { return answers_; }
  // Takes no new connections from now on.
  void close_door();
  // Ends requests whose time is over. To be called several times a second.
  void enforce_deadlines() { deadlines_.enforce(Clock::now()); }
  // Gives the request on the connection so much time from now on.
  void extend(MHD_Connection* connection, std::chrono::milliseconds time) {
    deadlines_.move(connection, Clock::now() + time);
  }

 private:
  static void on_connection(void* self, MHD_Connection* connection, void** context,
                            MHD_ConnectionNotificationCode code);
  static void* on_target(void* self, const char* target, MHD_Connection* connection);
  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* path,
                               const char* method, const char* version, const char* data,
                               std::size_t* size, void** visit);
  static void on_completed(void* self, MHD_Connection* connection, void** visit,
                           MHD_RequestTerminationCode code);
  MHD_Result serve(Visit* visit, MHD_Connection* connection, const char* method, const char* data,
                   std::size_t* size);
  void log_access(const Visit& visit) const;

  ServerOptions options_;
  Site* site_;
  RequestDeadlines deadlines_;
  std::atomic<int> visits_ = 0;
  StatusCounts answers_;
  int closed_door_ = -1;  // the listening socket after close_door()
  MHD_Daemon* daemon_;
};

// Queues the answer to a request, and notes its status in the visit.
MHD_Result give(const Answer& answer, Visit* visit, MHD_Connection* connection);

// Returns the value of a header; "" where it is missing.
std::string_view header(MHD_Connection* connection, const char* name);

}  // namespace coach_sms
