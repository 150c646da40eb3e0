// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/certificate_request.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>
#include <stdexcept>

namespace controlplane::ctl {
namespace {

struct Free {
  void operator()(X509_REQ* request) const { X509_REQ_free(request); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  void operator()(STACK_OF(X509_EXTENSION) * extensions) const {
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

bool ask_for_name(X509_REQ* request, const std::string& user_name) {
  const Owned<GENERAL_NAMES> names(GENERAL_NAMES_new());
  GENERAL_NAME* const name = GENERAL_NAME_new();
  ASN1_IA5STRING* const string = ASN1_IA5STRING_new();
  if (names == nullptr || name == nullptr || string == nullptr ||
      ASN1_STRING_set(string, user_name.data(), static_cast<int>(user_name.size())) != 1) {
    GENERAL_NAME_free(name);
    ASN1_IA5STRING_free(string);
    return false;
  }
  GENERAL_NAME_set0_value(name, GEN_EMAIL, string);
  if (sk_GENERAL_NAME_push(names.get(), name) <= 0) {
    GENERAL_NAME_free(name);
    return false;
  }
  STACK_OF(X509_EXTENSION)* list = nullptr;
  const bool listed = X509V3_add1_i2d(&list, NID_subject_alt_name, names.get(), 1, 0) == 1;
  const Owned<STACK_OF(X509_EXTENSION)> extensions(list);
  return listed && X509_REQ_add_extensions(request, extensions.get()) == 1;
}

std::string random_boundary() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    throw std::runtime_error("the random number generator of OpenSSL is not seeded");
  }
  std::string text = "hopseal-";
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

}  // namespace

std::string make_certificate_request(const crypto::SigningKey& key, const std::string& user_name,
                                     std::string& why) {
  const Owned<X509_REQ> request(X509_REQ_new());
  auto* const openssl_key = static_cast<EVP_PKEY*>(key.openssl());
  const EVP_MD* const digest =
      key.algorithm() == crypto::Algorithm::kEd25519 ? nullptr : EVP_sha256();
  const bool is_address = user_name.find('@') != std::string::npos;
  unsigned char* der = nullptr;
  int length = 0;
  if (request != nullptr && X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1 &&
      X509_REQ_set_pubkey(request.get(), openssl_key) == 1 &&
      (!is_address || ask_for_name(request.get(), user_name)) &&
      X509_REQ_sign(request.get(), openssl_key, digest) > 0) {
    length = i2d_X509_REQ(request.get(), &der);
  }
  if (length <= 0) {
    why = "OpenSSL cannot make the certificate request";
    return {};
  }
  std::string bytes(reinterpret_cast<const char*>(der), static_cast<std::size_t>(length));
  OPENSSL_free(der);
  return bytes;
}

FormBody make_form(const EnrollmentForm& form) {
  std::string boundary;
  do {
    boundary = random_boundary();
  } while (form.username.find(boundary) != std::string_view::npos ||
           form.password.find(boundary) != std::string_view::npos ||
           form.csr.find(boundary) != std::string_view::npos);
  FormBody made;
  made.content_type = "multipart/form-data; boundary=" + boundary;
  const auto add = [&](const char* name, const char* more, std::string_view value) {
    made.body += "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + name + "\"" +
                 more + "\r\n\r\n";
    made.body += value;
    made.body += "\r\n";
  };
  add("username", "", form.username);
  add("password", "", form.password);
  if (form.node_ids > 1) add("nodeids", "", std::to_string(form.node_ids));
  // The file name has servers treat it as the file that browsers would send.
  add("csr", "; filename=\"node.csr\"\r\nContent-Type: application/pkcs10", form.csr);
  made.body += "--" + boundary + "--\r\n";
  return made;
}

}  // namespace controlplane::ctl
