// SPDX-License-Identifier: Apache-2.0
// The overlay's configuration document, as the core sees the one in force. What is in it and whose
// signature counts is configuration::FollowedDocument's business.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "controlplane/overlay/settings.h"
#include "wire/reload/ids.h"
#include "wire/reload/message_contents.h"

namespace controlplane::overlay {

class ConfigurationDocument {
 public:
  struct Refusal {
    wire::reload::ErrorCode code{};  ///< what a ConfigUpdate is answered with
    std::string why;
  };

  virtual ~ConfigurationDocument() = default;
  ConfigurationDocument() = default;
  ConfigurationDocument(const ConfigurationDocument&) = delete;
  ConfigurationDocument& operator=(const ConfigurationDocument&) = delete;

  [[nodiscard]] virtual std::uint16_t sequence() const noexcept = 0;
  /// The whole file, as it was signed: what a ConfigUpdate carries. Valid until adopt().
  [[nodiscard]] virtual std::span<const std::byte> file() const noexcept = 0;
  /// May nothing of this node be used (E-22)?
  [[nodiscard]] virtual bool is_bad_node(const wire::reload::NodeId& id) const noexcept = 0;
  /// Writes what the document decides of a node's settings.
  virtual void apply(Settings& settings) const noexcept = 0;
  /// Judges @p file (RFC 6940 section 6.5.4.2); if it is good, it is in force from now on.
  [[nodiscard]] virtual std::optional<Refusal> adopt(const Now& now,
                                                     std::span<const std::byte> file) = 0;
  /// The same of one kind-block (G-37, G-38).
  [[nodiscard]] virtual std::optional<Refusal> adopt_kind(const Now& now,
                                                          std::span<const std::byte> block) = 0;
};

}  // namespace controlplane::overlay
