// SPDX-License-Identifier: Apache-2.0
// What a request is answered with.

#pragma once

#include <optional>
#include <string_view>

#include "controlplane/overlay/extension.h"
#include "wire/reload/message_builder.h"

namespace controlplane::overlay {

struct Answer {
  wire::reload::MessageCode code = wire::reload::MessageCode::kError;
  wire::reload::Bytes body;
  std::optional<Extension> extension = std::nullopt;

  /// @param text  for people; goes into error_info
  [[nodiscard]] static Answer error(wire::reload::ErrorCode code, std::string_view text);
  [[nodiscard]] bool is_error() const noexcept { return code == wire::reload::MessageCode::kError; }
};

}  // namespace controlplane::overlay
