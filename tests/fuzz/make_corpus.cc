// SPDX-License-Identifier: Apache-2.0
// Writes the seeds of the parse corpus, or with --check compares them with what is there:
//
//   make_corpus DIRECTORY
//   make_corpus --check DIRECTORY
//
// A seed is a datagram as it arrives on a link: one valid message of each kind, and each kind of
// bad input a forwarder must survive. What the fuzzer finds later is added beside them by hand.

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "tests/fuzz/seed_file.h"
#include "wire/byte_order.h"
#include "wire/reload/forwarding_option.h"
#include "wire/reload/link_framing.h"
#include "wire/reload/message_builder.h"

namespace {

using namespace wire::reload;
namespace fs = std::filesystem;

using Seeds = std::map<std::string, Bytes>;

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

/// A signature of the right length for its scheme; a parser cannot tell it from a real one.
SigningIdentity signer(SignatureScheme scheme, SignerIdentityType type, std::size_t size) {
  SigningIdentity identity;
  identity.scheme = scheme;
  identity.signer.type = type;
  identity.signer.hash.fill(std::byte{0xc4});
  identity.sign = [size](std::span<const std::byte>) { return Bytes(size, std::byte{0x51}); };
  return identity;
}

SigningIdentity ed25519() {
  return signer(SignatureScheme::kEd25519, SignerIdentityType::kCertHash, 64);
}

MessageBuilder ping(std::size_t padding = 16) {
  MessageBuilder builder;
  builder.overlay(OverlayHash{0x65b0781f})
      .configuration_sequence(1)
      .transaction(TransactionId{0x1122334455667788})
      .destination(node(7))
      .contents(MessageCode::kPingReq, ping_request_body(padding));
  return builder;
}

Bytes framed(std::span<const std::byte> message) {
  Bytes frame(kDataFrameOverhead);
  write_data_frame_header(41, static_cast<std::uint32_t>(message.size()), frame);
  frame.insert(frame.end(), message.begin(), message.end());
  return frame;
}

void set16(Bytes& message, std::size_t at, std::uint16_t value) {
  wire::store_be16(message.data() + at, value);
}

void set32(Bytes& message, std::size_t at, std::uint32_t value) {
  wire::store_be32(message.data() + at, value);
}

Bytes edited(Bytes message, const std::function<void(Bytes&)>& edit) {
  edit(message);
  return message;
}

void add_valid(Seeds& seeds) {
  const Bytes foo = text("FOO");
  const std::array<std::byte, 2> compact{std::byte{0x90}, std::byte{0x07}};
  SigningIdentity with_certificates =
      signer(SignatureScheme::kEcdsaP256Sha256, SignerIdentityType::kCertHashNodeId, 71);
  with_certificates.certificates = {Bytes(300, std::byte{0x30}), Bytes(280, std::byte{0x30})};

  seeds["ping_req_ed25519"] = framed(ping().sign(ed25519()));
  seeds["ping_req_rsa"] = framed(
      ping().sign(signer(SignatureScheme::kRsaPkcs1Sha256, SignerIdentityType::kCertHash, 256)));
  seeds["ping_req_ecdsa_certificates"] = framed(ping().sign(with_certificates));
  seeds["ping_ans"] = framed(
      ping().contents(MessageCode::kPingAns, ping_answer_body(5, 1700000000000)).sign(ed25519()));
  seeds["error_ans"] = framed(
      ping()
          .contents(MessageCode::kError, error_body(ErrorCode::kTtlExceeded, text("too far")))
          .sign(ed25519()));
  seeds["store_req_to_resource"] = framed(
      ping().destination_resource(foo).contents(MessageCode::kStoreReq, foo).sign(ed25519()));
  seeds["via_and_compact_ids"] =
      framed(ping().via(node(1)).via_entry(compact).destination(node(8)).sign(ed25519()));
  seeds["destination_wildcard"] = framed(MessageBuilder()
                                             .destination(NodeId::wildcard())
                                             .contents(MessageCode::kPingReq, {})
                                             .sign(ed25519()));
  seeds["option_plain"] = framed(ping().option(33, 0, foo).sign(ed25519()));
  seeds["option_response_copy"] = framed(ping().option(33, kResponseCopy, foo).sign(ed25519()));
  seeds["extension"] = framed(ping().extension(4, false, foo).sign(ed25519()));
  seeds["extension_critical"] = framed(ping().extension(0x1234, true, {}).sign(ed25519()));
  int number = 0;
  for (const Bytes& piece : fragment_message(ping(1000).sign(ed25519()), 500)) {
    seeds["fragment_" + std::to_string(++number)] = framed(piece);
  }
  Bytes ack(kAckFrameBytes);
  write_ack_frame(41, 0x0000fffe, ack);
  seeds["ack"] = ack;
  seeds["bare_message"] = ping().sign(ed25519());
}

void add_malformed(Seeds& seeds) {
  const Bytes good = ping().via(node(1)).sign(ed25519());
  const Bytes foo = text("FOO");
  const auto bad = [&](const char* name, const std::function<void(Bytes&)>& edit) {
    seeds[std::string("bad_") + name] = framed(edited(good, edit));
  };
  seeds["bad_empty"] = {};
  seeds["bad_frame_type"] = edited(framed(good), [](Bytes& f) { f[0] = std::byte{0x16}; });
  seeds["bad_frame_length"] = edited(framed(good), [](Bytes& f) { f.pop_back(); });
  seeds["bad_ack_long"] = Bytes(10, std::byte{0x81});
  bad("token", [](Bytes& m) { m[0] = std::byte{0x52}; });
  bad("overlay", [](Bytes& m) { set32(m, header_offset::kOverlay, 0xdeadbeef); });
  bad("version", [](Bytes& m) { m[header_offset::kVersion] = std::byte{0x14}; });
  bad("ttl_zero", [](Bytes& m) { m[header_offset::kTtl] = std::byte{0}; });
  bad("ttl_255", [](Bytes& m) { m[header_offset::kTtl] = std::byte{255}; });
  bad("fragment_bit_clear", [](Bytes& m) { set32(m, header_offset::kFragment, 0x40000000); });
  bad("fragment_offset", [](Bytes& m) { set32(m, header_offset::kFragment, 0xc0000001); });
  bad("fragment_reserved", [](Bytes& m) { set32(m, header_offset::kFragment, 0xff000000); });
  bad("fragment_overlaps_1", [](Bytes& m) { set32(m, header_offset::kFragment, 0x80000000); });
  bad("fragment_overlaps_2", [](Bytes& m) { set32(m, header_offset::kFragment, 0xc0000100); });
  bad("length_short", [](Bytes& m) { set32(m, header_offset::kLength, 40); });
  bad("length_oversized", [](Bytes& m) { set32(m, header_offset::kLength, 0xffffffff); });
  bad("via_overflows", [](Bytes& m) { set16(m, header_offset::kViaListLength, 0xffff); });
  bad("destination_overflows",
      [](Bytes& m) { set16(m, header_offset::kDestinationListLength, 0xffff); });
  bad("options_overflow", [](Bytes& m) { set16(m, header_offset::kOptionsLength, 0xffff); });
  bad("truncated_header", [](Bytes& m) { m.resize(30); });
  bad("truncated_list", [](Bytes& m) {
    m.resize(60);
    set32(m, header_offset::kLength, 60);
  });
  bad("truncated_contents", [](Bytes& m) {
    m.resize(80);
    set32(m, header_offset::kLength, 80);
  });
  bad("trailing_byte", [](Bytes& m) {
    m.push_back(std::byte{0});
    set32(m, header_offset::kLength, static_cast<std::uint32_t>(m.size()));
  });

  seeds["bad_destination_empty"] =
      framed(MessageBuilder().contents(MessageCode::kPingReq, {}).sign(ed25519()));
  seeds["bad_destination_type"] =
      framed(ping().destination_entry(text(std::string_view("\x09\x01\x00", 3))).sign(ed25519()));
  seeds["bad_destination_node_length"] = framed(ping()
                                                    .destination_entry(text("\x01\x04"
                                                                            "abcd"))
                                                    .sign(ed25519()));
  seeds["bad_destination_inner_length"] = framed(ping()
                                                     .destination_entry(text("\x02\x04\x05"
                                                                             "FOO"))
                                                     .sign(ed25519()));
  seeds["bad_resource_not_last"] =
      framed(MessageBuilder().destination_resource(foo).destination(node(7)).sign(ed25519()));
  seeds["bad_resource_in_via"] = framed(ping()
                                            .via_entry(text("\x02\x04\x03"
                                                            "FOO"))
                                            .sign(ed25519()));
  seeds["bad_destination_twice"] = framed(ping().destination(node(7)).sign(ed25519()));
  seeds["bad_via_long"] = framed(edited({}, [](Bytes& out) {
    MessageBuilder builder = ping();
    for (std::uint8_t i = 1; i < 120; ++i) builder.via(node(i));
    out = builder.sign(ed25519());
  }));

  seeds["bad_option_forward_critical"] = framed(ping().option(33, 1, foo).sign(ed25519()));
  seeds["bad_option_destination_critical"] = framed(ping().option(33, 2, foo).sign(ed25519()));
  seeds["bad_option_all_flags"] = framed(ping().option(33, 0xff, foo).sign(ed25519()));
  seeds["bad_option_type"] = framed(ping().option(0, 0, foo).sign(ed25519()));
  seeds["bad_code_zero"] = framed(ping().raw_code(0).sign(ed25519()));
  seeds["bad_code_reserved"] = framed(ping().raw_code(0x8001).sign(ed25519()));
  seeds["bad_body_ping"] = framed(ping().contents(MessageCode::kPingReq, foo).sign(ed25519()));
  seeds["bad_extension_type"] = framed(ping().extension(0, false, foo).sign(ed25519()));

  seeds["bad_scheme_none"] =
      framed(ping().sign(signer(SignatureScheme::kNone, SignerIdentityType::kCertHash, 64)));
  seeds["bad_scheme_unknown"] =
      framed(ping().sign(signer(SignatureScheme{0x0605}, SignerIdentityType::kCertHash, 64)));
  seeds["bad_identity_none"] =
      framed(ping().sign(signer(SignatureScheme::kEd25519, SignerIdentityType::kNone, 64)));
  seeds["bad_identity_type"] =
      framed(ping().sign(signer(SignatureScheme::kEd25519, SignerIdentityType{9}, 64)));
  seeds["bad_signature_empty"] =
      framed(ping().sign(signer(SignatureScheme::kEd25519, SignerIdentityType::kCertHash, 0)));
  seeds["bad_certificate_type"] =
      framed(ping().with_security_block(text(std::string_view("\x00\x04\x01\x00\x01x", 6))));
  seeds["bad_certificate_length"] =
      framed(ping().with_security_block(text(std::string_view("\x00\x04\x00\xff\xffx", 6))));
  SigningIdentity garbage = ed25519();
  garbage.certificates = {text("this is not DER at all")};
  seeds["bad_certificate_garbage"] = framed(ping().sign(garbage));
}

}  // namespace

int main(int argc, char** argv) {
  const bool check = argc == 3 && std::string_view(argv[1]) == "--check";
  if (argc != 2 && !check) {
    std::fprintf(stderr, "usage: make_corpus [--check] DIRECTORY\n");
    return 2;
  }
  const fs::path directory = argv[argc - 1];
  Seeds seeds;
  add_valid(seeds);
  add_malformed(seeds);
  int bad = 0;
  for (const auto& [name, bytes] : seeds) {
    if (check ? tests::is_seed(directory / name, bytes)
              : tests::write_seed(directory / name, bytes))
      continue;
    std::fprintf(stderr, "%s: %s\n", (directory / name).c_str(),
                 check ? "is not what make_corpus writes; run it again" : "cannot be written");
    ++bad;
  }
  std::printf("%zu seeds, %d bad\n", seeds.size(), bad);
  return bad == 0 ? 0 : 1;
}
