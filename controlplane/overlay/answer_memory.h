// SPDX-License-Identifier: Apache-2.0
// Answers given lately, so that a repeated request gets the same one (F-06).

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>

#include "controlplane/overlay/io.h"
#include "controlplane/overlay/parsed_message.h"

namespace controlplane::overlay {

/// Keeps contents and security block only: neither is bound to a Destination List, so the same
/// signed bytes go back along the Via List of whichever copy of the request asks again.
class AnswerMemory {
 public:
  /// Two requests are the same when transaction, signer and contents are.
  struct Key {
    std::uint64_t transaction = 0;
    std::uint64_t signer = 0;
    std::uint64_t contents = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  [[nodiscard]] static Key key_of(const ParsedMessage& request) noexcept;

  AnswerMemory(std::uint64_t lifetime_ns, std::size_t capacity)
      : lifetime_ns_(lifetime_ns), capacity_(capacity) {}

  /// The signed payload given to this request, or nullptr. Valid until the next call.
  [[nodiscard]] const wire::reload::Bytes* find(const Now& now, const Key& key);
  /// The oldest answer goes when there is no room.
  void remember(const Now& now, const Key& key, wire::reload::Bytes payload);
  [[nodiscard]] std::size_t size() const noexcept { return answers_.size(); }

 private:
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept {
      return key.transaction ^ key.signer ^ key.contents;
    }
  };
  void expire(const Now& now);

  std::uint64_t lifetime_ns_;
  std::size_t capacity_;
  std::unordered_map<Key, wire::reload::Bytes, KeyHash> answers_;
  std::deque<std::pair<std::uint64_t, Key>> by_age_;  // (until, key), oldest first
};

}  // namespace controlplane::overlay
