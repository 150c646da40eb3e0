// SPDX-License-Identifier: Apache-2.0
// AES-128-GCM's tag over the bytes as additional data, then one AES block over that.
//
// The tag is GHASH(bytes) + E(IV), and the head's first 12 bytes are the IV; the other 8 are added
// to the tag. GHASH is almost XOR universal (McGrew and Viega, "The Security and Performance of the
// Galois/Counter Mode of Operation", section 5): for different inputs the sums are equal with a
// probability of at most (bytes / 16 + 2) / 2^128 over the key. GHASH is also linear; the block
// behind it, under a key of its own, hides that.

#include "crypto/keyed_digest.h"

// The old names clash with OpenSSL's.
#define NO_COMPAT_IMB_API_053 1
#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <array>
#include <cstring>
#include <new>
#include <utility>

namespace crypto {

namespace {

constexpr std::size_t kBlock = 16;
constexpr std::size_t kIvBytes = 12;
constexpr std::size_t kAddedBytes = KeyedDigest::kHeadBytes - kIvBytes;
constexpr std::size_t kRoundKeys = 11;
using Block = std::array<std::uint8_t, kBlock>;

struct FreeManager {
  void operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }
};

}  // namespace

struct KeyedDigest::Keys {
  Keys(const IMB_MGR& manager, std::span<const std::byte, kSeedBytes> seed)
      : seal(manager.gcm128_enc), encrypt_block(manager.aes128_cfb_one) {
    std::array<std::uint32_t, kRoundKeys * 4> unused;
    manager.gcm128_pre(seed.data(), &inner);
    manager.keyexp_128(seed.data() + kBlock, outer.data(), unused.data());
    OPENSSL_cleanse(unused.data(), sizeof unused);
  }
  ~Keys() {
    OPENSSL_cleanse(&inner, sizeof inner);
    OPENSSL_cleanse(outer.data(), sizeof outer);
  }
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;

  gcm_key_data inner{};
  alignas(kBlock) std::array<std::uint32_t, kRoundKeys * 4> outer{};
  const aes_gcm_enc_dec_t seal;
  const aes_cfb_t encrypt_block;
};

KeyedDigest::KeyedDigest(std::unique_ptr<Keys> keys) noexcept : keys_(std::move(keys)) {}
KeyedDigest::~KeyedDigest() = default;

std::unique_ptr<KeyedDigest> KeyedDigest::create() {
  std::array<std::byte, kSeedBytes> seed;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(seed.data()), static_cast<int>(seed.size())) !=
      1) {
    return nullptr;
  }
  std::unique_ptr<KeyedDigest> digest = create(seed);
  OPENSSL_cleanse(seed.data(), seed.size());
  return digest;
}

std::unique_ptr<KeyedDigest> KeyedDigest::create(std::span<const std::byte, kSeedBytes> seed) {
  // The functions used here keep nothing in the manager; it is asked for the CPU's best ones.
  const std::unique_ptr<IMB_MGR, FreeManager> manager(alloc_mb_mgr(0));
  if (manager == nullptr) return nullptr;
  init_mb_mgr_auto(manager.get(), nullptr);
  if (imb_get_errno(manager.get()) != 0) return nullptr;  // the library's own self-test failed
  std::unique_ptr<Keys> keys(new (std::nothrow) Keys(*manager, seed));
  if (keys == nullptr) return nullptr;
  return std::unique_ptr<KeyedDigest>(new (std::nothrow) KeyedDigest(std::move(keys)));
}

KeyedDigest::Value KeyedDigest::of(std::span<const std::byte, kHeadBytes> head,
                                   std::span<const std::byte> bytes) const noexcept {
  gcm_context_data scratch;
  Block tag;
  keys_->seal(&keys_->inner, &scratch, nullptr, nullptr, 0,
              reinterpret_cast<const std::uint8_t*>(head.data()),
              reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), tag.data(),
              tag.size());
  for (std::size_t i = 0; i < kAddedBytes; ++i)
    tag[i] ^= static_cast<std::uint8_t>(head[kIvBytes + i]);
  // CFB of one block of zeros is the cipher itself, applied to the IV.
  constexpr Block kZeros{};
  Block sealed;
  keys_->encrypt_block(sealed.data(), kZeros.data(), tag.data(), keys_->outer.data(), kBlock);
  Value value;
  std::memcpy(&value.low, sealed.data(), sizeof value.low);
  std::memcpy(&value.high, sealed.data() + sizeof value.low, sizeof value.high);
  return value;
}

}  // namespace crypto
