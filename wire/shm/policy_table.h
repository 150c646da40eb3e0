// SPDX-License-Identifier: Apache-2.0
// Overlay parameters and operator policy as the lcores read them. Published whole.

#pragma once

#include <array>
#include <cstdint>

#include "wire/reload/ids.h"
#include "wire/reload/message_contents.h"

namespace wire::shm {

/// How much a neighbour is trusted. `backbone` peers verify what they forward, so a bad signature
/// from one is evidence against it (design section 4).
enum class LinkClass : std::uint8_t { kBackbone, kClient, kUntrusted };
inline constexpr std::size_t kLinkClassCount = 3;
inline constexpr const char* kLinkClassNames[] = {"backbone", "client", "untrusted"};

enum class VerifyPolicy : std::uint8_t { kAll, kSample, kOff };
inline constexpr const char* kVerifyPolicyNames[] = {"all", "sample", "off"};
enum class FragmentPolicy : std::uint8_t { kVerify, kPass, kDrop };
inline constexpr const char* kFragmentPolicyNames[] = {"verify", "pass", "drop"};

/// A token bucket's setting. rate 0 means no limit. Tokens are messages.
struct Rate {
  std::uint32_t per_second = 0;
  std::uint32_t burst = 0;
};

struct LinkClassPolicy {
  VerifyPolicy verify = VerifyPolicy::kAll;
  FragmentPolicy fragments = FragmentPolicy::kVerify;
  std::uint16_t sample_one_in = 1;             ///< kSample: verify one message of this many
  std::uint32_t certificates_per_second = 20;  ///< unknown certificates a link may bring
  std::uint32_t reassembly_bytes = 262144;     ///< fragments held per link
  std::array<Rate, reload::kTrafficClassCount> rate{};  ///< per link, by TrafficClass
};

struct PolicyTable {
  reload::OverlayHash overlay{};
  std::uint16_t configuration_sequence = 0;
  std::uint8_t initial_ttl = 100;
  std::uint8_t lab_links = 0;             ///< 1: links without encryption are allowed
  std::uint32_t max_message_size = 5000;  ///< bytes
  std::uint32_t reliability_timer_ms = 3000;
  std::uint32_t replay_window_ms = 2000;  ///< identical messages on one link; 0 is off
  std::uint32_t signer_hold_ms = 50;
  std::uint32_t reassembly_timeout_ms = 15000;
  std::uint32_t queue_age_ms = 500;     ///< head drop in link queues
  std::uint8_t full_via_entries = 0;    ///< 1: append Node-IDs instead of compact opaque IDs
  std::uint8_t retransmit_transit = 1;  ///< X-03
  std::uint16_t zero = 0;
  // A secure link asks for new keys when those it sends with have sealed this much or are this old.
  // 0: never for that reason. AES-GCM allows 2^34.5 blocks of 16 bytes (RFC 9147 section 4.5.3,
  // from RFC 8446 section 5.5), which is 365 GiB: 64 GiB stay well below, and 2^28 records with the
  // block that each adds.
  std::uint64_t rekey_records = std::uint64_t{1} << 28U;
  std::uint32_t rekey_mib = 65536;
  std::uint32_t rekey_s = 86400;
  Rate handshake_rate{20, 40};           ///< handshake datagrams of one link
  Rate unknown_handshake_rate{50, 100};  ///< of all unknown sources together, per worker
  Rate signer_rate{};
  std::array<LinkClassPolicy, kLinkClassCount> classes{};
};

}  // namespace wire::shm
