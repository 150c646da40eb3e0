// SPDX-License-Identifier: Apache-2.0
#include "wire/reload/ice_candidate.h"

#include <array>
#include <stdexcept>

#include "wire/reload/append.h"
#include "wire/reload/body_reader.h"

namespace wire::reload {

namespace {

constexpr bool has_related_address(CandType type) noexcept {
  return type == CandType::kSrflx || type == CandType::kRelay;
}

void append_address(Bytes& to, const IpAddressPort& address) {
  std::array<std::byte, 20> encoded;  // IPv6; IPv4 takes 8
  const std::size_t size = write_ip_address_port(address.address, address.port, encoded);
  if (size == 0) throw std::invalid_argument("IceCandidate: an address has 4 or 16 bytes");
  append(to, std::span(encoded).first(size));
}

ParseError check_extensions(std::span<const std::byte> extensions) noexcept {
  std::uint32_t at = 0;
  while (at < extensions.size()) {
    IceExtension extension;
    const ParseError error = read_ice_extension(extensions.subspan(at), extension);
    if (!error.ok()) return {error.fault, at + error.offset};
    at += static_cast<std::uint32_t>(extension.encoded.size());
  }
  return {};
}

void append_candidate(Bytes& to, const IceCandidate& candidate) {
  if (cand_type_name(candidate.type) == nullptr ||
      overlay_link_name(candidate.overlay_link) == nullptr) {
    throw std::invalid_argument("IceCandidate: no such candidate type or link protocol");
  }
  if (!has_related_address(candidate.type) && !candidate.rel_addr_port.address.empty()) {
    throw std::invalid_argument("IceCandidate: a host candidate has no related address");
  }
  if (!check_extensions(candidate.extensions).ok()) {
    throw std::invalid_argument("IceCandidate: the extensions are malformed");
  }
  append_address(to, candidate.addr_port);
  append_u8(to, static_cast<std::uint8_t>(candidate.overlay_link));
  append_vector8(to, candidate.foundation);
  append_u32(to, candidate.priority);
  append_u8(to, static_cast<std::uint8_t>(candidate.type));
  if (has_related_address(candidate.type)) append_address(to, candidate.rel_addr_port);
  append_vector16(to, candidate.extensions);
}

IpAddressPort read_address(BodyReader& in) noexcept {
  IpAddressPort address;
  const std::uint32_t at = in.offset();
  if (const ParseError error = read_ip_address_port(in.rest(), address); !error.ok()) {
    in.refuse(ParseFault::kBadBody, at + error.offset);
    return {};
  }
  (void)in.bytes(address.encoded.size());
  return address;
}

IceCandidate read_candidate(BodyReader& in) noexcept {
  IceCandidate candidate;
  candidate.addr_port = read_address(in);
  candidate.overlay_link = OverlayLinkType{in.u8()};
  candidate.foundation = in.text8();
  candidate.priority = in.u32();
  const std::uint32_t type_at = in.offset();
  candidate.type = CandType{in.u8()};
  if (cand_type_name(candidate.type) == nullptr) in.refuse(ParseFault::kUnknownVariant, type_at);
  if (in.ok() && has_related_address(candidate.type)) candidate.rel_addr_port = read_address(in);
  candidate.extensions = in.vector16();
  if (!in.ok()) return candidate;
  if (const ParseError error = check_extensions(candidate.extensions); !error.ok()) {
    const auto size = static_cast<std::uint32_t>(candidate.extensions.size());
    in.refuse(ParseFault::kBadBody, in.offset() - size + error.offset);
  }
  return candidate;
}

}  // namespace

const char* overlay_link_name(OverlayLinkType type) noexcept {
  switch (type) {
    case OverlayLinkType::kDtlsUdpSr:
      return "DTLS-UDP-SR";
    case OverlayLinkType::kDtlsUdpSrNoIce:
      return "DTLS-UDP-SR-NO-ICE";
    case OverlayLinkType::kTlsTcpFhNoIce:
      return "TLS-TCP-FH-NO-ICE";
    case OverlayLinkType::kInvalid:
      break;
  }
  return nullptr;
}

IceUse ice_use(OverlayLinkType type) noexcept {
  switch (type) {
    case OverlayLinkType::kDtlsUdpSr:
      return IceUse::kIce;
    case OverlayLinkType::kDtlsUdpSrNoIce:
    case OverlayLinkType::kTlsTcpFhNoIce:
      return IceUse::kNoIce;
    case OverlayLinkType::kInvalid:
      break;
  }
  return IceUse::kUnknown;
}

const char* cand_type_name(CandType type) noexcept {
  switch (type) {
    case CandType::kHost:
      return "host";
    case CandType::kSrflx:
      return "srflx";
    case CandType::kRelay:
      return "relay";
    case CandType::kInvalid:
      break;
  }
  return nullptr;
}

bool IceCandidate::is_usable() const noexcept {
  return addr_port.type != AddressType::kInvalid && overlay_link_name(overlay_link) != nullptr &&
         (!has_related_address(type) || rel_addr_port.type != AddressType::kInvalid);
}

IpAddressPort borrow_address(std::span<const std::byte> address, std::uint16_t port) noexcept {
  IpAddressPort out;
  if (address.size() == 4) out.type = AddressType::kIpv4;
  if (address.size() == 16) out.type = AddressType::kIpv6;
  out.wire_type = static_cast<std::uint8_t>(out.type);
  out.address = address;
  out.port = port;
  return out;
}

void append_ice_extension(Bytes& to, const IceExtension& extension) {
  append_vector16(to, extension.name);
  append_vector16(to, extension.value);
}

ParseError read_ice_extension(std::span<const std::byte> extensions, IceExtension& out) noexcept {
  ReadCursor in(extensions);
  out.name = in.vector16();
  out.value = in.vector16();
  if (!in.ok()) return {ParseFault::kTruncated, in.failed_at()};
  out.encoded = in.since(0);
  return {};
}

void append_candidates(Bytes& to, std::span<const IceCandidate> candidates) {
  if (candidates.size() > kMaxCandidates) {
    throw std::length_error("Attach: more candidates than a peer would read");
  }
  Bytes list;
  for (const IceCandidate& candidate : candidates) append_candidate(list, candidate);
  append_vector16(to, list);
}

void read_candidates(BodyReader& in, std::vector<IceCandidate>& out) {
  const std::span<const std::byte> list = in.vector16();
  if (!in.ok()) return;
  BodyReader entries(list, in.offset() - static_cast<std::uint32_t>(list.size()));
  while (entries.ok() && !entries.at_end()) {
    if (out.size() == kMaxCandidates) {
      entries.refuse(ParseFault::kTooManyEntries, entries.offset());
      break;
    }
    const IceCandidate candidate = read_candidate(entries);
    if (entries.ok()) out.push_back(candidate);
  }
  if (const ParseError error = entries.verdict(); !error.ok()) in.refuse(error.fault, error.offset);
}

}  // namespace wire::reload
