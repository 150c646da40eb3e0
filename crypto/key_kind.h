// SPDX-License-Identifier: Apache-2.0
// Which of our algorithms an OpenSSL key is for. Private to crypto/.

#pragma once

#include <openssl/types.h>

#include <string>

#include "crypto/public_key.h"

namespace crypto {

/// True and fills @p algorithm when @p key is one of those PublicKey accepts; else says why not.
[[nodiscard]] bool key_kind(const EVP_PKEY* key, Algorithm& algorithm, std::string& why);

}  // namespace crypto
