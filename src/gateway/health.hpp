#pragma once

#include <string>

#include "gateway/database.hpp"
#include "gateway/kept_answer.hpp"

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

  Database database_;
  KeptAnswer kept_;
};

}  // namespace coach_sms
