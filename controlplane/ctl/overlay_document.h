// SPDX-License-Identifier: Apache-2.0
// Configuration documents for people and programs: what `hopsealctl overlay` prints of one.

#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

#include "controlplane/configuration/signed_document.h"

namespace controlplane::ctl {

/// Every setting by the name of its element, in the order of RFC 6940 section 11.1. Of the shared
/// secret only whether there is one; unset optional values are left out.
[[nodiscard]] nlohmann::ordered_json describe(
    const configuration::OverlayConfiguration& configuration);

/// {"accepted", "overlay", "sequence", "expiration", "signer", "refusal", "line", "why",
///  "warnings", "refused_kinds"}; what is not known is left out.
[[nodiscard]] nlohmann::ordered_json describe(const configuration::Judgement& judgement);

/// The object as lines of "name  value", a line for each value of a list.
[[nodiscard]] std::string as_lines(const nlohmann::ordered_json& object);

}  // namespace controlplane::ctl
