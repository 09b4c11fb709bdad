#pragma once

#include <libpq-fe.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "core/crypto/secret.hpp"
#include "gateway/call.hpp"

namespace coach_sms {

struct FreeResult {
  void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using Rows = std::unique_ptr<PGresult, FreeResult>;

// How a statement ended.
enum class Ending {
  kDone,
  kBadValue,  // the database cannot store the bytes of the values
  kAgain,     // the connection broke, or the server is not ready: the same may succeed later
  kRefused,   // anything else, such as a missing right
};

// A connection to the database in which coach_sms is installed, for one thread. No function waits
// longer than its deadline. Only the look-up of a host's name, which libpq does, may.
class Database {
 public:
  // `conninfo` is a connection string or URI; what it leaves out comes from the environment, as in
  // every program of libpq. The server ends a statement after `statement_timeout`, and after half
  // of it in wait for a lock.
  Database(std::string conninfo, std::chrono::milliseconds statement_timeout)
      : conninfo_(std::move(conninfo)), statement_timeout_(statement_timeout) {}

  // The same as this role and with this password, whatever the connection string and the
  // environment say. Both are taken as they are, and must outlive the database.
  Database(std::string conninfo, std::chrono::milliseconds statement_timeout,
           const std::string* role, const Secret* password)
      : conninfo_(std::move(conninfo)),
        statement_timeout_(statement_timeout),
        role_(role),
        password_(password) {}

  // Lets the function that waits fail at once, and all later ones. For any thread.
  void give_up() noexcept { gives_up_ = true; }

  bool is_connected() const noexcept { return connection_ != nullptr; }
  // Returns whether there is a connection on which the server says nothing, such as its end.
  bool is_idle() const noexcept;
  // Returns whether the server asked for the password. It does not under trust and peer.
  bool used_password() const noexcept { return PQconnectionUsedPassword(connection_.get()) == 1; }
  // Connects, and finds the schema of the extension. Returns false where that fails.
  bool connect(Clock::time_point deadline);
  void disconnect() noexcept { connection_.reset(); }

  // Runs one statement with text parameters, prepared once a connection; `$schema` stands for the
  // extension's schema. After kAgain there may be no connection.
  Ending run(const std::string& sql, std::span<const char* const> values,
             Clock::time_point deadline, Rows* rows);

  // Returns libpq's or the server's message of the last failure. It quotes no value: where the
  // server's words might, it is the SQLSTATE alone. After connect() it may name the role.
  const std::string& error() const noexcept { return error_; }

 private:
  struct Finish {
    void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
  };

  bool fail(std::string why);
  bool establish(Clock::time_point deadline);
  bool prepare_session(Clock::time_point deadline);
  bool wait(bool for_writing, Clock::time_point deadline);
  Ending prepare(const std::string& sql, Clock::time_point deadline);
  Ending finish(bool is_sent, Clock::time_point deadline, Rows* rows);
  Rows last_result(Clock::time_point deadline);
  Ending ending_of(const PGresult* result);

  std::string conninfo_;
  std::chrono::milliseconds statement_timeout_;
  const std::string* role_ = nullptr;
  const Secret* password_ = nullptr;
  std::atomic<bool> gives_up_ = false;
  std::string schema_;  // quoted
  std::string error_;
  std::unique_ptr<PGconn, Finish> connection_;
  // The names of the connection's prepared statements, by their texts.
  std::map<std::string, std::string> prepared_;
};

}  // namespace coach_sms
