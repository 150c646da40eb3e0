// SPDX-License-Identifier: Apache-2.0
// DTLS 1.2 (RFC 6347) by OpenSSL over memory BIOs, as a program with sockets of its own uses it.

#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <span>

namespace bench::baseline {

/// What to hand to OpenSSL's own free function.
template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
template <class T, auto Free>
using OpensslPointer = std::unique_ptr<T, FreeWith<Free>>;

/// A new P-256 key with a certificate that it signs itself, for one run.
class DtlsIdentity {
 public:
  /// nullptr when OpenSSL fails.
  [[nodiscard]] static std::unique_ptr<DtlsIdentity> make();
  [[nodiscard]] EVP_PKEY* key() const noexcept { return key_.get(); }
  [[nodiscard]] X509* certificate() const noexcept { return certificate_.get(); }

 private:
  OpensslPointer<EVP_PKEY, EVP_PKEY_free> key_;
  OpensslPointer<X509, X509_free> certificate_;
};

/// One end of an association with ECDHE-ECDSA-AES128-GCM-SHA256. Used by one thread.
class DtlsEnd {
 public:
  enum class Role : bool { kClient, kServer };
  /// Both ends show a certificate; this one takes @p peer's and no other. nullptr when OpenSSL
  /// fails.
  [[nodiscard]] static std::unique_ptr<DtlsEnd> create(Role role, const DtlsIdentity& own,
                                                       const DtlsIdentity& peer);
  /// The whole handshake of two ends in one process. False when it fails.
  [[nodiscard]] static bool connect(DtlsEnd& client, DtlsEnd& server);

  /// Opens a datagram with one record into @p plaintext, which must be as long. The size of what
  /// was in it, or 0 when the record is not good or comes again.
  [[nodiscard]] std::size_t open(std::span<const std::byte> datagram,
                                 std::span<std::byte> plaintext);
  /// Seals one record into @p datagram. Its size, or 0 when it does not fit.
  [[nodiscard]] std::size_t seal(std::span<const std::byte> plaintext,
                                 std::span<std::byte> datagram);

 private:
  /// Records of a handshake stay below it.
  static constexpr long kMtu = 1400;

  DtlsEnd() = default;
  /// Hands what this end wants sent to @p other. False when nothing was there.
  bool pass_to(DtlsEnd& other);

  OpensslPointer<SSL_CTX, SSL_CTX_free> context_;
  OpensslPointer<SSL, SSL_free> ssl_;
  BIO* in_ = nullptr;  // both owned by ssl_
  BIO* out_ = nullptr;
};

}  // namespace bench::baseline
