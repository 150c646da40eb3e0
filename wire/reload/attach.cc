// SPDX-License-Identifier: Apache-2.0
#include "wire/reload/attach.h"

#include <algorithm>

#include "wire/reload/append.h"
#include "wire/reload/body_reader.h"

namespace wire::reload {

Bytes attach_body(const AttachReqAns& attach) {
  Bytes body;
  append_vector8(body, attach.ufrag);
  append_vector8(body, attach.password);
  append_vector8(body, attach.role);
  append_candidates(body, attach.candidates);
  append_u8(body, attach.send_update ? 1 : 0);
  return body;
}

Bytes app_attach_body(const AppAttachReqAns& attach) {
  Bytes body;
  append_vector8(body, attach.ufrag);
  append_vector8(body, attach.password);
  append_u16(body, attach.application);
  append_vector8(body, attach.role);
  append_candidates(body, attach.candidates);
  return body;
}

ParseError parse_attach(std::span<const std::byte> body, AttachReqAns& out) {
  BodyReader in(body);
  out = {};
  out.ufrag = in.text8();
  out.password = in.text8();
  out.role = in.text8();
  read_candidates(in, out.candidates);
  out.send_update = in.boolean();
  return in.verdict();
}

ParseError parse_app_attach(std::span<const std::byte> body, AppAttachReqAns& out) {
  BodyReader in(body);
  out = {};
  out.ufrag = in.text8();
  out.password = in.text8();
  out.application = in.u16();
  out.role = in.text8();
  read_candidates(in, out.candidates);
  return in.verdict();
}

const char* attach_problem_name(AttachProblem problem) noexcept {
  switch (problem) {
    case AttachProblem::kNone:
      return "none";
    case AttachProblem::kWrongRole:
      return "wrong_role";
    case AttachProblem::kMixesIceAndNoIce:
      return "mixes_ice_and_no_ice";
    case AttachProblem::kNoUsableCandidate:
      return "no_usable_candidate";
  }
  return "unknown";
}

AttachProblem check_attach(const AttachReqAns& attach, AttachSide side) noexcept {
  const std::string_view role = side == AttachSide::kOffer ? kOffererRole : kAnswererRole;
  if (attach.role != role) return AttachProblem::kWrongRole;
  if (mixes_ice_and_no_ice(attach.candidates)) return AttachProblem::kMixesIceAndNoIce;
  const bool usable = std::any_of(attach.candidates.begin(), attach.candidates.end(),
                                  [](const IceCandidate& c) { return c.is_usable(); });
  return usable ? AttachProblem::kNone : AttachProblem::kNoUsableCandidate;
}

bool mixes_ice_and_no_ice(std::span<const IceCandidate> candidates) noexcept {
  bool ice = false;
  bool no_ice = false;
  for (const IceCandidate& candidate : candidates) {
    ice |= ice_use(candidate.overlay_link) == IceUse::kIce;
    no_ice |= ice_use(candidate.overlay_link) == IceUse::kNoIce;
  }
  return ice && no_ice;
}

}  // namespace wire::reload
