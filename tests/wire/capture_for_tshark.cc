// SPDX-License-Identifier: Apache-2.0
// Writes a pcap of frames made by our encoders to standard output. tshark_agrees_test.py knows the
// values set here and asks tshark for them.

#include <array>
#include <cstdio>
#include <string_view>
#include <vector>

#include "tests/support/pcap_bytes.h"
#include "wire/reload/forwarding_option.h"
#include "wire/reload/link_framing.h"
#include "wire/reload/message_builder.h"

namespace {

using namespace wire::reload;

NodeId node(std::uint8_t n) {
  NodeId id;
  id.bytes.fill(std::byte{0x10});
  id.bytes.back() = std::byte{n};
  return id;
}

Bytes text(std::string_view characters) {
  const auto bytes = std::as_bytes(std::span(characters));
  return {bytes.begin(), bytes.end()};
}

/// The signature is not a real one: tshark does not check it.
SigningIdentity signer(SignatureScheme scheme, SignerIdentityType type, std::size_t size) {
  SigningIdentity identity;
  identity.scheme = scheme;
  identity.signer.type = type;
  identity.signer.hash.fill(std::byte{0xc4});
  identity.sign = [size](std::span<const std::byte>) { return Bytes(size, std::byte{0x51}); };
  return identity;
}

Bytes framed(std::uint32_t sequence, std::span<const std::byte> message) {
  Bytes frame(kDataFrameOverhead);
  write_data_frame_header(sequence, static_cast<std::uint32_t>(message.size()), frame);
  frame.insert(frame.end(), message.begin(), message.end());
  return frame;
}

MessageBuilder message(std::uint64_t transaction) {
  MessageBuilder builder;
  builder.overlay(OverlayHash{0x65b0781f})
      .configuration_sequence(7)
      .transaction(TransactionId{transaction});
  return builder;
}

/// A request that crossed two peers, one of which named the way back by a compact opaque ID.
Bytes request() {
  const std::array<std::byte, 2> compact{std::byte{0x90}, std::byte{0x02}};
  return message(0x1122334455667788)
      .ttl(98)
      .max_response_length(4000)
      .via(node(1))
      .via_entry(compact)
      .destination(node(7))
      .option(33, kResponseCopy, text("ab"))
      .contents(MessageCode::kPingReq, ping_request_body(16))
      .sign(signer(SignatureScheme::kRsaPkcs1Sha256, SignerIdentityType::kCertHash, 256));
}

Bytes answer() {
  return message(0x1122334455667788)
      .ttl(97)
      .destination(node(3))
      .destination(node(1))
      .contents(MessageCode::kPingAns, ping_answer_body(0x0102030405060708, 1700000000000))
      .sign(signer(SignatureScheme::kEd25519, SignerIdentityType::kCertHashNodeId, 64));
}

Bytes error() {
  return message(0x99)
      .destination(node(1))
      .contents(MessageCode::kError, error_body(ErrorCode::kTtlExceeded, text("too far")))
      .sign(signer(SignatureScheme::kEcdsaP256Sha256, SignerIdentityType::kCertHash, 71));
}

Bytes to_resource(std::size_t body_bytes) {
  return message(0x77)
      .destination_resource(Bytes(16, std::byte{0xab}))
      .contents(MessageCode::kPingReq, ping_request_body(body_bytes))
      .sign(signer(SignatureScheme::kEd25519, SignerIdentityType::kCertHash, 64));
}

}  // namespace

int main() {
  std::vector<Bytes> payloads = {framed(41, request()), framed(0, answer()), framed(1, error())};
  Bytes ack(kAckFrameBytes);
  AckWindow window;
  for (const std::uint32_t sequence : {10U, 39U, 40U, 41U}) {
    write_ack_frame(sequence, window.note(sequence), ack);
  }
  payloads.push_back(ack);
  std::uint32_t sequence = 2;
  for (const Bytes& piece : fragment_message(to_resource(1500), 700)) {
    payloads.push_back(framed(sequence++, piece));
  }

  std::vector<Bytes> packets;
  for (const Bytes& payload : payloads) {
    tests::UdpPacket packet;
    packet.payload = payload;
    packet.ipv6 = packets.size() == 1;  // tshark joins fragments of one pair of addresses only
    packets.push_back(tests::ethernet(packet));
  }
  const Bytes capture = tests::pcap(packets);
  return std::fwrite(capture.data(), 1, capture.size(), stdout) == capture.size() ? 0 : 1;
}
