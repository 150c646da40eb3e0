// SPDX-License-Identifier: Apache-2.0
// Builds whole RELOAD messages. For the control plane and for tests; allocates.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "wire/reload/bytes.h"
#include "wire/reload/destination.h"
#include "wire/reload/forwarding_header.h"
#include "wire/reload/message_contents.h"
#include "wire/reload/security_block.h"

namespace wire::reload {

/// Signs the concatenated parts and returns signature_value. See controlplane/trust and
/// tests/support for ones that hold a key.
using SignFunction = std::function<Bytes(std::span<const std::byte> to_be_signed)>;

/// How to sign: scheme, SignerIdentity, certificates to carry, and the function that has the key.
struct SigningIdentity {
  SignatureScheme scheme = SignatureScheme::kNone;
  SignerKey signer;
  std::vector<Bytes> certificates;  ///< DER; empty when distributed otherwise (E-15)
  SignFunction sign;
};

/// MessageBuilder().overlay(o).transaction(t).destination(node).contents(kPingReq, body).sign(id)
///
/// Every setter returns *this. The same input gives the same bytes, signature aside. The TTL is 100
/// unless set (the RFC's initial-ttl). A list over 65535 bytes throws std::length_error.
class MessageBuilder {
 public:
  MessageBuilder() { header_.ttl = 100; }
  MessageBuilder& overlay(OverlayHash overlay);
  MessageBuilder& configuration_sequence(std::uint16_t sequence);
  MessageBuilder& ttl(std::uint8_t ttl);
  MessageBuilder& transaction(TransactionId id);
  MessageBuilder& max_response_length(std::uint32_t bytes);
  MessageBuilder& via(const NodeId& id);
  MessageBuilder& via_entry(std::span<const std::byte> encoded);
  MessageBuilder& destination(const NodeId& id);
  MessageBuilder& destination_resource(std::span<const std::byte> resource_id);
  MessageBuilder& destination_entry(std::span<const std::byte> encoded);
  MessageBuilder& option(std::uint8_t type, std::uint8_t flags, std::span<const std::byte> value);
  MessageBuilder& contents(MessageCode code, std::span<const std::byte> body);
  MessageBuilder& raw_code(std::uint16_t code);  ///< any code, also ones the RFC bars
  MessageBuilder& extension(std::uint16_t type, bool critical, std::span<const std::byte> contents);

  /// The whole message, signed.
  [[nodiscard]] Bytes sign(const SigningIdentity& identity) const;
  /// The whole message with a given security block, for malformed ones.
  [[nodiscard]] Bytes with_security_block(std::span<const std::byte> block) const;

 private:
  [[nodiscard]] Bytes encode_contents() const;
  [[nodiscard]] Bytes assemble(std::span<const std::byte> contents,
                               std::span<const std::byte> block) const;

  ForwardingHeader header_;
  Bytes via_list_;
  Bytes destination_list_;
  Bytes options_;
  std::uint16_t code_ = 0;
  Bytes body_;
  Bytes extensions_;
};

/// The encoded SignerIdentity, as it is signed and sent.
[[nodiscard]] Bytes encode_signer_identity(const SignerKey& signer);
/// A security block from its parts, none of them checked.
[[nodiscard]] Bytes encode_security_block(std::span<const Bytes> certificates,
                                          SignatureScheme scheme,
                                          std::span<const std::byte> identity,
                                          std::span<const std::byte> signature_value);

/// Bodies of Ping and of errors. What does not fit its length field throws
/// std::length_error.
[[nodiscard]] Bytes ping_request_body(std::size_t padding_bytes);
[[nodiscard]] Bytes ping_answer_body(std::uint64_t response_id, std::uint64_t time_ms);
[[nodiscard]] Bytes error_body(ErrorCode code, std::span<const std::byte> error_info);

struct PingAnswer {
  std::uint64_t response_id = 0;
  std::uint64_t time_ms = 0;  ///< since 1970
};
/// The body parsers fault with kBadBody.
[[nodiscard]] ParseError parse_ping_request(std::span<const std::byte> body) noexcept;
[[nodiscard]] ParseError parse_ping_answer(std::span<const std::byte> body,
                                           PingAnswer& out) noexcept;
struct ErrorResponse {
  std::uint16_t error_code = 0;
  std::span<const std::byte> error_info;
};
[[nodiscard]] ParseError parse_error_response(std::span<const std::byte> body,
                                              ErrorResponse& out) noexcept;

/// Cuts @p message, whole or itself a fragment (D-01), into fragments of at most @p max_bytes each,
/// header included, equal in size to a byte as D-06 asks; one element when it fits. Empty when no
/// cut gives every fragment 256 bytes of data (D-04, D-05), and when @p message has no valid
/// header.
[[nodiscard]] std::vector<Bytes> fragment_message(std::span<const std::byte> message,
                                                  std::size_t max_bytes);

}  // namespace wire::reload
