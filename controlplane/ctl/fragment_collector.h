// SPDX-License-Identifier: Apache-2.0
// Puts the fragments of messages together again (RFC 6940 section 6.7), for reading only.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "wire/reload/forwarding_header.h"

namespace controlplane::ctl {

class FragmentCollector {
 public:
  struct Result {
    std::vector<std::byte> message;   ///< whole again, or empty while pieces are missing
    std::vector<std::size_t> pieces;  ///< the numbers of the fragments it was made of
    bool disagreement = false;        ///< fragments overlap with different bytes; all are dropped
  };

  /// @param header    of @p fragment, which is a fragment and no whole message
  /// @param flow      whence and whither the fragment went; only fragments of one flow are joined
  /// @param number    names the fragment in Result::pieces
  [[nodiscard]] Result add(const wire::reload::ForwardingHeader& header,
                           std::span<const std::byte> fragment, const std::string& flow,
                           std::size_t number);

  /// How many messages still lack pieces.
  [[nodiscard]] std::size_t incomplete() const noexcept { return messages_.size(); }

 private:
  struct Piece {
    std::uint32_t offset = 0;
    std::size_t number = 0;
    std::vector<std::byte> data;
  };
  struct Message {
    std::vector<Piece> pieces;
    std::size_t total = 0;  ///< bytes behind the header; 0 until the last fragment came
    std::size_t held = 0;
  };
  /// A request and its answer share the transaction ID but not their lists (D-03 keeps the whole
  /// header alike between fragments of one message).
  using Key = std::tuple<std::string, std::uint64_t, std::vector<std::byte>>;

  [[nodiscard]] static Result join(const wire::reload::ForwardingHeader& header,
                                   std::span<const std::byte> fragment, const Message& message);

  std::map<Key, Message> messages_;
};

}  // namespace controlplane::ctl
