#include "gateway/office/office.hpp"

#include "gateway/log.hpp"
#include "gateway/office/document.hpp"
#include "gateway/office/showing.hpp"

namespace coach_sms {

namespace {

using namespace std::chrono_literals;

constexpr auto kConnectWithin = 5s;
constexpr auto kAnswerWithin = 20s;  // less than OfficeSite allows

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

// Returns whether the text may be a role or a password. PostgreSQL takes no longer ones.
bool may_be(std::string_view text) {
  return text.size() <= 1000 && text.find('\0') == std::string_view::npos;
}

// Gives a connection back at its end.
struct Borrowed {
  ~Borrowed() { lender->give_back(connection); }

  RoleConnections* lender;
  RoleConnection* connection;
};

}  // namespace

Answer Office::answer(const OfficeRequest& request) {
  if (request.path == "/style.css") return style_sheet();
  if (request.is_post && !request.is_ours)
    return refusal("This form did not come from a page of this site.");
  if (request.is_post && request.path == "/sign-in") return sign_in(request);
  const auto sign_in = sign_ins_.open(request.cookie, Clock::now());
  if (!sign_in && request.is_post) return refusal("You are signed out. Sign in again.");
  if (!sign_in) return request.path == "/" ? sign_in_page(200) : redirect("/");
  if (request.is_post && !sign_ins_.is_token(*sign_in, request.given("token")))
    return refusal("This form is too old. Go back, load the page again, and try once more.");
  if (request.is_post && request.path == "/sign-out") return sign_out(*sign_in);
  return serve(request, *sign_in);
}

Answer Office::sign_in(const OfficeRequest& request) {
  const Clock::time_point now = Clock::now();
  if (!attempts_.begin(request.address, now))
    return sign_in_page(429, "Too many attempts: wait a while.");
  const std::string role = request.given("role");
  Secret password(request.given("password"));
  std::string why = "no role or password of PostgreSQL looks like that";
  RoleConnection* connection = may_be(role) && may_be(password.view())
                                   ? connections_.borrow(role, password, now + kConnectWithin, &why)
                                   : nullptr;
  if (connection == nullptr) {
    log_line("a sign-in failed: " + why);
    return sign_in_page(403, "This role and password do not sign in here. The log has the reason.");
  }
  connections_.give_back(connection);
  attempts_.succeeded(request.address);
  Answer answer = redirect("/");
  set_cookie(sign_ins_.cookie(sign_ins_.begin(role, std::move(password), now), now), "", &answer);
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
  const Clock::time_point deadline = Clock::now() + kAnswerWithin;
  std::string why;
  RoleConnection* connection =
      connections_.borrow(sign_in.role, sign_in.password, Clock::now() + kConnectWithin, &why);
  if (connection == nullptr) {
    log_line("a page cannot be shown: " + why);
    return sign_in_page(503, "The database cannot be asked, or no longer takes the password.");
  }
  const Borrowed borrowed{&connections_, connection};
  Showing showing(&request, connection, sign_ins_.token(sign_in), deadline);
  Answer answer = request.is_post ? showing.act() : showing.show();
  set_cookie(sign_ins_.cookie(sign_in, Clock::now()), "", &answer);
  return answer;
}

void Office::set_cookie(const std::string& value, const char* rest, Answer* answer) const {
  answer->headers.emplace_back("Set-Cookie", std::string(cookie_name()) + '=' + value +
                                                 "; Path=/; HttpOnly; SameSite=Strict" +
                                                 (is_secure_ ? "; Secure" : "") + rest);
}

}  // namespace coach_sms
