// SPDX-License-Identifier: Apache-2.0

#include "controlplane/admin/key_log.h"

#include <utility>

namespace controlplane::admin {

using overlay::Note;

void KeyLog::write(std::string_view line) {
  for (const auto& stream : streams_) stream->write(line);
}

void KeyLog::add(std::shared_ptr<LineStream> stream) {
  stream->write("# NSS key log of node " + plane_.config().name +
                ": whoever has it can read what its links carried");
  const bool first = streams_.empty();
  streams_.push_back(std::move(stream));
  if (!first) return;
  plane_.note(Note::Level::kWarning,
              "a key log is being taken: the keys of new handshakes are given out");
  plane_.log_keys([this](std::string_view line) { write(line); });
}

void KeyLog::turn(const overlay::Now& now) {
  if (streams_.empty()) return;
  std::erase_if(streams_, [](const auto& stream) {
    if (stream->is_open() && stream->pending_bytes() <= kMaxPending) return false;
    if (stream->is_open()) stream->finish();
    return true;
  });
  if (streams_.empty()) {
    plane_.log_keys({});
    plane_.note(Note::Level::kNormal, "the key log has ended");
    return;
  }
  if (now.ns < next_comment_ns_) return;
  next_comment_ns_ = now.ns + links::kSecond;
  write("#");
}

}  // namespace controlplane::admin
