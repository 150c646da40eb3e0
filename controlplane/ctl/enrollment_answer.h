// SPDX-License-Identifier: Apache-2.0
// What an enrollment server's answer means (RFC 6940 section 11.3, requirement J-53;
// docs/enrollment.md for the challenge).

#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "controlplane/ctl/https_client.h"

namespace controlplane::ctl {

inline constexpr std::chrono::seconds kLongestWait{120};

/// A sentence for the operator: why there is no certificate in @p answer; empty when there is one
/// (200 and application/pkix-cert). Unknown tokens are a failure for an unknown reason.
[[nodiscard]] std::string enrollment_refusal(const HttpsAnswer& answer);

/// How long to wait before the same request is sent again with the answer's token; nullopt when the
/// answer is no challenge, or not one that can be met: a token that is no header's value, or a wait
/// above kLongestWait.
[[nodiscard]] std::optional<std::chrono::seconds> challenge_wait(const HttpsAnswer& answer);

}  // namespace controlplane::ctl
