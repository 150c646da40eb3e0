// SPDX-License-Identifier: Apache-2.0
// Writes configuration documents and signs those that are there.

#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/configuration/document.h"
#include "controlplane/configuration/refusal.h"
#include "controlplane/configuration/signature.h"

namespace controlplane::configuration {

/// A file with one configuration and no signature. Says what differs from the defaults, and
/// topology-plugin, node-id-length and no-ice always. Namespaces are declared on the configuration
/// itself, so the signature covers them. Foreign elements are written as they were read: they must
/// declare their own prefixes. Kinds keep their signed bytes; without such they are written anew.
[[nodiscard]] std::string write_document(const OverlayConfiguration& configuration);

/// A kind element that declares its namespace, ready to be signed.
[[nodiscard]] std::string write_kind(const Kind& kind);

struct SignedFile {
  Fault fault;
  std::string why;  ///< of signing; with neither, text is set
  std::string text;
};
/// @p file with a signature behind the configuration of @p overlay, in place of those that were
/// there. No other byte of it changes.
[[nodiscard]] SignedFile sign_document(std::string_view file, std::string_view overlay,
                                       const trust::Certificate& certificate,
                                       const crypto::SigningKey& key);

}  // namespace controlplane::configuration
