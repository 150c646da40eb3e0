// SPDX-License-Identifier: Apache-2.0
// SHA-512 and SHA-256 of many messages at once: ipsec-mb hashes one message per vector lane.
//
// One HashBatch belongs to one thread.

#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace crypto {

class HashBatch {
 public:
  /// Both are borrowed until the call returns.
  struct Message {
    std::span<const std::byte> bytes;
    std::byte* digest;  ///< 64 bytes for SHA-512, 32 for SHA-256
  };
  /// Messages a call may bring, and how long each may be. Longer ones gain nothing from lanes.
  static constexpr std::size_t kMaxMessages = 64;
  static constexpr std::size_t kMaxBytes = 4096;

  /// nullptr when out of memory or when ipsec-mb fails its own self-test.
  [[nodiscard]] static std::unique_ptr<HashBatch> create();
  ~HashBatch();
  HashBatch(const HashBatch&) = delete;
  HashBatch& operator=(const HashBatch&) = delete;

  /// Fill every digest. Neither allocates nor locks. A message of 264 bytes costs about 520 cycles
  /// in a full batch; a few messages go to OpenSSL one by one, where that is faster.
  void sha512(std::span<const Message> messages) noexcept;
  void sha256(std::span<const Message> messages) noexcept;

 private:
  struct Engines;
  explicit HashBatch(std::unique_ptr<Engines> engines) noexcept;
  std::unique_ptr<Engines> engines_;
};

}  // namespace crypto
