#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "core/crypto/secret.hpp"
#include "gateway/database.hpp"

namespace coach_sms {

// What a role may see and do, by its grants.
struct Rights {
  bool sees_texts = false;   // the views of the office
  bool sees_server = false;  // health, doctor, queue
  bool sends_again = false;
  bool cancels = false;
  bool pauses = false;
};

// A connection of a role.
struct RoleConnection {
  RoleConnection(const std::string& conninfo, std::string_view role_name, Secret its_password);

  std::string role;
  Secret password;
  Database database;
  Rights rights;
  Clock::time_point opened;
  Clock::time_point used;
};

// The connections of people who have signed in, kept for a minute. May be called from any thread.
class RoleConnections {
 public:
  // `conninfo` says where the database is. Its role and password do not count.
  explicit RoleConnections(std::string conninfo) : conninfo_(std::move(conninfo)) {}

  // Returns a connection of the role, for one thread; see give_back(). Returns nullptr, with the
  // reason in `why`, where the server does not accept the password, or where the role must not sign
  // in: the server asked for no password, or the role is a superuser's, passes over row security,
  // or may see nothing here. The reason quotes nothing that was typed.
  RoleConnection* borrow(const std::string& role, const Secret& password,
                         Clock::time_point deadline, std::string* why);
  // Takes the connection back. Each one that was borrowed must come back.
  void give_back(RoleConnection* connection);

  // Closes connections that nobody has used for a while. To be called now and then.
  void close_idle();
  // Lets all borrowed connections fail at once, and all later ones.
  void give_up();

 private:
  using Owner = std::unique_ptr<RoleConnection>;

  RoleConnection* lend(const std::string& role, const Secret& password);

  std::string conninfo_;
  std::mutex mutex_;
  bool gives_up_ = false;
  std::list<Owner> idle_;  // the one used last comes first
  std::list<Owner> borrowed_;
};

}  // namespace coach_sms
