// SPDX-License-Identifier: Apache-2.0
#include "dataplane/signer_lookup.h"

#include <cassert>
#include <cstring>

#include "wire/byte_order.h"

namespace dataplane {

using wire::reload::SignerIdentityType;
using wire::reload::SignerKey;

namespace {

constexpr std::size_t kHashAt = 5;  // type(1), length(2), hash algorithm(1), hash length(1)

}  // namespace

SignerKey signer_key(std::span<const std::byte> identity) noexcept {
  assert(identity.size() >= kHashAt + wire::reload::kCertificateHashBytes);
  SignerKey key;
  std::memcpy(key.hash.data(), identity.data() + kHashAt, key.hash.size());
  key.type = SignerIdentityType{wire::load_u8(identity.data())};
  return key;
}

void look_up_signers(Burst& burst, std::uint64_t which, const SignerTable& signers) noexcept {
  if (which == 0) return;  // before the keys below are cleared, which is 2.5 KiB
  std::array<SignerKey, kBurstSize> keys;
  std::array<const SignerKey*, kBurstSize> pointers;
  std::array<const SignerEntry*, kBurstSize> found;
  std::size_t count = 0;
  for (std::uint64_t left = which; left != 0; left &= left - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(left));
    const PacketContext& context = burst.context(i);
    keys[count] = signer_key(
        bytes_of(burst.mbufs[i]).subspan(context.identity_offset, context.identity_length));
    pointers[count] = &keys[count];
    ++count;
  }
  signers.find(std::span(pointers).first(count), std::span(found).first(count));
  std::size_t next = 0;
  for (std::uint64_t left = which; left != 0; left &= left - 1) {
    burst.context(static_cast<unsigned>(std::countr_zero(left))).signer = found[next++];
  }
}

}  // namespace dataplane
