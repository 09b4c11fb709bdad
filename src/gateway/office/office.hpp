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
  // The name of the cookie.
  static constexpr char kCookie[] = "coach_sms_office";

  // `conninfo` says where the database is. `is_secure` says whether browsers come over HTTPS.
  Office(std::string conninfo, bool is_secure)
      : is_secure_(is_secure), connections_(std::move(conninfo)) {}

  Answer answer(const OfficeRequest& request);

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
