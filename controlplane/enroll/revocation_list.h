// SPDX-License-Identifier: Apache-2.0
// The list of revoked certificates (X.509 CRL, RFC 5280 section 5). RELOAD itself has no revocation
// (requirement E-24); relays, directories and other services of the overlay can use this one.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "controlplane/enroll/store.h"
#include "controlplane/trust/issue.h"

namespace controlplane::enroll {

/// DER. @p number must grow from list to list. Empty with @p why on failure. Some microseconds an
/// entry, and one signature.
[[nodiscard]] std::vector<std::byte> make_revocation_list(const trust::Authority& authority,
                                                          std::span<const Revocation> revoked,
                                                          std::int64_t now_unix_s,
                                                          std::int64_t next_update_unix_s,
                                                          std::uint64_t number, std::string& why);

}  // namespace controlplane::enroll
