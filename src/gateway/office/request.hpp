#pragma once

#include <string>
#include <string_view>

#include "core/webhook/form.hpp"

namespace coach_sms {

// A request of a browser to the office's pages.
struct OfficeRequest {
  bool is_post = false;
  std::string path;
  FormParams query;
  FormParams form;       // of a POST
  std::string cookie;    // the value of our cookie; empty: none
  std::string address;   // the browser's
  bool is_ours = false;  // a page of ours sent it, by Origin or Sec-Fetch-Site

  // Returns a value of the query or of the form; empty where it is missing.
  std::string asked(std::string_view name) const { return value(query, name); }
  std::string given(std::string_view name) const { return value(form, name); }

 private:
  static std::string value(const FormParams& params, std::string_view name) {
    const std::string* found = find(params, name);
    return found != nullptr ? *found : std::string();
  }
};

}  // namespace coach_sms
