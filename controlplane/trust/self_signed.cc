// SPDX-License-Identifier: Apache-2.0
#include "controlplane/trust/self_signed.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace controlplane::trust {

wire::reload::NodeId self_signed_node_id(SelfSigned digest, std::span<const std::byte> spki) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> value{};
  unsigned length = 0;
  const EVP_MD* const method = digest == SelfSigned::kSha1 ? EVP_sha1() : EVP_sha256();
  wire::reload::NodeId id;
  if (EVP_Digest(spki.data(), spki.size(), value.data(), &length, method, nullptr) != 1 ||
      length < id.bytes.size()) {
    throw std::runtime_error("OpenSSL cannot make a digest");
  }
  std::copy_n(reinterpret_cast<const std::byte*>(value.data()), id.bytes.size(), id.bytes.begin());
  return id;
}

}  // namespace controlplane::trust
