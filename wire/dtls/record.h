// SPDX-License-Identifier: Apache-2.0
// The records of DTLS 1.2 (RFC 6347 section 4.1), as they lie in a datagram:
//
//   <type:1> <version:2> <epoch:2> <sequence:6> <length:2> <payload:length>
//
// A protected payload is <explicit nonce> <ciphertext> <tag>; how long the outer two are depends on
// the cipher (wire/dtls/aead.h). Nothing here knows keys.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/byte_order.h"
#include "wire/dtls/aead.h"

namespace wire::dtls {

/// RFC 5246 section 6.2.1. Others (heartbeat, tls12_cid) are negotiated, and we do not.
enum class ContentType : std::uint8_t {
  kChangeCipherSpec = 20,
  kAlert = 21,
  kHandshake = 22,
  kApplicationData = 23,
};

inline constexpr std::uint16_t kVersion12 = 0xfefd;
/// Of ClientHello and HelloVerifyRequest, which go out before a version is agreed upon (RFC 6347
/// section 4.2.1).
inline constexpr std::uint16_t kVersion10 = 0xfeff;

inline constexpr std::size_t kRecordHeaderBytes = 13;
inline constexpr std::size_t kRecordNumberAt = 3;  ///< epoch and sequence: eight bytes, one number
inline constexpr std::size_t kMaxPlaintextBytes = std::size_t{1} << 14U;     // RFC 5246 6.2.1
inline constexpr std::size_t kMaxPayloadBytes = kMaxPlaintextBytes + 2048U;  // RFC 5246 6.2.3
inline constexpr std::uint64_t kMaxSequence = (std::uint64_t{1} << 48U) - 1;
/// Every association protects its data in epoch 1: new keys come from a new handshake, which starts
/// with epoch 0 again, never from renegotiation.
inline constexpr std::uint16_t kDataEpoch = 1;

/// Bytes from the start of a protected record to its plaintext.
[[nodiscard]] constexpr std::size_t plaintext_offset(Aead aead) noexcept {
  return kRecordHeaderBytes + explicit_nonce_bytes(aead);
}
/// Bytes that protection adds to a plaintext, record header included.
[[nodiscard]] constexpr std::size_t record_overhead(Aead aead) noexcept {
  return plaintext_offset(aead) + kTagBytes;
}

enum class RecordFault : std::uint8_t {
  kNone,
  kTruncated,    ///< the datagram ends within the header, or before the length it announces
  kContentType,  ///< none of ContentType
  kVersion,      ///< not DTLS 1.2, and not a handshake record of epoch 0 that says DTLS 1.0
  kOversized,    ///< longer than kMaxPayloadBytes
  kEmpty,        ///< no payload, where only application data may have none (RFC 5246 6.2.1)
};
inline constexpr const char* kRecordFaultNames[] = {"none",    "truncated", "content_type",
                                                    "version", "oversized", "empty"};

/// A fault and the offset of the first byte that shows it, from the start of the datagram.
/// kTruncated points at the end of what there is.
struct [[nodiscard]] RecordError {
  RecordFault fault = RecordFault::kNone;
  std::uint32_t offset = 0;

  [[nodiscard]] constexpr bool ok() const noexcept { return fault == RecordFault::kNone; }
};

struct RecordHeader {
  ContentType type = ContentType::kApplicationData;
  std::uint16_t version = kVersion12;
  std::uint16_t epoch = 0;
  std::uint64_t sequence = 0;  ///< 48 bits
  std::uint16_t length = 0;    ///< of the payload

  [[nodiscard]] constexpr std::size_t record_bytes() const noexcept {
    return kRecordHeaderBytes + length;
  }
};

/// Reads the header of the record that begins at @p offset of @p datagram and sees that the whole
/// record lies within it. What follows the record is not looked at. On an error @p out is not to be
/// used. RFC 6347 section 4.1.2.7: whoever gets an error drops in silence.
///
/// Inline, because it runs for every packet.
///
/// @pre offset <= datagram.size()
[[nodiscard]] inline RecordError parse_record(std::span<const std::byte> datagram,
                                              std::size_t offset, RecordHeader& out) noexcept {
  constexpr std::size_t kVersionAt = 1;
  constexpr std::size_t kLengthAt = 11;
  const auto at = [offset](std::size_t field) {
    return static_cast<std::uint32_t>(offset + field);
  };
  const auto end = static_cast<std::uint32_t>(datagram.size());
  const std::size_t left = datagram.size() - offset;
  if (left < kRecordHeaderBytes) return {RecordFault::kTruncated, end};
  const std::byte* const header = datagram.data() + offset;
  const std::uint8_t type = load_u8(header);
  if (type < static_cast<std::uint8_t>(ContentType::kChangeCipherSpec) ||
      type > static_cast<std::uint8_t>(ContentType::kApplicationData)) {
    return {RecordFault::kContentType, at(0)};
  }
  out.type = static_cast<ContentType>(type);
  out.version = load_be16(header + kVersionAt);
  const std::uint64_t number = load_be64(header + kRecordNumberAt);
  out.epoch = static_cast<std::uint16_t>(number >> 48U);
  out.sequence = number & kMaxSequence;
  out.length = load_be16(header + kLengthAt);
  if (out.version != kVersion12 &&
      (out.version != kVersion10 || out.epoch != 0 || out.type != ContentType::kHandshake)) {
    return {RecordFault::kVersion, at(kVersionAt)};
  }
  if (out.length > kMaxPayloadBytes) return {RecordFault::kOversized, at(kLengthAt)};
  if (out.length > left - kRecordHeaderBytes) return {RecordFault::kTruncated, end};
  if (out.length == 0 && out.type != ContentType::kApplicationData) {
    return {RecordFault::kEmpty, at(kLengthAt)};
  }
  return {};
}

/// @pre header.sequence <= kMaxSequence; header.length <= kMaxPayloadBytes
inline void write_record_header(const RecordHeader& header,
                                std::span<std::byte, kRecordHeaderBytes> to) noexcept {
  to[0] = static_cast<std::byte>(header.type);
  store_be16(&to[1], header.version);
  store_be64(&to[kRecordNumberAt], std::uint64_t{header.epoch} << 48U | header.sequence);
  store_be16(&to[11], header.length);
}

/// The records of one datagram, in their order (RFC 6347 section 4.1.1: they stand one behind the
/// other). The first fault ends the walk, since nobody knows where the next record would begin; the
/// records before it hold.
///
///   RecordCursor records(datagram);
///   while (records.next(header)) use(datagram.subspan(records.offset(), header.record_bytes()));
class RecordCursor {
 public:
  explicit RecordCursor(std::span<const std::byte> datagram) noexcept : datagram_(datagram) {}

  /// False at the end of the datagram and at a fault; error() tells which. An empty datagram has no
  /// record and no fault.
  [[nodiscard]] bool next(RecordHeader& out) noexcept;
  /// Where the record of the last next() that was true begins.
  [[nodiscard]] std::size_t offset() const noexcept { return offset_; }
  [[nodiscard]] RecordError error() const noexcept { return error_; }

 private:
  std::span<const std::byte> datagram_;
  std::size_t offset_ = 0;
  std::size_t next_ = 0;
  RecordError error_;
};

}  // namespace wire::dtls
