// SPDX-License-Identifier: Apache-2.0
#include "tests/support/secure_wire.h"

#include "wire/dtls/record.h"

namespace tests {

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
    const std::optional<Bytes> plain =
        by_a ? pair->opens_as_b(*cipher_, seen.payload) : pair->opens_as_a(*cipher_, seen.payload);
    if (!plain) continue;
    wire::dtls::RecordHeader header;
    EXPECT_TRUE(wire::dtls::parse_record(seen.payload, 0, header).ok());
    EXPECT_TRUE(used_.emplace(pair->number, by_a, header.sequence).second)
        << "number " << header.sequence << " of association " << pair->number << " twice";
    ++records;
    return SeenRecord{pair->number, by_a, static_cast<std::uint8_t>(header.type), header.sequence,
                      *plain};
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
  Bytes record = pair.seal_as_a(*cipher_, sequence, plaintext, content_type);
  EXPECT_FALSE(record.empty());
  return record;
}

Bytes SecureWire::datagram_to_b(const std::vector<Bytes>& payloads) const {
  Bytes all;
  for (const Bytes& payload : payloads) all.insert(all.end(), payload.begin(), payload.end());
  return all;
}

}  // namespace tests
