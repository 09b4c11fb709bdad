#pragma once

#include <mutex>

#include "gateway/call.hpp"
#include "gateway/database.hpp"

namespace coach_sms {

// The answer to /healthz: 200 or 503, with a line of JSON. The database is asked once a second at
// most, over a connection of its own. May be called from any thread.
class Health {
 public:
  explicit Health(std::string conninfo);
  Answer answer();
  // Lets a question under way end at once.
  void give_up() noexcept { database_.give_up(); }

 private:
  Answer ask();

  std::mutex mutex_;
  Database database_;
  Answer last_;
  Clock::time_point ask_again_at_;
};

}  // namespace coach_sms
