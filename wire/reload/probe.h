// SPDX-License-Identifier: Apache-2.0
// Bodies of Probe (RFC 6940 section 6.4.2.5; requirements A-44, I-12, I-13).
//
//   ProbeReq   requested_info<0..2^8-1>, a byte a type
//   ProbeAns   probe_info<0..2^16-1> of {type(1)  length(1)  value}
//
// Types this node does not know are no fault on either side: a request's are not answered, an
// answer's are kept as bytes.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "wire/reload/bytes.h"
#include "wire/reload/parse_error.h"

namespace wire::reload {

enum class ProbeInformationType : std::uint8_t {
  kInvalid = 0,
  kResponsibleSet = 1,  ///< parts per billion of the overlay
  kNumResources = 2,    ///< distinct Resource-IDs stored
  kUptime = 3,          ///< seconds
};

/// "responsible_set", or nullptr for a type nobody defined.
[[nodiscard]] const char* probe_information_name(ProbeInformationType type) noexcept;

struct ProbeReq {
  std::vector<ProbeInformationType> requested_info;  ///< as asked, also unknown types
};

struct ProbeInformation {
  ProbeInformationType type = ProbeInformationType::kInvalid;
  std::uint32_t value = 0;                   ///< of the three types above
  std::span<const std::byte> unknown_value;  ///< of any other type, borrowed
};

/// A request has room for 255 types, and an answer holds nothing that was not asked.
inline constexpr std::size_t kMaxProbeInformation = 255;

struct ProbeAns {
  std::vector<ProbeInformation> probe_info;

  /// The first value of that type.
  [[nodiscard]] std::optional<std::uint32_t> find(ProbeInformationType type) const noexcept;
};

/// What a node says of itself.
struct ProbeStatus {
  std::uint32_t responsible_ppb = 0;
  std::uint32_t num_resources = 0;
  std::uint32_t uptime_s = 0;
};

/// What was asked and is known, each once, in the order of the request, and nothing else (I-13).
[[nodiscard]] ProbeAns probe_answer(const ProbeReq& request, const ProbeStatus& status);

/// Throw std::length_error above kMaxProbeInformation entries and for an unknown value over 255
/// bytes.
[[nodiscard]] Bytes probe_request_body(const ProbeReq& request);
[[nodiscard]] Bytes probe_answer_body(const ProbeAns& answer);

/// Faults: kBadBody, also for a known type whose length is not 4; kTooManyEntries.
[[nodiscard]] ParseError parse_probe_request(std::span<const std::byte> body, ProbeReq& out);
[[nodiscard]] ParseError parse_probe_answer(std::span<const std::byte> body, ProbeAns& out);

}  // namespace wire::reload
