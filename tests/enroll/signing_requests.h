// SPDX-License-Identifier: Apache-2.0
// Signing requests made for tests.

#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <string>

namespace tests::enroll {

/// DER of a request for @p key, signed by @p signer (normally the same), that asks for @p email.
inline std::string signing_request(EVP_PKEY* key, EVP_PKEY* signer, const EVP_MD* digest,
                                   const std::string& email = "") {
  X509_REQ* const request = X509_REQ_new();
  X509_REQ_set_version(request, 0);
  X509_REQ_set_pubkey(request, key);
  X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("ignored"), -1, -1, 0);
  if (!email.empty()) {
    STACK_OF(X509_EXTENSION)* extensions = sk_X509_EXTENSION_new_null();
    X509V3_CTX context;
    X509V3_set_ctx(&context, nullptr, nullptr, request, nullptr, 0);
    const std::string value = "email:" + email + ",DNS:ignored.example.org";
    sk_X509_EXTENSION_push(
        extensions, X509V3_EXT_conf_nid(nullptr, &context, NID_subject_alt_name, value.c_str()));
    X509_REQ_add_extensions(request, extensions);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  }
  X509_REQ_sign(request, signer, digest);
  unsigned char* der = nullptr;
  const int length = i2d_X509_REQ(request, &der);
  std::string bytes(reinterpret_cast<const char*>(der), static_cast<std::size_t>(length));
  OPENSSL_free(der);
  X509_REQ_free(request);
  return bytes;
}

}  // namespace tests::enroll
