#include "core/webhook/signature.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/ascii.hpp"
#include "core/base/encoding.hpp"
#include "core/base/error.hpp"
#include "core/base/url.hpp"
#include "core/webhook/signed_url.hpp"

namespace coach_sms {
namespace {

constexpr std::size_t kSignatureSize = 28;  // base64 of 20 bytes
constexpr std::size_t kMaxTokenSize = 1024;

using Digest = std::array<unsigned char, EVP_MAX_MD_SIZE>;

std::string_view view_of(const Digest& digest, std::size_t size) {
  return {reinterpret_cast<const char*>(digest.data()), size};
}

bool equal_in_constant_time(std::string_view left, std::string_view right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

using Mac = std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)>;

// Returns an HMAC-SHA1 without a key; null where OpenSSL fails. To find the algorithm takes longer
// than the HMAC of a callback, so callers copy this one.
Mac find_hmac_sha1() {
  EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  Mac mac(EVP_MAC_CTX_new(hmac), EVP_MAC_CTX_free);
  EVP_MAC_free(hmac);
  std::string digest = "SHA1";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string("digest", digest.data(), digest.size()),
      OSSL_PARAM_construct_end()};
  if (mac && EVP_MAC_CTX_set_params(mac.get(), params) != 1) mac.reset();
  return mac;
}

std::string hmac_sha1_base64(std::string_view key, std::string_view text) {
  static const Mac found = find_hmac_sha1();
  const auto bytes = [](std::string_view view) {
    return reinterpret_cast<const unsigned char*>(view.data());
  };
  const Mac mac(found ? EVP_MAC_CTX_dup(found.get()) : nullptr, EVP_MAC_CTX_free);
  Digest digest{};
  std::size_t size = 0;
  if (!mac || EVP_MAC_init(mac.get(), bytes(key), key.size(), nullptr) != 1 ||
      EVP_MAC_update(mac.get(), bytes(text), text.size()) != 1 ||
      EVP_MAC_final(mac.get(), digest.data(), &size, digest.size()) != 1) {
    throw Error(ErrorKind::kInternal, "OpenSSL refused HMAC-SHA1");
  }
  return to_base64(view_of(digest, size));
}

std::string sha256_hex(std::string_view text) {
  Digest digest{};
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    throw Error(ErrorKind::kInternal, "OpenSSL refused SHA-256");
  }
  return to_hex(view_of(digest, size));
}

// Returns names and values in byte order with nothing between them. Equal values of one name count
// once, as in sorted pairs without equal ones.
std::string signed_params(FormParams params) {
  std::sort(params.begin(), params.end());
  params.erase(std::unique(params.begin(), params.end()), params.end());
  std::string text;
  for (const auto& [name, value] : params) {
    text += name;
    text += value;
  }
  return text;
}

bool is_json(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && type.back() == ' ')
    type.remove_suffix(1);
  return equals_ignoring_case(type, "application/json");
}

bool has_hash_of(std::string_view url, std::string_view body) {
  const std::size_t query = url.find('?');
  if (query == std::string_view::npos) return false;
  const FormParams params = parse_form(url.substr(query + 1), {kMaxUrlSize, kMaxUrlSize});
  const std::string* const hash = find(params, "bodySHA256");
  return hash != nullptr && equal_in_constant_time(*hash, sha256_hex(body));
}

// Returns the signed text behind the URL; nullopt where the body cannot be the signed one.
std::optional<std::string> signed_body(std::string_view url, std::string_view body,
                                       std::string_view content_type) {
  if (body.size() > FormLimits{}.max_bytes) return std::nullopt;
  if (is_json(content_type)) {
    if (!has_hash_of(url, body)) return std::nullopt;
    return std::string();
  }
  try {
    return signed_params(parse_form(body));
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

std::string sign(std::string_view auth_token, std::string_view url, const FormParams& params) {
  return hmac_sha1_base64(auth_token, std::string(without_fragment(url)) + signed_params(params));
}

bool is_signature(std::string_view text) {
  return text.size() == kSignatureSize && from_base64(text).has_value();
}

bool is_shared_key_signature(std::string_view text) {
  constexpr std::size_t kSha256Size = 32;
  if (text.starts_with("X-Twilio-Webhooks-Signature-Settings:")) return true;
  const std::optional<std::string> digest = from_base64(text);
  return digest && digest->size() == kSha256Size;
}

std::vector<std::string> signable_texts(std::string_view url, std::string_view body,
                                        std::string_view content_type) {
  std::vector<std::string> texts;
  try {
    texts = possibly_signed_urls(url);
  } catch (const Error&) {  // the URL is too long once it is escaped
  }
  if (texts.empty()) return texts;
  const std::optional<std::string> rest = signed_body(url, body, content_type);
  if (!rest) return {};
  for (std::string& text : texts)
    text += *rest;
  return texts;
}

bool is_signed_with(std::string_view auth_token, const std::vector<std::string>& texts,
                    std::string_view signature) {
  if (auth_token.empty() || auth_token.size() > kMaxTokenSize) return false;
  return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) {
    return equal_in_constant_time(hmac_sha1_base64(auth_token, text), signature);
  });
}

bool validate_signature(std::string_view auth_token, std::string_view url, std::string_view body,
                        std::string_view signature, std::string_view content_type) {
  if (auth_token.empty() || !is_signature(signature)) return false;
  return is_signed_with(auth_token, signable_texts(url, body, content_type), signature);
}

}  // namespace coach_sms
