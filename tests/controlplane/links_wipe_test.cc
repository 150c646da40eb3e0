// SPDX-License-Identifier: Apache-2.0
// Memory that goes back to the heap holds no keys. Every block is looked at when it is freed, by us
// or by OpenSSL. Stacks and registers are not.

#include <gtest/gtest.h>
#include <malloc.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "tests/controlplane/links_rig.h"

namespace {

// Copies of the blocks freed while the recorder is on.
struct Recorder {
  static constexpr std::size_t kRoom = std::size_t{64} << 20U;
  std::array<unsigned char, kRoom> bytes;
  std::size_t used = 0;
  std::size_t lost = 0;
  bool on = false;

  void note(void* block) noexcept {
    if (!on || block == nullptr) return;
    const std::size_t length = malloc_usable_size(block);
    if (length > kRoom - used) {
      ++lost;
      return;
    }
    std::memcpy(bytes.data() + used, block, length);
    used += length;
  }
};
Recorder recorder;

void* allocate(std::size_t bytes, const char*, int) { return std::calloc(1, bytes); }
void* reallocate(void* block, std::size_t bytes, const char*, int) {
  if (block == nullptr) return std::calloc(1, bytes);
  if (bytes == 0) {
    recorder.note(block);
    std::free(block);
    return nullptr;
  }
  void* moved = std::calloc(1, bytes);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, block, std::min(bytes, malloc_usable_size(block)));
  recorder.note(block);
  std::free(block);
  return moved;
}
void release(void* block, const char*, int) {
  recorder.note(block);
  std::free(block);
}
// Before OpenSSL allocates anything.
const bool hooked = CRYPTO_set_mem_functions(allocate, reallocate, release) == 1;

}  // namespace

// calloc: what a block held before is not what its owner leaves.
void* operator new(std::size_t bytes) {
  if (void* block = std::calloc(1, bytes)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept {
  recorder.note(block);
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept { operator delete(block); }

namespace tests {
namespace {

using controlplane::links::kSecond;
using wire::reload::NodeId;

bool was_freed(std::span<const std::byte> secret) {
  const auto* from = reinterpret_cast<const unsigned char*>(secret.data());
  const auto end = recorder.bytes.begin() + static_cast<std::ptrdiff_t>(recorder.used);
  return std::search(recorder.bytes.begin(), end, from, from + secret.size()) != end;
}

TEST(LinksWipe, NoFreedBlockHoldsAKey) {
  ASSERT_TRUE(hooked);
  NodeId low;
  low.bytes.fill(std::byte{0x11});
  NodeId high;
  high.bytes.fill(std::byte{0xee});
  const LinkOverlay overlay;
  for (const wire::dtls::Aead aead : {wire::dtls::Aead::kAes128Gcm, wire::dtls::Aead::kAes256Gcm,
                                      wire::dtls::Aead::kChaCha20Poly1305}) {
    auto settings_a = overlay.context_settings(overlay.identity(low));
    auto settings_b = overlay.context_settings(overlay.identity(high));
    settings_a.aeads = settings_b.aeads = {aead};
    const auto context_a = make_context(settings_a);
    const auto context_b = make_context(settings_b);
    std::array<std::array<std::byte, 32>, 4> secrets{};
    recorder.used = 0;
    recorder.on = true;
    {
      LinkNode a(low, 1, context_a);
      LinkNode b(high, 2, context_b);
      a.link_to(links_at(kSecond), high, 2);
      b.link_to(links_at(kSecond), low, 1);
      LinkNetwork network(a, b, 1);
      // Lost once, so that flights are sealed again and the final one is repeated.
      network.swallow = [&](unsigned to, auto) {
        return to == 1 && b.is_secure() && b.counters().repeated_final_flights == 0;
      };
      EXPECT_TRUE(network.run_until([&] { return a.is_secure() && b.is_secure(); }, 9 * kSecond));
      a.handshakes->want_association(network.now(), LinkNode::kSlot, LinkNode::kGeneration,
                                     a.installed.back(), a.out);
      a.carry_out();
      network.run_for(5 * kSecond);
      EXPECT_EQ(a.counters().rekeyed, 1U);
      for (std::size_t i = 0; i < 2; ++i) {
        const LinkNode::Keys& keys = a.ever.at(a.installed.at(i));
        secrets[2 * i] = keys.keys.write.key;
        secrets[2 * i + 1] = keys.keys.read.key;
      }
    }
    recorder.on = false;
    EXPECT_EQ(recorder.lost, 0U);
    EXPECT_GT(recorder.used, 100'000U);
    for (const auto& secret : secrets) {
      EXPECT_FALSE(was_freed(std::span(secret).first(wire::dtls::key_bytes(aead))));
    }
  }
}

TEST(LinksWipe, TheSearchFindsWhatIsNotWiped) {
  recorder.used = 0;
  recorder.on = true;
  std::array<std::byte, 16> secret;
  secret.fill(std::byte{0x5c});
  { const std::vector<std::byte> careless(secret.begin(), secret.end()); }
  recorder.on = false;
  EXPECT_TRUE(was_freed(secret));
}

}  // namespace
}  // namespace tests
