// SPDX-License-Identifier: Apache-2.0
// The configuration document that a running node follows: read from a file at its start, replaced
// by newer ones that the document in force vouches for, and written back to that file.
//
// On the control plane's one thread. adopt() of a document of the usual size takes some 100 us and
// a write of the file; it never throws for bad input.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "controlplane/configuration/document.h"
#include "controlplane/configuration/signed_document.h"
#include "controlplane/overlay/configuration_document.h"

namespace controlplane::configuration {

class FollowedDocument final : public overlay::ConfigurationDocument {
 public:
  /// Reads @p path, whose owner answers for it: the first document needs no signature that this
  /// node could check. nullptr with @p why.
  [[nodiscard]] static std::unique_ptr<FollowedDocument> read(const std::string& path,
                                                              std::string_view overlay,
                                                              std::int64_t now_unix_s,
                                                              std::string& why);

  [[nodiscard]] std::uint16_t sequence() const noexcept override {
    return configuration_.sequence.value_or(0);
  }
  [[nodiscard]] std::span<const std::byte> file() const noexcept override {
    return std::as_bytes(std::span(file_));
  }
  [[nodiscard]] bool is_bad_node(const wire::reload::NodeId& id) const noexcept override {
    return configuration_.is_bad_node(id);
  }
  /// Sequence, TTL and size of messages, reliability timer.
  void apply(overlay::Settings& settings) const noexcept override;
  [[nodiscard]] std::optional<Refusal> adopt(const overlay::Now& now,
                                             std::span<const std::byte> file) override;
  [[nodiscard]] std::optional<Refusal> adopt_kind(const overlay::Now& now,
                                                  std::span<const std::byte> block) override;

  [[nodiscard]] const OverlayConfiguration& configuration() const noexcept {
    return configuration_;
  }
  /// Why the file could not be replaced by the document in force; empty: it was, or is the same.
  /// The next start then finds an older one.
  [[nodiscard]] const std::string& not_kept() const noexcept { return not_kept_; }

 private:
  FollowedDocument(std::string path, std::string file, OverlayConfiguration configuration)
      : path_(std::move(path)), file_(std::move(file)), configuration_(std::move(configuration)) {}
  void keep();

  std::string path_;
  std::string file_;
  OverlayConfiguration configuration_;
  std::string not_kept_;
};

}  // namespace controlplane::configuration
