#include "certificate.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <ctime>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>

namespace fake_twilio {

namespace {

constexpr long kLifetimeDays = 30;

template <auto free>
struct Freer {
  template <typename T>
  void operator()(T* pointer) const {
    free(pointer);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;

template <typename T>
T* need(T* pointer, const char* what) {
  if (pointer == nullptr) throw std::runtime_error(std::string("OpenSSL cannot make ") + what);
  return pointer;
}

void add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(
      need(X509V3_EXT_conf_nid(nullptr, &context, nid, value), "an extension"));
  X509_add_ext(certificate, extension.get(), -1);
}

// Everything but extensions and signature.
Certificate blank_certificate(const char* name, long serial, EVP_PKEY* key) {
  Certificate certificate(need(X509_new(), "a certificate"));
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kLifetimeDays * 24 * 3600);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  return certificate;
}

void sign(X509* certificate, X509* issuer, EVP_PKEY* issuer_key) {
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  if (X509_sign(certificate, issuer_key, EVP_sha256()) == 0) {
    throw std::runtime_error("OpenSSL cannot sign a certificate");
  }
}

Certificate make_ca(EVP_PKEY* key) {
  Certificate ca = blank_certificate("fake_twilio private CA", 1, key);
  add_extension(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign");
  add_extension(ca.get(), ca.get(), NID_subject_key_identifier, "hash");
  sign(ca.get(), ca.get(), key);
  return ca;
}

Certificate make_server(EVP_PKEY* key, X509* ca, EVP_PKEY* ca_key) {
  Certificate server = blank_certificate("localhost", 2, key);
  add_extension(server.get(), ca, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(server.get(), ca, NID_key_usage, "critical,digitalSignature");
  add_extension(server.get(), ca, NID_ext_key_usage, "serverAuth");
  add_extension(server.get(), ca, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
  add_extension(server.get(), ca, NID_authority_key_identifier, "keyid");
  sign(server.get(), ca, ca_key);
  return server;
}

template <typename Write>
std::string to_pem(Write write) {
  const Bio bio(need(BIO_new(BIO_s_mem()), "a buffer"));
  if (write(bio.get()) != 1) throw std::runtime_error("OpenSSL cannot write PEM");
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(length));
}

std::string to_pem(X509* certificate) {
  return to_pem([certificate](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

std::string to_pem(EVP_PKEY* key) {
  return to_pem([key](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string read_file(const std::string& path) {
  std::ostringstream text;
  const std::ifstream file(path);
  if (file) text << file.rdbuf();
  return text.str();
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::trunc);
  file << text;
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path);
}

// True for a certificate that will still be good for a day.
bool is_fresh(const std::string& pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!certificate) return false;
  time_t tomorrow = time(nullptr) + 24 * 3600;
  return X509_cmp_time(X509_get0_notAfter(certificate.get()), &tomorrow) > 0;
}

}  // namespace

TlsIdentity tls_identity(const std::string& directory) {
  const std::string ca_path = directory + "/ca.pem";
  const std::string certificate_path = directory + "/server.pem";
  const std::string key_path = directory + "/server.key";
  TlsIdentity identity{read_file(certificate_path), read_file(key_path)};
  if (is_fresh(identity.certificate) && is_fresh(read_file(ca_path)) && !identity.key.empty()) {
    return identity;
  }
  const Key ca_key(need(EVP_EC_gen("P-256"), "a key"));
  const Key server_key(need(EVP_EC_gen("P-256"), "a key"));
  const Certificate ca = make_ca(ca_key.get());
  const Certificate server = make_server(server_key.get(), ca.get(), ca_key.get());
  identity = {to_pem(server.get()), to_pem(server_key.get())};
  mkdir(directory.c_str(), 0755);
  write_file(key_path, identity.key);
  chmod(key_path.c_str(), 0600);
  write_file(certificate_path, identity.certificate);
  write_file(ca_path, to_pem(ca.get()));
  return identity;
}

}  // namespace fake_twilio
