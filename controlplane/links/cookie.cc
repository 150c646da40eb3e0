// SPDX-License-Identifier: Apache-2.0
#include "controlplane/links/cookie.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <cstring>
#include <stdexcept>

#include "wire/byte_order.h"

namespace controlplane::links {
namespace {

void fill_random(std::span<unsigned char> to) {
  if (RAND_bytes(to.data(), static_cast<int>(to.size())) != 1) {
    throw std::runtime_error("the random number generator of OpenSSL is not seeded");
  }
}

/// Everything a cookie vouches for, in a row. Each part has a fixed length or its length before it,
/// so no two different hellos give the same bytes.
class Covered {
 public:
  void fixed(std::span<const std::byte> bytes) noexcept {
    std::memcpy(bytes_.data() + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  /// Long vectors enter by a digest, so that the whole fits a buffer of fixed size.
  void vector(std::span<const std::byte> bytes) noexcept {
    std::array<std::byte, 2> length;
    wire::store_be16(length.data(), static_cast<std::uint16_t>(bytes.size()));
    fixed(length);
    if (bytes.size() <= kDigestBytes) return fixed(bytes);
    EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(bytes_.data() + size_),
               nullptr, EVP_sha256(), nullptr);
    size_ += kDigestBytes;
  }
  void endpoint(const wire::shm::Endpoint& endpoint) noexcept {
    fixed(std::as_bytes(std::span(endpoint.address)));
    std::array<std::byte, 3> rest;
    wire::store_be16(rest.data(), endpoint.port);
    wire::store_u8(rest.data() + 2, endpoint.family);
    fixed(rest);
  }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {bytes_.data(), size_}; }

 private:
  static constexpr std::size_t kDigestBytes = 32;
  std::array<std::byte, 256> bytes_;  // 2 * 19 + 2 + 32 + 3 * (2 + 32) are used
  std::size_t size_ = 0;
};

}  // namespace

CookieJar::CookieJar() {
  fill_random(current_.secret);
  fill_random(previous_.secret);
}

CookieJar::~CookieJar() {
  OPENSSL_cleanse(current_.secret.data(), current_.secret.size());
  OPENSSL_cleanse(previous_.secret.data(), previous_.secret.size());
}

void CookieJar::turn(std::uint64_t now_ns) {
  const std::uint64_t number = now_ns / kSliceNs;
  if (number == current_.number) return;
  previous_ = current_;
  current_.number = number;
  fill_random(current_.secret);
  // After a pause the slice before this one is not the one we remember.
  if (previous_.number + 1 != number) fill_random(previous_.secret);
  previous_.number = number - 1;
}

CookieJar::Cookie CookieJar::digest(const Slice& slice, const EndpointPair& endpoints,
                                    const wire::dtls::ClientHello& hello) {
  Covered covered;
  covered.endpoint(endpoints.local);
  covered.endpoint(endpoints.remote);
  std::array<std::byte, 2> version;
  wire::store_be16(version.data(), hello.version);
  covered.fixed(version);
  covered.fixed(hello.random);
  covered.vector(hello.session_id);
  covered.vector(hello.cipher_suites);
  covered.vector(hello.compression_methods);

  std::array<unsigned char, EVP_MAX_MD_SIZE> mac;
  unsigned length = 0;
  if (HMAC(EVP_sha256(), slice.secret.data(), static_cast<int>(slice.secret.size()),
           reinterpret_cast<const unsigned char*>(covered.bytes().data()), covered.bytes().size(),
           mac.data(), &length) == nullptr) {
    throw std::runtime_error("OpenSSL has no HMAC-SHA-256");
  }
  Cookie cookie;
  cookie[0] = static_cast<std::byte>(slice.number);
  std::memcpy(cookie.data() + 1, mac.data(), cookie.size() - 1);
  return cookie;
}

CookieJar::Cookie CookieJar::bake(std::uint64_t now_ns, const EndpointPair& endpoints,
                                  const wire::dtls::ClientHello& hello) {
  turn(now_ns);
  return digest(current_, endpoints, hello);
}

bool CookieJar::knows(std::uint64_t now_ns, const EndpointPair& endpoints,
                      const wire::dtls::ClientHello& hello) {
  turn(now_ns);
  if (hello.cookie.size() != kCookieBytes) return false;
  const bool is_current = hello.cookie.front() == static_cast<std::byte>(current_.number);
  const Cookie wanted = digest(is_current ? current_ : previous_, endpoints, hello);
  return CRYPTO_memcmp(wanted.data(), hello.cookie.data(), wanted.size()) == 0;
}

}  // namespace controlplane::links
