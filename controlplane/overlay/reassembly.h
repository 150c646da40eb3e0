// SPDX-License-Identifier: Apache-2.0
// Puts fragments for this node together (RFC 6940 section 6.7; requirements D-12 to D-14, X-19).

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "controlplane/overlay/io.h"

namespace controlplane::overlay {

struct ReassemblyLimits {
  std::uint64_t lifetime_ns = 15000 * kMillisecond;  ///< D-13
  std::size_t message_bytes = 5000;                  ///< of one message, header included
  std::size_t bytes = 1 << 20;                       ///< of everything held
  std::size_t bytes_per_link = 1 << 18;              ///< so that no neighbour takes all of it
  std::size_t pieces_per_message = 256;
  std::size_t messages = 1024;
};

struct Reassembled {
  wire::reload::Bytes message;  ///< whole: fragment word and length rewritten
  bool verified = false;        ///< the dataplane had checked every piece
};

class Reassembly {
 public:
  enum class Verdict : std::uint8_t { kHeld, kComplete, kDropped };

  explicit Reassembly(const ReassemblyLimits& limits) : limits_(limits) {}

  /// Takes one fragment with a header that parsed. @p whole is set with kComplete. A set that
  /// contradicts itself, or does not fit, is dropped as a whole.
  [[nodiscard]] Verdict add(const Now& now, const Delivery& fragment, Reassembled& whole);
  /// Forgets what is too old; returns how many messages that were.
  std::size_t expire(const Now& now);
  [[nodiscard]] std::size_t bytes_held() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t size() const noexcept { return sets_.size(); }

 private:
  // Transaction, link, first Via entry: one node cannot poison another's fragments.
  using Key = std::tuple<std::uint64_t, std::uint16_t, std::string>;
  struct Set {
    std::uint64_t since_ns = 0;
    std::optional<std::size_t> total;  // payload bytes, once the last fragment came
    std::vector<std::byte> header;     // forwarding header of the first fragment by offset
    std::map<std::size_t, std::vector<std::byte>> pieces;  // by offset, never overlapping
    std::size_t bytes = 0;
    bool verified = true;
  };
  using Sets = std::map<Key, Set>;

  [[nodiscard]] static bool insert(Set& set, std::size_t offset,
                                   std::span<const std::byte> payload);
  [[nodiscard]] static bool is_complete(const Set& set);
  void drop(Sets::iterator set);

  ReassemblyLimits limits_;
  Sets sets_;
  std::map<std::uint16_t, std::size_t> bytes_of_link_;
  std::size_t bytes_ = 0;
};

}  // namespace controlplane::overlay
