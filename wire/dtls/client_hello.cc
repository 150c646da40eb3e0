// SPDX-License-Identifier: Apache-2.0
#include "wire/dtls/client_hello.h"

#include "wire/cursor.h"

namespace wire::dtls {
namespace {

constexpr std::size_t kMaxSessionIdBytes = 32;  // RFC 5246 section 7.4.1.2
constexpr std::size_t kMaxCookieBytes = 255;    // RFC 6347 section 4.3.2

}  // namespace

ClientHelloFault parse_client_hello(std::span<const std::byte> datagram,
                                    ClientHello& out) noexcept {
  RecordHeader record;
  if (!parse_record(datagram, 0, record).ok() || record.type != ContentType::kHandshake ||
      record.epoch != 0) {
    return ClientHelloFault::kNotClientHello;
  }
  ReadCursor message(datagram.subspan(kRecordHeaderBytes, record.length));
  const auto type = static_cast<HandshakeType>(message.u8());
  const std::uint32_t length = message.u24();
  out.message_sequence = message.u16();
  const std::uint32_t fragment_offset = message.u24();
  const std::uint32_t fragment_length = message.u24();
  if (!message.ok() || type != HandshakeType::kClientHello) {
    return ClientHelloFault::kNotClientHello;
  }
  if (fragment_offset != 0 || fragment_length != length) return ClientHelloFault::kFragmented;
  if (message.rest().size() != length) return ClientHelloFault::kMalformed;

  out.record_sequence = record.sequence;
  out.record_bytes = record.record_bytes();
  out.version = message.u16();
  out.random = message.bytes(kRandomBytes);
  out.session_id = message.vector8();
  out.cookie = message.vector8();
  out.cipher_suites = message.vector16();
  out.compression_methods = message.vector8();
  out.extensions = message.at_end() ? std::span<const std::byte>() : message.vector16();
  const bool fits = message.ok() && message.at_end() &&
                    out.session_id.size() <= kMaxSessionIdBytes && !out.cipher_suites.empty() &&
                    out.cipher_suites.size() % 2 == 0 && !out.compression_methods.empty();
  return fits ? ClientHelloFault::kNone : ClientHelloFault::kMalformed;
}

std::size_t write_hello_verify_request(const ClientHello& hello, std::span<const std::byte> cookie,
                                       std::span<std::byte> to) noexcept {
  if (cookie.size() > kMaxCookieBytes) return 0;
  const auto body = static_cast<std::uint16_t>(2 + 1 + cookie.size());
  RecordHeader record;
  record.type = ContentType::kHandshake;
  record.version = kVersion10;
  record.sequence = hello.record_sequence;
  record.length = static_cast<std::uint16_t>(kHandshakeHeaderBytes + body);
  std::array<std::byte, kRecordHeaderBytes> header;
  write_record_header(record, header);

  WriteCursor cursor(to);
  cursor.bytes(header);
  cursor.u8(static_cast<std::uint8_t>(HandshakeType::kHelloVerifyRequest));
  cursor.u8(0);
  cursor.u16(body);  // length: three bytes with the zero before
  cursor.u16(hello.message_sequence);
  cursor.u8(0);
  cursor.u16(0);  // fragment_offset
  cursor.u8(0);
  cursor.u16(body);  // fragment_length
  cursor.u16(kVersion10);
  cursor.u8(static_cast<std::uint8_t>(cookie.size()));
  cursor.bytes(cookie);
  return cursor.written();
}

}  // namespace wire::dtls
