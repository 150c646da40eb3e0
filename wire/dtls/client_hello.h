// SPDX-License-Identifier: Apache-2.0
// The first message of a DTLS 1.2 handshake as a server reads it before it keeps any state, and the
// HelloVerifyRequest it answers with (RFC 6347 sections 4.2.1 and 4.3.2, RFC 5246 section 7.4.1.2).
//
//   <record header:13> 01 <length:3> <message_seq:2> <fragment_offset:3> <fragment_length:3>
//   <version:2> <random:32> <session_id:0..32> <cookie:0..255> <cipher_suites> <compression> <ext>

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/dtls/record.h"

namespace wire::dtls {

/// RFC 5246 section 7.4 and RFC 6347 section 4.3.2.
enum class HandshakeType : std::uint8_t {
  kHelloRequest = 0,
  kClientHello = 1,
  kServerHello = 2,
  kHelloVerifyRequest = 3,
  kCertificate = 11,
  kServerKeyExchange = 12,
  kCertificateRequest = 13,
  kServerHelloDone = 14,
  kCertificateVerify = 15,
  kClientKeyExchange = 16,
  kFinished = 20,
};

inline constexpr std::size_t kHandshakeHeaderBytes = 12;
inline constexpr std::size_t kRandomBytes = 32;

/// Spans are borrowed from the datagram.
struct ClientHello {
  std::uint64_t record_sequence = 0;   ///< the answer repeats it (RFC 6347 section 4.2.1)
  std::uint16_t message_sequence = 0;  ///< likewise
  std::uint16_t version = 0;
  std::span<const std::byte> random;
  std::span<const std::byte> session_id;
  std::span<const std::byte> cookie;  ///< empty in the first one
  std::span<const std::byte> cipher_suites;
  std::span<const std::byte> compression_methods;
  std::span<const std::byte> extensions;  ///< without their length; may be empty
  std::size_t record_bytes = 0;           ///< of the whole record, from the datagram's start
};

enum class ClientHelloFault : std::uint8_t {
  kNone,
  kNotClientHello,  ///< the datagram does not begin with a handshake record that holds one
  kFragmented,      ///< in pieces; a server that keeps no state cannot put them together
  kMalformed,       ///< a length that does not fit, or bytes behind the end
};
inline constexpr const char* kClientHelloFaultNames[] = {"none", "not_client_hello", "fragmented",
                                                         "malformed"};

/// Reads the ClientHello in the first record of @p datagram; what follows the record is not looked
/// at. The extensions are not taken apart. On a fault @p out is not to be used.
[[nodiscard]] ClientHelloFault parse_client_hello(std::span<const std::byte> datagram,
                                                  ClientHello& out) noexcept;

inline constexpr std::size_t kMaxHelloVerifyBytes =
    kRecordHeaderBytes + kHandshakeHeaderBytes + 2 + 1 + 255;

/// Writes a datagram that answers @p hello with @p cookie, and returns its length; 0 when it does
/// not fit. It says DTLS 1.0 whatever version comes later (RFC 6347 section 4.2.1).
[[nodiscard]] std::size_t write_hello_verify_request(const ClientHello& hello,
                                                     std::span<const std::byte> cookie,
                                                     std::span<std::byte> to) noexcept;

}  // namespace wire::dtls
