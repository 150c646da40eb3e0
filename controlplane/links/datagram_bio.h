// SPDX-License-Identifier: Apache-2.0
// An OpenSSL BIO that is a datagram socket without a socket: one datagram in, a list of datagrams
// out, edges kept.

#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "controlplane/links/io.h"

struct bio_st;  // OpenSSL's BIO

namespace controlplane::links {

/// What the BIO reads and writes. Outlives it.
struct DatagramPort {
  std::span<const std::byte> in;  ///< the next read gives all of it, then there is nothing
  std::vector<Bytes> out;
  std::size_t mtu = 0;  ///< bytes of UDP payload, for OpenSSL's asking
};

/// nullptr without memory. The caller, or the SSL it is given to, frees it.
[[nodiscard]] bio_st* new_datagram_bio(DatagramPort& port);

}  // namespace controlplane::links
