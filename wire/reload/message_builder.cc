// SPDX-License-Identifier: Apache-2.0
#include "wire/reload/message_builder.h"

#include <array>
#include <cstring>
#include <stdexcept>

#include "wire/cursor.h"
#include "wire/reload/append.h"

namespace wire::reload {

MessageBuilder& MessageBuilder::overlay(OverlayHash overlay) {
  header_.overlay = overlay;
  return *this;
}

MessageBuilder& MessageBuilder::configuration_sequence(std::uint16_t sequence) {
  header_.configuration_sequence = sequence;
  return *this;
}

MessageBuilder& MessageBuilder::ttl(std::uint8_t ttl) {
  header_.ttl = ttl;
  return *this;
}

MessageBuilder& MessageBuilder::transaction(TransactionId id) {
  header_.transaction_id = id;
  return *this;
}

MessageBuilder& MessageBuilder::max_response_length(std::uint32_t bytes) {
  header_.max_response_length = bytes;
  return *this;
}

MessageBuilder& MessageBuilder::via(const NodeId& id) {
  std::array<std::byte, kNodeEntryBytes> entry;
  return via_entry(std::span(entry).first(write_node_entry(id, entry)));
}

MessageBuilder& MessageBuilder::via_entry(std::span<const std::byte> encoded) {
  append(via_list_, encoded);
  return *this;
}

MessageBuilder& MessageBuilder::destination(const NodeId& id) {
  std::array<std::byte, kNodeEntryBytes> entry;
  return destination_entry(std::span(entry).first(write_node_entry(id, entry)));
}

MessageBuilder& MessageBuilder::destination_resource(std::span<const std::byte> resource_id) {
  if (resource_id.size() > kMaxResourceIdBytes) {
    throw std::length_error("RELOAD message: a Resource-ID has at most 254 bytes");
  }
  std::array<std::byte, 3 + kMaxResourceIdBytes> entry;
  return destination_entry(std::span(entry).first(write_resource_entry(resource_id, entry)));
}

MessageBuilder& MessageBuilder::destination_entry(std::span<const std::byte> encoded) {
  append(destination_list_, encoded);
  return *this;
}

MessageBuilder& MessageBuilder::option(std::uint8_t type, std::uint8_t flags,
                                       std::span<const std::byte> value) {
  append_u8(options_, type);
  append_u8(options_, flags);
  append_vector16(options_, value);
  return *this;
}

MessageBuilder& MessageBuilder::contents(MessageCode code, std::span<const std::byte> body) {
  code_ = static_cast<std::uint16_t>(code);
  body_.assign(body.begin(), body.end());
  return *this;
}

MessageBuilder& MessageBuilder::raw_code(std::uint16_t code) {
  code_ = code;
  return *this;
}

MessageBuilder& MessageBuilder::extension(std::uint16_t type, bool critical,
                                          std::span<const std::byte> contents) {
  append_u16(extensions_, type);
  append_u8(extensions_, critical ? 1 : 0);
  append_vector32(extensions_, contents);
  return *this;
}

Bytes MessageBuilder::sign(const SigningIdentity& identity) const {
  const Bytes contents = encode_contents();
  const Bytes signer = encode_signer_identity(identity.signer);
  Bytes to_be_signed;  // E-02
  append_u32(to_be_signed, static_cast<std::uint32_t>(header_.overlay));
  append_u64(to_be_signed, static_cast<std::uint64_t>(header_.transaction_id));
  append(to_be_signed, contents);
  append(to_be_signed, signer);
  return assemble(contents, encode_security_block(identity.certificates, identity.scheme, signer,
                                                  identity.sign(to_be_signed)));
}

Bytes MessageBuilder::with_security_block(std::span<const std::byte> block) const {
  return assemble(encode_contents(), block);
}

Bytes MessageBuilder::encode_contents() const {
  Bytes contents;
  contents.reserve(10 + body_.size() + extensions_.size());
  append_u16(contents, code_);
  append_vector32(contents, body_);
  append_vector32(contents, extensions_);
  return contents;
}

Bytes MessageBuilder::assemble(std::span<const std::byte> contents,
                               std::span<const std::byte> block) const {
  ForwardingHeader header = header_;
  header.via_list_length = length_of<std::uint16_t>(via_list_.size());
  header.destination_list_length = length_of<std::uint16_t>(destination_list_.size());
  header.options_length = length_of<std::uint16_t>(options_.size());
  header.length = length_of<std::uint32_t>(header.size() + contents.size() + block.size());

  Bytes message(kFixedHeaderBytes);
  message.reserve(header.length);
  write_forwarding_header(header, message);
  append(message, via_list_);
  append(message, destination_list_);
  append(message, options_);
  append(message, contents);
  append(message, block);
  return message;
}

Bytes encode_signer_identity(const SignerKey& signer) {
  Bytes value;
  if (signer.type != SignerIdentityType::kNone) {
    append_u8(value, kHashSha256);
    append_u8(value, kCertificateHashBytes);
    append(value, signer.hash);
  }
  Bytes identity;
  append_u8(identity, static_cast<std::uint8_t>(signer.type));
  append_vector16(identity, value);
  return identity;
}

Bytes encode_security_block(std::span<const Bytes> certificates, SignatureScheme scheme,
                            std::span<const std::byte> identity,
                            std::span<const std::byte> signature_value) {
  Bytes bucket;
  for (const Bytes& der : certificates) {
    append_u8(bucket, 0);  // X.509 (E-17)
    append_vector16(bucket, der);
  }
  Bytes block;
  append_vector16(block, bucket);
  append_u16(block, static_cast<std::uint16_t>(scheme));
  append(block, identity);
  append_vector16(block, signature_value);
  return block;
}

Bytes ping_request_body(std::size_t padding_bytes) {
  Bytes body;
  append_vector16(body, Bytes(padding_bytes));
  return body;
}

Bytes ping_answer_body(std::uint64_t response_id, std::uint64_t time_ms) {
  Bytes body;
  append_u64(body, response_id);
  append_u64(body, time_ms);
  return body;
}

Bytes error_body(ErrorCode code, std::span<const std::byte> error_info) {
  Bytes body;
  append_u16(body, static_cast<std::uint16_t>(code));
  append_vector16(body, error_info);
  return body;
}

namespace {

/// A body must be used up exactly by the fields of its layout.
ParseError body_verdict(const ReadCursor& in) noexcept {
  if (!in.ok()) return {ParseFault::kBadBody, in.failed_at()};
  if (!in.at_end()) return {ParseFault::kBadBody, static_cast<std::uint32_t>(in.offset())};
  return {};
}

}  // namespace

ParseError parse_ping_request(std::span<const std::byte> body) noexcept {
  ReadCursor in(body);
  (void)in.vector16();  // padding, whose contents mean nothing
  return body_verdict(in);
}

ParseError parse_ping_answer(std::span<const std::byte> body, PingAnswer& out) noexcept {
  ReadCursor in(body);
  out.response_id = in.u64();
  out.time_ms = in.u64();
  return body_verdict(in);
}

ParseError parse_error_response(std::span<const std::byte> body, ErrorResponse& out) noexcept {
  ReadCursor in(body);
  out.error_code = in.u16();
  out.error_info = in.vector16();
  return body_verdict(in);
}

std::vector<Bytes> fragment_message(std::span<const std::byte> message, std::size_t max_bytes) {
  ForwardingHeader header;
  if (!parse_forwarding_header(message, header).ok()) return {};
  if (message.size() <= max_bytes) return {Bytes(message.begin(), message.end())};
  if (header.size() + kMinFragmentBytes > max_bytes) return {};

  const std::span<const std::byte> front = message.first(header.size());
  const std::span<const std::byte> data = message.subspan(header.size());
  const std::size_t room = max_bytes - header.size();
  const std::size_t count = (data.size() + room - 1) / room;
  const std::size_t share = data.size() / count;
  const std::size_t longer_by_one = data.size() % count;
  if (share < kMinFragmentBytes) return {};
  if (header.fragment.offset() + data.size() > FragmentWord::kOffsetMask) return {};

  std::vector<Bytes> fragments;
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t size = share + (i < longer_by_one ? 1 : 0);
    const bool last = header.fragment.is_last() && i + 1 == count;
    ForwardingHeader piece = header;
    piece.fragment =
        FragmentWord::make(header.fragment.offset() + static_cast<std::uint32_t>(at), last);
    piece.length = static_cast<std::uint32_t>(header.size() + size);
    Bytes fragment(front.begin(), front.end());
    fragment.reserve(piece.length);
    write_forwarding_header(piece, fragment);
    append(fragment, data.subspan(at, size));
    fragments.push_back(std::move(fragment));
    at += size;
  }
  return fragments;
}

}  // namespace wire::reload
