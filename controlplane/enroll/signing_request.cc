// SPDX-License-Identifier: Apache-2.0
#include "controlplane/enroll/signing_request.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string_view>

#include "crypto/public_key.h"

namespace controlplane::enroll {
namespace {

struct Free {
  void operator()(X509_REQ* request) const { X509_REQ_free(request); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  void operator()(STACK_OF(X509_EXTENSION) * extensions) const {
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

/// What OpenSSL says of bytes from the network is not kept for others to find.
struct Marked {
  Marked() { ERR_set_mark(); }
  ~Marked() { ERR_pop_to_mark(); }
  Marked(const Marked&) = delete;
  Marked& operator=(const Marked&) = delete;
};

Owned<X509_REQ> decode(std::span<const std::byte> bytes) {
  constexpr std::string_view kPem = "-----BEGIN ";
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with(kPem)) {
    const Owned<BIO> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    return Owned<X509_REQ>(
        bio == nullptr ? nullptr : PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
  }
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  const unsigned char* const end = at + bytes.size();
  Owned<X509_REQ> request(d2i_X509_REQ(nullptr, &at, static_cast<long>(bytes.size())));
  if (at != end) request.reset();
  return request;
}

bool digest_is_good(const X509_REQ* request) {
  int digest = NID_undef;
  if (OBJ_find_sigid_algs(X509_REQ_get_signature_nid(request), &digest, nullptr) != 1) return false;
  // Ed25519 names none.
  return digest == NID_sha256 || digest == NID_sha384 || digest == NID_sha512 ||
         digest == NID_undef;
}

std::string text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::vector<std::string> names_asked_for(X509_REQ* request) {
  std::vector<std::string> found;
  X509_NAME* const subject = X509_REQ_get_subject_name(request);
  for (int i = -1; (i = X509_NAME_get_index_by_NID(subject, NID_pkcs9_emailAddress, i)) >= 0;) {
    found.push_back(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i))));
  }
  const Owned<STACK_OF(X509_EXTENSION)> extensions(X509_REQ_get_extensions(request));
  const Owned<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509V3_get_d2i(extensions.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_EMAIL) found.push_back(text_of(name->d.rfc822Name));
  }
  return found;
}

}  // namespace

std::optional<SigningRequest> SigningRequest::read(std::span<const std::byte> bytes,
                                                   std::string& why) {
  why.clear();
  const Marked errors;
  const auto refuse = [&why](const char* text) {
    why = text;
    return std::nullopt;
  };
  if (bytes.empty() || bytes.size() > kMostBytes) return refuse("empty, or too long");
  const Owned<X509_REQ> request = decode(bytes);
  if (request == nullptr) return refuse("not one PKCS#10 request");
  unsigned char* der = nullptr;
  const int length = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(request.get()), &der);
  if (length <= 0) return refuse("has no key");
  SigningRequest read;
  const auto* const first = reinterpret_cast<const std::byte*>(der);
  read.spki.assign(first, first + length);
  OPENSSL_free(der);
  // Before the signature: it bounds what checking that may cost.
  if (crypto::PublicKey::from_spki(read.spki, why) == nullptr) return std::nullopt;
  if (!digest_is_good(request.get())) return refuse("signed with a digest that is not accepted");
  if (X509_REQ_verify(request.get(), X509_REQ_get0_pubkey(request.get())) != 1) {
    return refuse("not signed with the key in it");
  }
  read.user_names = names_asked_for(request.get());
  return read;
}

}  // namespace controlplane::enroll
