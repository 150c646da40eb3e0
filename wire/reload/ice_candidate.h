// SPDX-License-Identifier: Apache-2.0
// The candidates of Attach and AppAttach (RFC 6940 section 6.5.1.1; requirements A-46, G-06, G-07,
//
//
//   IceCandidate   addr_port(IpAddressPort)  overlay_link(1)  foundation<0..255>  priority(4)
//                  type(1)  rel_addr_port(IpAddressPort, for srflx and relay only)
//                  extensions<0..2^16-1> of {name<0..2^16-1>  value<0..2^16-1>}
//
// A candidate has no length of its own. One with an unknown link protocol or address type can be
// stepped over all the same, because neither changes the layout; one of an unknown type
// cannot, because only the type says whether rel_addr_port follows.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "wire/reload/bytes.h"
#include "wire/reload/ip_address_port.h"
#include "wire/reload/parse_error.h"

namespace wire::reload {

class BodyReader;

/// The registry of section 14.10. 2 was never given out.
enum class OverlayLinkType : std::uint8_t {
  kInvalid = 0,
  kDtlsUdpSr = 1,
  kDtlsUdpSrNoIce = 3,
  kTlsTcpFhNoIce = 4,
};

/// "DTLS-UDP-SR", as the configuration document spells it; nullptr for a type nobody defined.
[[nodiscard]] const char* overlay_link_name(OverlayLinkType type) noexcept;

/// What a link protocol does for connectivity. Of an unknown one nobody can say.
enum class IceUse : std::uint8_t { kUnknown, kIce, kNoIce };
[[nodiscard]] IceUse ice_use(OverlayLinkType type) noexcept;

enum class CandType : std::uint8_t {
  kInvalid = 0,
  kHost = 1,
  kSrflx = 2,
  kRelay = 4
};  // 3 reserved

/// "host", or nullptr.
[[nodiscard]] const char* cand_type_name(CandType type) noexcept;

/// Borrowed: from the caller when building, from the body when parsing. To build one, only
/// address and port of an IpAddressPort matter: see borrow_address().
struct IceCandidate {
  IpAddressPort addr_port;
  OverlayLinkType overlay_link = OverlayLinkType::kInvalid;
  std::string_view foundation;
  std::uint32_t priority = 0;
  CandType type = CandType::kInvalid;
  IpAddressPort rel_addr_port;            ///< of kSrflx and kRelay
  std::span<const std::byte> extensions;  ///< encoded; see append_ice_extension()

  /// The link protocol and each address are of a kind this node knows. Others are stepped over.
  [[nodiscard]] bool is_usable() const noexcept;
};

/// @p address holds 4 or 16 bytes in network order and must outlive the candidate.
[[nodiscard]] IpAddressPort borrow_address(std::span<const std::byte> address,
                                           std::uint16_t port) noexcept;

struct IceExtension {
  std::span<const std::byte> name;
  std::span<const std::byte> value;
  std::span<const std::byte> encoded;  ///< when parsed
};

/// Grows IceCandidate::extensions. Throws std::length_error for a name or value over 65535 bytes.
void append_ice_extension(Bytes& to, const IceExtension& extension);
/// Reads the one at the front of @p extensions. Faults: kTruncated.
[[nodiscard]] ParseError read_ice_extension(std::span<const std::byte> extensions,
                                            IceExtension& out) noexcept;

/// Far above what ICE pairs up; what a peer can make us look at stays bounded.
inline constexpr std::size_t kMaxCandidates = 64;

/// candidates<0..2^16-1>. Throws std::length_error for what does not fit and for more than
/// kMaxCandidates; std::invalid_argument for an address of neither 4 nor 16 bytes, a rel_addr_port
/// where there is none, a candidate of no type or link protocol, and extensions that are none.
void append_candidates(Bytes& to, std::span<const IceCandidate> candidates);

/// Reads that list into @p out, usable and not. Faults, at their place in the body: kBadBody,
/// kUnknownVariant for a candidate type that leaves the layout open, kTooManyEntries.
void read_candidates(BodyReader& in, std::vector<IceCandidate>& out);

}  // namespace wire::reload
