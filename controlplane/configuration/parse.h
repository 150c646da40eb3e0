// SPDX-License-Identifier: Apache-2.0
// Reads overlay configuration documents (RFC 6940 section 11.1; requirements J-01 to J-05 and J-14
// to J-40, X-12 to X-15). Says nothing about trusting one: signed_document.h does that.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/configuration/document.h"
#include "controlplane/configuration/refusal.h"

namespace controlplane::configuration {

inline constexpr std::string_view kMediaType = "application/p2p-overlay+xml";
inline constexpr std::string_view kFileExtension = ".relo";
/// No larger file is parsed. Most of it can be a list of bad nodes.
inline constexpr std::size_t kMaxDocumentBytes = std::size_t{1} << 20;

/// A signature element that follows a configuration.
struct SignatureElement {
  std::vector<std::byte> security_block;  ///< decoded from base64, not read
  std::size_t begin = 0;                  ///< the element, in the file
  std::size_t end = 0;
  std::uint32_t line = 0;
};

/// One <configuration> with what follows and surrounds it.
struct ConfigurationElement {
  OverlayConfiguration configuration;
  std::string signed_bytes;  ///< from its first '<' to its last '>': what signatures cover (J-08)
  std::size_t begin = 0;     ///< where that lies in the file
  std::size_t end = 0;
  std::vector<SignatureElement> signatures;
  std::vector<Remark> warnings;  ///< what was read around, in the order of the file
  std::uint32_t line = 0;
};

/// What a file holds. Owns all of it.
struct Document {
  Fault fault;                                       ///< then there are no configurations
  std::vector<ConfigurationElement> configurations;  ///< at least one unless there is a fault

  /// The configuration of this overlay, or nullptr. Names do not depend on case.
  [[nodiscard]] const ConfigurationElement* find(std::string_view overlay) const noexcept;
};

/// Reads a whole file. It is taken as a whole or not at all, with the first fault. White space
/// around values is trimmed; unknown elements become warnings. Throws std::bad_alloc only.
///
/// A file of kMaxDocumentBytes takes up to half a second and 10 MB.
[[nodiscard]] Document parse_document(std::string_view file);

/// The kind-blocks of a ConfigUpdate of type kind (G-37), without a namespace declaration.
struct KindBlocks {
  Fault fault;
  std::vector<KindBlock> blocks;
  std::vector<Remark> warnings;
};
[[nodiscard]] KindBlocks parse_kind_blocks(std::string_view xml);

}  // namespace controlplane::configuration
