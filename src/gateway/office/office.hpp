#pragma once

#include <string>
#include <utility>

#include "gateway/office/attempts.hpp"
#include "gateway/office/request.hpp"
#include "gateway/office/role_connections.hpp"
#include "gateway/office/sign_ins.hpp"

namespace coach_sms {

// The pages for the office and the operator. What a person sees is what the role may see as which
// they sign in: each query runs under that role. May be called from any thread.
class Office {
 public:
  // `conninfo` says where the database is. `is_secure` says whether browsers come over HTTPS.
  Office(std::string conninfo, bool is_secure)
      : is_secure_(is_secure), connections_(std::move(conninfo)) {}

  Answer answer(const OfficeRequest& request);

  // Returns the name of the cookie. With HTTPS no other host can set it.
  const char* cookie_name() const noexcept {
    return is_secure_ ? "__Host-coach_sms_office" : "coach_sms_office";
  }
  // Closes connections that nobody uses. To be called now and then.
  void close_idle() { connections_.close_idle(); }
  // Lets answers under way end at once.
  void give_up() { connections_.give_up(); }

 private:
  Answer sign_in(const OfficeRequest& request);
  Answer sign_out(const SignIn& sign_in);
  Answer serve(const OfficeRequest& request, const SignIn& sign_in);
  void set_cookie(const std::string& value, const char* rest, Answer* answer) const;

  bool is_secure_;
  SignIns sign_ins_;
  Attempts attempts_;
  RoleConnections connections_;
};

}  // namespace coach_sms
