// SPDX-License-Identifier: Apache-2.0

#include "controlplane/overlay/answer_memory.h"

#include <functional>
#include <string_view>
#include <utility>

namespace controlplane::overlay {

AnswerMemory::Key AnswerMemory::key_of(const ParsedMessage& request) noexcept {
  const auto hash = [](std::span<const std::byte> bytes) {
    return std::hash<std::string_view>{}(
        std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  };
  return {static_cast<std::uint64_t>(request.header.transaction_id),
          hash(request.security.signature.identity), hash(request.contents.encoded)};
}

void AnswerMemory::expire(const Now& now) {
  while (!by_age_.empty() && by_age_.front().first <= now.ns) {
    answers_.erase(by_age_.front().second);
    by_age_.pop_front();
  }
}

const wire::reload::Bytes* AnswerMemory::find(const Now& now, const Key& key) {
  expire(now);
  const auto found = answers_.find(key);
  return found == answers_.end() ? nullptr : &found->second;
}

void AnswerMemory::remember(const Now& now, const Key& key, wire::reload::Bytes payload) {
  expire(now);
  if (answers_.size() >= capacity_) {
    answers_.erase(by_age_.front().second);
    by_age_.pop_front();
  }
  if (answers_.emplace(key, std::move(payload)).second) {
    by_age_.emplace_back(now.ns + lifetime_ns_, key);
  }
}

}  // namespace controlplane::overlay
