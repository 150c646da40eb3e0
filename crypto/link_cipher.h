// SPDX-License-Identifier: Apache-2.0
// AES-GCM and ChaCha20-Poly1305 for the records of links, many records a call, on ipsec-mb.
//
// A LinkCipher belongs to one thread. A LinkKey is immutable once made and may be used by any
// number of them at a time. Both know nothing of DTLS beyond the 13 bytes of additional data.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace crypto {

enum class AeadCipher : std::uint8_t { kAes128Gcm, kAes256Gcm, kChaCha20Poly1305 };

inline constexpr std::size_t kAeadTagBytes = 16;
inline constexpr std::size_t kAeadNonceBytes = 12;
inline constexpr std::size_t kRecordAadBytes = 13;  // RFC 5246 section 6.2.3.3

/// One direction's key, expanded, and the IV that belongs to it. Secret: not copied, wiped when it
/// goes. 16 cache lines; the longer a record, the more of them it reads.
class alignas(64) LinkKey {
 public:
  LinkKey() noexcept = default;
  ~LinkKey();
  LinkKey(const LinkKey&) = delete;
  LinkKey& operator=(const LinkKey&) = delete;

  [[nodiscard]] AeadCipher cipher() const noexcept { return cipher_; }
  /// The write IV of the key block; bytes the cipher has none for are zero. GCM uses 4.
  [[nodiscard]] const std::array<std::byte, kAeadNonceBytes>& iv() const noexcept { return iv_; }

  /// The one line that cipher() and iv() lie in. seal() and open() prefetch the others.
  void prefetch_iv() const noexcept { __builtin_prefetch(iv_.data()); }

 private:
  friend class LinkCipher;
  std::array<std::byte, 1008> expanded_{};  // ipsec-mb's, or the 32 bytes of a ChaCha20 key
  std::array<std::byte, kAeadNonceBytes> iv_{};
  AeadCipher cipher_ = AeadCipher::kAes128Gcm;
};
static_assert(sizeof(LinkKey) == 1024);

/// One record to seal or open. Key and text are borrowed until the call returns. Without defaults,
/// so that an array of them costs nothing.
struct AeadJob {
  const LinkKey* key;
  std::byte* text;    ///< plaintext or ciphertext, replaced in place; kAeadTagBytes follow it
  std::size_t bytes;  ///< of the text; may be 0
  std::array<std::byte, kAeadNonceBytes> nonce;
  std::array<std::byte, kRecordAadBytes> aad;
};

class LinkCipher {
 public:
  static constexpr std::size_t kMaxJobs = 64;

  /// Runs the known answers of every cipher (AES-GCM: test cases 4 and 16 of McGrew and Viega;
  /// ChaCha20-Poly1305: RFC 8439 section 2.8.2) before anybody may use it. nullptr: @p error says
  /// what the library or the CPU cannot do. Takes 200 kB.
  [[nodiscard]] static std::unique_ptr<LinkCipher> create(std::string& error);
  ~LinkCipher();
  LinkCipher(const LinkCipher&) = delete;
  LinkCipher& operator=(const LinkCipher&) = delete;

  /// Expands a write key of the key block and its IV. 0.2 us; any thread, also beside seal() and
  /// open(). False when the sizes are not the cipher's: then @p out is as it was.
  /// The caller wipes @p key and @p iv.
  [[nodiscard]] bool expand(AeadCipher cipher, std::span<const std::byte> key,
                            std::span<const std::byte> iv, LinkKey& out) const noexcept;

  /// Encrypts and writes the tags. Bit i of the result: jobs[i] is sealed. A bit is missing only
  /// when the library fails a job; the text is then to be thrown away, and never to be sent.
  ///
  /// @pre jobs.size() <= kMaxJobs; keys were expanded by a LinkCipher of this process; a (key,
  ///      nonce) pair was never sealed with before
  [[nodiscard]] std::uint64_t seal(std::span<const AeadJob> jobs) noexcept;

  /// Decrypts what is authentic. Bit i of the result: jobs[i] is, and its text is plaintext. Any
  /// other text and tag are as they came: no unauthenticated plaintext is left, and another key
  /// may be tried on them. Tags are compared in constant time.
  ///
  /// Neither call allocates or locks. A verdict depends on its own job only. Keys are prefetched
  /// some jobs ahead, by what a text of its length reads. Figures: bench/record_bench.cc.
  ///
  /// @pre jobs.size() <= kMaxJobs; keys were expanded by a LinkCipher of this process
  [[nodiscard]] std::uint64_t open(std::span<const AeadJob> jobs) noexcept;

 private:
  struct Engine;
  explicit LinkCipher(std::unique_ptr<Engine> engine) noexcept;
  std::unique_ptr<Engine> engine_;
};

}  // namespace crypto
