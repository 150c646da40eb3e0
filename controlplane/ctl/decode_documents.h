// SPDX-License-Identifier: Apache-2.0
// Turns the datagrams of an input into one JSON document each.

#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "controlplane/ctl/decode_input.h"
#include "controlplane/ctl/signature_check.h"

namespace controlplane::ctl {

/// Where documents go, and complaints about them: one line each, as for stderr.
struct DecodeOutput {
  std::function<void(const nlohmann::ordered_json&)> document;
  std::function<void(const std::string&)> complaint;
};

/// Decodes every item, and each message whose fragments are all there once more as a whole. A
/// document has `item` (counted from 1), what the capture knew, `frame` where there was one, and
/// the parts of the message. @p signatures may be nullptr: then none is checked.
///
/// Returns true when no item was malformed and every checked signature is valid.
[[nodiscard]] bool decode_documents(std::span<const DecodeItem> items, SignatureCheck* signatures,
                                    const DecodeOutput& output);

}  // namespace controlplane::ctl
