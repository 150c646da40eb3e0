// SPDX-License-Identifier: Apache-2.0
// Writes a pcap of frames made by our encoders to standard output. tshark_agrees_test.py knows the
// values set here and asks tshark for them.

#include <array>
#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/pcap_bytes.h"
#include "wire/reload/attach.h"
#include "wire/reload/chord_bodies.h"
#include "wire/reload/config_update.h"
#include "wire/reload/forwarding_option.h"
#include "wire/reload/join_leave.h"
#include "wire/reload/link_framing.h"
#include "wire/reload/message_builder.h"
#include "wire/reload/probe.h"
#include "wire/reload/route_query.h"

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

IceCandidate candidate(OverlayLinkType link, CandType type, std::span<const std::byte> address) {
  IceCandidate made;
  made.addr_port = borrow_address(address, 6084);
  made.overlay_link = link;
  made.foundation = "f1";
  made.priority = 2122317823;
  made.type = type;
  return made;
}

const Bytes kIpv4 = {std::byte{192}, std::byte{0}, std::byte{2}, std::byte{1}};
const Bytes kIpv6(16, std::byte{0x20});

/// Server reflexive and relayed, with ICE.
std::vector<IceCandidate> ice_candidates() {
  static const Bytes extensions = [] {
    Bytes encoded;
    append_ice_extension(encoded, {text("nomade"), text("yes"), {}});
    return encoded;
  }();
  std::vector<IceCandidate> made = {
      candidate(OverlayLinkType::kDtlsUdpSr, CandType::kSrflx, kIpv4),
      candidate(OverlayLinkType::kDtlsUdpSr, CandType::kRelay, kIpv6)};
  made[0].rel_addr_port = borrow_address(kIpv4, 7000);
  made[0].extensions = extensions;
  made[1].rel_addr_port = borrow_address(kIpv6, 8000);
  return made;
}

Bytes attach_request() {
  AttachReqAns attach;
  attach.role = kOffererRole;
  attach.candidates = {candidate(OverlayLinkType::kDtlsUdpSrNoIce, CandType::kHost, kIpv4),
                       candidate(OverlayLinkType::kTlsTcpFhNoIce, CandType::kHost, kIpv6)};
  attach.send_update = true;
  return attach_body(attach);
}

Bytes attach_answer() {
  return attach_body({"8hhY", "asd88fgpdd777uzjYhagZg", kAnswererRole, ice_candidates(), false});
}

Bytes app_attach(std::string_view role) {
  return app_attach_body({"8hhY", "asd88fgpdd777uzjYhagZg", 5060, role, ice_candidates()});
}

ConfigUpdateReq config_document(std::span<const std::byte> document) {
  ConfigUpdateReq update;
  update.type = ConfigUpdateType::kConfig;
  update.config_data = document;
  return update;
}

/// A request or an answer of each method of topology and links, in the order of the list METHODS in
/// tshark_agrees_test.py.
std::vector<std::pair<MessageCode, Bytes>> methods() {
  const Bytes to_successors =
      chord_leave_data({ChordLeaveType::kFromSucc, {node(0x11), node(0x12)}});
  const Bytes to_predecessors = chord_leave_data({ChordLeaveType::kFromPred, {node(0x13)}});
  const NodeId target = node(0x21);
  const Bytes resource(16, std::byte{0xab});
  const ProbeReq probe{{ProbeInformationType::kUptime, ProbeInformationType::kResponsibleSet,
                        ProbeInformationType::kNumResources}};
  const Bytes document = text("<overlay/>");
  const Bytes kind = text("<kind/>");
  ConfigUpdateReq kinds;
  kinds.type = ConfigUpdateType::kKind;
  kinds.kinds = {kind, kind};
  return {
      {MessageCode::kJoinReq, join_request_body({node(5), {}})},
      {MessageCode::kJoinAns, join_answer_body({})},
      {MessageCode::kLeaveReq, leave_request_body({node(5), to_successors})},
      {MessageCode::kLeaveReq, leave_request_body({node(5), to_predecessors})},
      {MessageCode::kLeaveAns, {}},
      {MessageCode::kUpdateReq, chord_update_body({3600, ChordUpdateType::kPeerReady, {}, {}, {}})},
      {MessageCode::kUpdateReq,
       chord_update_body({3600, ChordUpdateType::kNeighbors, {node(4)}, {node(6), node(7)}, {}})},
      {MessageCode::kUpdateReq,
       chord_update_body(
           {3600, ChordUpdateType::kFull, {node(4)}, {node(6)}, {node(0x80), node(0x40)}})},
      {MessageCode::kUpdateAns, {}},
      {MessageCode::kRouteQueryReq, route_query_request_body({true, node_destination(target), {}})},
      {MessageCode::kRouteQueryReq,
       route_query_request_body({false, resource_destination(resource), {}})},
      {MessageCode::kRouteQueryAns, chord_route_query_answer_body({node(0x22)})},
      {MessageCode::kProbeReq, probe_request_body(probe)},
      {MessageCode::kProbeAns, probe_answer_body(probe_answer(probe, {250000000, 17, 3600}))},
      {MessageCode::kAttachReq, attach_request()},
      {MessageCode::kAttachAns, attach_answer()},
      {MessageCode::kAppAttachReq, app_attach(kOffererRole)},
      {MessageCode::kAppAttachAns, app_attach(kAnswererRole)},
      {MessageCode::kConfigUpdateReq, config_update_request_body(config_document(document))},
      {MessageCode::kConfigUpdateReq, config_update_request_body(kinds)},
      {MessageCode::kConfigUpdateAns, {}},
  };
}

/// Each in a transaction of its own, so that no answer is taken for another request's.
Bytes method_message(std::uint64_t transaction, MessageCode code, std::span<const std::byte> body) {
  return message(transaction)
      .destination(node(0x77))
      .contents(code, body)
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
  std::uint64_t transaction = 0x1000;
  for (const auto& [code, body] : methods()) {
    payloads.push_back(framed(sequence++, method_message(transaction++, code, body)));
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
