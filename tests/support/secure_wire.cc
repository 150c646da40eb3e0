// SPDX-License-Identifier: Apache-2.0
#include "tests/support/secure_wire.h"

#include <algorithm>

#include "wire/dtls/record.h"

namespace tests {

using dataplane::OpenedRecord;
using dataplane::OpenJob;
using dataplane::OpenVerdict;
using dataplane::RecordKeys;
using dataplane::RecordState;

AssociationPair::AssociationPair(std::uint32_t named, wire::dtls::Aead cipher, std::uint64_t first)
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

Bytes data_frame(std::uint32_t sequence, const Bytes& message) {
  Bytes out(wire::reload::kDataFrameOverhead);
  wire::reload::write_data_frame_header(sequence, static_cast<std::uint32_t>(message.size()), out);
  out.insert(out.end(), message.begin(), message.end());
  return out;
}

Bytes payload_of(const Bytes& frame) { return look_at(frame).payload; }

SecureWire::SecureWire(unsigned seed, double loss, bool shares_buffers, std::uint8_t family)
    : a({.host = 1,
         .family = family,
         .shares_buffers = shares_buffers,
         .protocol = wire::shm::LinkProtocol::kDtls}),
      b({.host = 2, .family = family, .protocol = wire::shm::LinkProtocol::kDtls}),
      random_(seed),
      loss_(loss) {
  std::string why;
  cipher_ = crypto::LinkCipher::create(why);
  a.add_link(0, 2);
  b.add_link(0, 1);
}

const AssociationPair& SecureWire::make(std::uint32_t number, wire::dtls::Aead aead,
                                        std::uint64_t first_sequence) {
  return *pairs_.emplace_back(std::make_unique<AssociationPair>(number, aead, first_sequence));
}

std::optional<SeenRecord> SecureWire::look(const Bytes& frame) {
  const SeenFrame seen = look_at(frame);
  EXPECT_TRUE(seen.checksums_right);
  const bool by_a = seen.source == link_address(a.options.family, 1);
  for (const auto& pair : pairs_) {
    RecordKeys keys;
    EXPECT_TRUE(keys.expand(*cipher_, by_a ? pair->for_b() : pair->for_a()));
    RecordState state(keys, 0);
    Bytes bytes = seen.payload;
    const OpenJob job{.bytes = bytes, .newest = &state, .older = nullptr};
    OpenedRecord out{};
    dataplane::open_records(*cipher_, {&job, 1}, {&out, 1});
    if (out.verdict != OpenVerdict::kOpened) continue;
    wire::dtls::RecordHeader header;
    EXPECT_TRUE(wire::dtls::parse_record(bytes, 0, header).ok());
    EXPECT_EQ(out.record_bytes, bytes.size());
    EXPECT_TRUE(used_.emplace(pair->number, by_a, header.sequence).second)
        << "number " << header.sequence << " of association " << pair->number << " twice";
    ++records;
    return SeenRecord{pair->number, by_a, static_cast<std::uint8_t>(header.type), header.sequence,
                      Bytes(out.plaintext.begin(), out.plaintext.end())};
  }
  return std::nullopt;
}

void SecureWire::fly(LinkRig& from, Air& air) {
  for (Bytes& frame : from.take_frames()) {
    EXPECT_TRUE(look(frame).has_value()) << "a frame that no key opens";
    if (std::uniform_real_distribution<>(0, 1)(random_) < loss_) continue;
    const std::uint64_t late_ms = loss_ > 0 ? random_() % 3 : 0;
    air.emplace(from.now + (1 + late_ms) * LinkRig::kMs, std::move(frame));
  }
}

std::vector<Bytes> SecureWire::land(Air& air) {
  std::vector<Bytes> landed;
  while (!air.empty() && air.begin()->first <= a.now) {
    landed.push_back(std::move(air.begin()->second));
    air.erase(air.begin());
  }
  return landed;
}

void SecureWire::step() {
  fly(a, to_b_);
  fly(b, to_a_);
  for (Bytes& message : b.receive(land(to_b_))) messages_at_b.push_back(std::move(message));
  (void)a.receive(land(to_a_));
  a.run_ms(1);
  b.run_ms(1);
}

Bytes SecureWire::record_of_a(const AssociationPair& pair, std::uint64_t sequence,
                              const Bytes& plaintext, std::uint8_t content_type) const {
  RecordKeys keys;
  EXPECT_TRUE(keys.expand(*cipher_, pair.for_a()));
  RecordState state(keys, sequence);
  Bytes record(wire::dtls::record_overhead(pair.aead) + plaintext.size());
  std::copy(plaintext.begin(), plaintext.end(),
            record.begin() + static_cast<std::ptrdiff_t>(wire::dtls::plaintext_offset(pair.aead)));
  const dataplane::SealJob job{.state = &state,
                               .type = static_cast<wire::dtls::ContentType>(content_type),
                               .record = record};
  dataplane::SealVerdict verdict{};
  dataplane::seal_records(*cipher_, {&job, 1}, {&verdict, 1});
  EXPECT_EQ(verdict, dataplane::SealVerdict::kSealed);
  return record;
}

Bytes SecureWire::datagram_to_b(const std::vector<Bytes>& payloads) const {
  Bytes all;
  for (const Bytes& payload : payloads) all.insert(all.end(), payload.begin(), payload.end());
  return all;
}

}  // namespace tests
