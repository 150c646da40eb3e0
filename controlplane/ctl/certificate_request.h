// SPDX-License-Identifier: Apache-2.0
// What a node sends to be enrolled: a certificate signing request (PKCS#10, RFC 2986) in a form
// (multipart/form-data, RFC 7578), as RFC 6940 section 11.3 wants it (requirement J-47).

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/signing_key.h"

namespace controlplane::ctl {

/// DER of a request for @p key, signed with it. It asks for @p user_name as rfc822Name when that is
/// an address; other account names are for the server to turn into one. Empty with @p why when
/// OpenSSL fails.
[[nodiscard]] std::string make_certificate_request(const crypto::SigningKey& key,
                                                   const std::string& user_name, std::string& why);

struct EnrollmentForm {
  std::string_view username;
  std::string_view password;
  std::uint32_t node_ids = 1;  ///< not sent when 1
  std::string_view csr;        ///< DER
};

struct FormBody {
  std::string content_type;  ///< with the boundary
  std::string body;
};
/// Bytes of values go into the body as they are; the boundary is in none of them.
[[nodiscard]] FormBody make_form(const EnrollmentForm& form);

}  // namespace controlplane::ctl
