#include "gateway/office/office.hpp"

#include <memory>

#include "gateway/log.hpp"
#include "gateway/office/document.hpp"
#include "gateway/office/showing.hpp"

namespace coach_sms {

namespace {

using namespace std::chrono_literals;

constexpr auto kConnectWithin = 5s;

Answer sign_in_page(int status, std::string_view trouble = {}) {
  Document page("Sign in");
  if (!trouble.empty()) page.alert(trouble);
  page.html(
      "<form method=\"post\" action=\"/sign-in\">"
      "<label for=\"role\">Role of the database</label>"
      "<input id=\"role\" name=\"role\" autocomplete=\"username\" required>"
      "<label for=\"password\">Password</label>"
      "<input id=\"password\" name=\"password\" type=\"password\" "
      "autocomplete=\"current-password\" required>"
      "<p><button>Sign in</button></p></form>");
  return page.answer(status);
}

Answer refusal(std::string_view why) {
  Document page("Refused");
  page.alert(why);
  return page.answer(403);
}

bool has_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

}  // namespace

Answer Office::answer(const OfficeRequest& request) {
  if (request.path == "/style.css") return style_sheet();
  if (request.is_post && !request.is_ours)
    return refusal("This form did not come from a page of this site.");
  if (request.is_post && request.path == "/sign-in") return sign_in(request);
  const auto sign_in = sign_ins_.open(request.cookie);
  if (!sign_in && request.is_post) return refusal("You are signed out. Sign in again.");
  if (!sign_in) return request.path == "/" ? sign_in_page(200) : redirect("/");
  if (request.is_post && !sign_ins_.is_token(*sign_in, request.given("token")))
    return refusal("This form is too old. Go back, load the page again, and try once more.");
  if (request.is_post && request.path == "/sign-out") return sign_out(*sign_in);
  return serve(request, *sign_in);
}

Answer Office::sign_in(const OfficeRequest& request) {
  if (!attempts_.begin(request.address, Clock::now()))
    return sign_in_page(429, "Too many attempts: wait a while.");
  const std::string role = request.given("role");
  Secret password(request.given("password"));
  std::string why = "role or password has a NUL";
  auto connection = has_nul(role) || has_nul(password.view())
                        ? nullptr
                        : connections_.borrow(role, password, Clock::now() + kConnectWithin, &why);
  if (connection == nullptr) {
    log_line("a sign-in failed: " + why);
    return sign_in_page(403, "This role and password do not sign in here. The log has the reason.");
  }
  attempts_.succeeded(request.address);
  connections_.give_back(std::move(connection));
  Answer answer = redirect("/");
  set_cookie(sign_ins_.cookie(sign_ins_.begin(role, std::move(password))), "", &answer);
  return answer;
}

Answer Office::sign_out(const SignIn& sign_in) {
  sign_ins_.end(sign_in);
  Answer answer = redirect("/");
  set_cookie("", "; Max-Age=0", &answer);
  return answer;
}

// Serves a request of a person who has signed in, and renews the cookie.
Answer Office::serve(const OfficeRequest& request, const SignIn& sign_in) {
  std::string why;
  auto connection =
      connections_.borrow(sign_in.role, sign_in.password, Clock::now() + kConnectWithin, &why);
  if (connection == nullptr) {
    log_line("a page cannot be shown: " + why);
    return sign_in_page(503, "The database cannot be asked, or the password has changed.");
  }
  Showing showing(&request, connection.get(), sign_ins_.token(sign_in));
  Answer answer = request.is_post ? showing.act() : showing.show();
  connections_.give_back(std::move(connection));
  set_cookie(sign_ins_.cookie(sign_in), "", &answer);
  return answer;
}

void Office::set_cookie(const std::string& value, const char* rest, Answer* answer) const {
  answer->headers.emplace_back("Set-Cookie", std::string(kCookie) + '=' + value +
                                                 "; Path=/; HttpOnly; SameSite=Strict" +
                                                 (is_secure_ ? "; Secure" : "") + rest);
}

}  // namespace coach_sms
