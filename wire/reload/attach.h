// SPDX-License-Identifier: Apache-2.0
// Bodies of Attach and AppAttach (RFC 6940 sections 6.5.1.1, 6.5.2.1, 6.5.2.2; requirements A-45,
// A-47, G-03, G-05).
//
//   AttachReqAns              ufrag<0..2^8-1>  password<0..2^8-1>  role<0..2^8-1>
//                             candidates<0..2^16-1>  send_update(1)
//   AppAttachReq, AppAttachAns   ufrag<0..2^8-1>  password<0..2^8-1>  application(2)
//                             role<0..2^8-1>  candidates<0..2^16-1>
//
// Request and answer of a method have one layout, hence one pair of functions each. Parsers look at
// the layout only; what a receiver must know beyond it says check_attach().
//
// Texts and spans are borrowed: from the caller when building, from the body when parsing. Texts
// are bytes as they came; nobody promises that they are UTF-8.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "wire/reload/bytes.h"
#include "wire/reload/ice_candidate.h"
#include "wire/reload/parse_error.h"

namespace wire::reload {

struct AttachReqAns {
  std::string_view ufrag;     ///< empty with No-ICE (X-30)
  std::string_view password;  ///< the same
  std::string_view role;
  std::vector<IceCandidate> candidates;  ///< when parsed, also those this node cannot use
  bool send_update = false;              ///< asks for an Update once the link stands
};

/// Of AppAttachReq and AppAttachAns.
struct AppAttachReqAns {
  std::string_view ufrag;
  std::string_view password;
  std::uint16_t application = 0;  ///< the Application-ID, section 14.5
  std::string_view role;
  std::vector<IceCandidate> candidates;
};

/// Throw as append_candidates() does, and std::length_error for a text over 255 bytes.
[[nodiscard]] Bytes attach_body(const AttachReqAns& attach);
[[nodiscard]] Bytes app_attach_body(const AppAttachReqAns& attach);

/// Faults: kBadBody, kBadBoolean, kUnknownVariant (a candidate type, A-13), kTooManyEntries.
[[nodiscard]] ParseError parse_attach(std::span<const std::byte> body, AttachReqAns& out);
[[nodiscard]] ParseError parse_app_attach(std::span<const std::byte> body, AppAttachReqAns& out);

/// G-03: the role of whoever sends the request (offers) and the answer.
inline constexpr std::string_view kOffererRole = "passive";
inline constexpr std::string_view kAnswererRole = "active";

enum class AttachSide : std::uint8_t { kOffer, kAnswer };

/// What a well-formed Attach may have wrong about it.
enum class AttachProblem : std::uint8_t {
  kNone,
  kWrongRole,          ///< not the role of its side (G-03)
  kMixesIceAndNoIce,   ///< ICE and No-ICE candidates in one (G-05)
  kNoUsableCandidate,  ///< none at all, or only of unknown protocols and address types
};

/// "wrong_role"; "none" for kNone.
[[nodiscard]] const char* attach_problem_name(AttachProblem problem) noexcept;

/// The first problem in the order above. A candidate of an unknown link protocol does not count as
/// mixed with anything: whether it uses ICE is not known.
[[nodiscard]] AttachProblem check_attach(const AttachReqAns& attach, AttachSide side) noexcept;

/// G-05 alone, which also holds for AppAttach.
[[nodiscard]] bool mixes_ice_and_no_ice(std::span<const IceCandidate> candidates) noexcept;

}  // namespace wire::reload
