// SPDX-License-Identifier: Apache-2.0
// Whether what an enrollment server returned is the certificate that was asked for
// (RFC 6940 section 11.3; requirements J-49 to J-51, J-54, E-18, E-19).

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controlplane/configuration/document.h"
#include "controlplane/trust/certificate.h"

namespace controlplane::ctl {

struct AskedFor {
  std::string user_name;  ///< must be the rfc822Name when it is an address
  std::uint32_t node_ids = 1;
  std::vector<std::byte> spki;                    ///< of the key that was sent
  std::vector<wire::reload::NodeId> known_ids{};  ///< of the certificate before; empty: none
};

/// The certificate in @p der. nullopt with @p why when it is not one that every node of the overlay
/// of @p configuration accepts for each of its Node-IDs; is for another key, user or number of
/// Node-IDs; has other Node-IDs than known_ids (as many as both have); or has a bad node's.
[[nodiscard]] std::optional<trust::Certificate> take_issued(
    std::span<const std::byte> der, const AskedFor& asked,
    const configuration::OverlayConfiguration& configuration, std::int64_t now_unix_s,
    std::string& why);

/// The root certificates of @p configuration, PEM, one after the other.
[[nodiscard]] std::string roots_pem(const configuration::OverlayConfiguration& configuration);

}  // namespace controlplane::ctl
