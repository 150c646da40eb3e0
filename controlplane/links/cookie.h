// SPDX-License-Identifier: Apache-2.0
// Cookies of HelloVerifyRequests (RFC 6347 section 4.2.1): proof that a client gets what is sent to
// the address it writes from, checked without having kept anything about it.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "controlplane/links/io.h"
#include "wire/dtls/client_hello.h"

namespace controlplane::links {

/// A cookie is HMAC-SHA-256 over both endpoints and what the client must repeat, cut to 16 bytes,
/// under a random secret that is replaced every kSliceNs. A cookie of the slice before still
/// counts, so one is good for between kSliceNs and twice that.
class CookieJar {
 public:
  static constexpr std::uint64_t kSliceNs = 30 * kSecond;
  static constexpr std::size_t kCookieBytes = 17;  ///< the slice's low byte, then the digest
  using Cookie = std::array<std::byte, kCookieBytes>;

  CookieJar();
  ~CookieJar();
  CookieJar(const CookieJar&) = delete;
  CookieJar& operator=(const CookieJar&) = delete;

  /// Some microseconds. @p now_ns must not go back.
  [[nodiscard]] Cookie bake(std::uint64_t now_ns, const EndpointPair& endpoints,
                            const wire::dtls::ClientHello& hello);
  /// Is hello.cookie one of ours for the rest of @p hello? Compared in constant time.
  [[nodiscard]] bool knows(std::uint64_t now_ns, const EndpointPair& endpoints,
                           const wire::dtls::ClientHello& hello);

 private:
  static constexpr std::size_t kSecretBytes = 32;
  struct Slice {
    std::uint64_t number = 0;
    std::array<unsigned char, kSecretBytes> secret{};
  };
  void turn(std::uint64_t now_ns);
  [[nodiscard]] static Cookie digest(const Slice& slice, const EndpointPair& endpoints,
                                     const wire::dtls::ClientHello& hello);

  Slice current_;
  Slice previous_;
};

}  // namespace controlplane::links
