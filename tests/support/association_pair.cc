// SPDX-License-Identifier: Apache-2.0
#include "tests/support/association_pair.h"

#include <algorithm>
#include <random>
#include <utility>

namespace tests {

using namespace dataplane;  // NOLINT: this is about its record layer
using wire::dtls::Aead;

namespace {

Bytes seal(crypto::LinkCipher& cipher, const wire::shm::AssociationRecord& with,
           std::uint64_t sequence, const Bytes& plaintext, std::uint8_t content_type) {
  RecordKeys keys;
  if (!keys.expand(cipher, with)) return {};
  RecordState state(keys, sequence);
  Bytes record(wire::dtls::record_overhead(with.aead) + plaintext.size());
  std::copy(plaintext.begin(), plaintext.end(),
            record.begin() + static_cast<std::ptrdiff_t>(wire::dtls::plaintext_offset(with.aead)));
  const SealJob job{.state = &state,
                    .type = static_cast<wire::dtls::ContentType>(content_type),
                    .record = record};
  SealVerdict verdict{};
  seal_records(cipher, {&job, 1}, {&verdict, 1});
  return verdict == SealVerdict::kSealed ? record : Bytes{};
}

std::optional<Bytes> open(crypto::LinkCipher& cipher, const wire::shm::AssociationRecord& with,
                          Bytes& datagram) {
  RecordKeys keys;
  if (!keys.expand(cipher, with)) return std::nullopt;
  RecordState state(keys, 0);
  const OpenJob job{.bytes = datagram, .newest = &state, .older = nullptr};
  OpenedRecord out{};
  open_records(cipher, {&job, 1}, {&out, 1});
  if (out.verdict != OpenVerdict::kOpened || out.record_bytes != datagram.size()) {
    return std::nullopt;
  }
  return Bytes(out.plaintext.begin(), out.plaintext.end());
}

}  // namespace

AssociationPair::AssociationPair(std::uint32_t named, Aead cipher, std::uint64_t first)
    : number(named), aead(cipher), first_sequence(first) {
  std::mt19937 random(named);
  for (wire::shm::DirectionKeys* keys : {&of_a, &of_b}) {
    for (std::size_t i = 0; i < wire::dtls::key_bytes(aead); ++i) {
      keys->key[i] = static_cast<std::byte>(random());
    }
    for (std::size_t i = 0; i < wire::dtls::iv_bytes(aead); ++i) {
      keys->iv[i] = static_cast<std::byte>(random());
    }
  }
}

wire::shm::AssociationRecord AssociationPair::for_a(std::uint16_t slot) const {
  return {.slot = slot,
          .generation = 0,
          .aead = aead,
          .association = number,
          .write_sequence = first_sequence,
          .write = of_a,
          .read = of_b};
}

wire::shm::AssociationRecord AssociationPair::for_b(std::uint16_t slot) const {
  wire::shm::AssociationRecord record = for_a(slot);
  std::swap(record.write, record.read);
  return record;
}

Bytes AssociationPair::seal_as_a(crypto::LinkCipher& cipher, std::uint64_t sequence,
                                 const Bytes& plaintext, std::uint8_t content_type) const {
  return seal(cipher, for_a(), sequence, plaintext, content_type);
}
Bytes AssociationPair::seal_as_b(crypto::LinkCipher& cipher, std::uint64_t sequence,
                                 const Bytes& plaintext, std::uint8_t content_type) const {
  return seal(cipher, for_b(), sequence, plaintext, content_type);
}
std::optional<Bytes> AssociationPair::opens_as_a(crypto::LinkCipher& cipher, Bytes datagram) const {
  return open(cipher, for_a(), datagram);
}
std::optional<Bytes> AssociationPair::opens_as_b(crypto::LinkCipher& cipher, Bytes datagram) const {
  return open(cipher, for_b(), datagram);
}

}  // namespace tests
