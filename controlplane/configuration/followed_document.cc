// SPDX-License-Identifier: Apache-2.0
#include "controlplane/configuration/followed_document.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

namespace controlplane::configuration {
namespace {

std::string_view text_of(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::int64_t unix_s_of(const overlay::Now& now) noexcept {
  return static_cast<std::int64_t>(now.unix_s());
}

overlay::ConfigurationDocument::Refusal refusal_of(const Fault& fault) {
  return {refusal_error(fault.refusal), fault.sentence()};
}

}  // namespace

std::unique_ptr<FollowedDocument> FollowedDocument::read(const std::string& path,
                                                         std::string_view overlay,
                                                         std::int64_t now_unix_s,
                                                         std::string& why) {
  std::ifstream stream(path, std::ios::binary);
  std::string file;
  // One byte more than is parsed shows that a file is too large.
  file.resize(kMaxDocumentBytes + 1);
  stream.read(file.data(), static_cast<std::streamsize>(file.size()));
  if (!stream.is_open() || stream.bad()) {
    why = path + ": " + std::strerror(errno);
    return nullptr;
  }
  file.resize(static_cast<std::size_t>(stream.gcount()));
  FirstTrust trust;
  trust.by_channel = true;
  Judgement judgement = judge_first(overlay, file, now_unix_s, trust);
  if (!judgement.accepted()) {
    why = path + ": " + judgement.fault.sentence();
    return nullptr;
  }
  return std::unique_ptr<FollowedDocument>(
      new FollowedDocument(path, std::move(file), std::move(judgement.element.configuration)));
}

void FollowedDocument::apply(overlay::Settings& settings) const noexcept {
  settings.configuration_sequence = sequence();
  settings.initial_ttl = configuration_.initial_ttl;
  settings.max_message_size = configuration_.max_message_size;
  settings.reliability_timer_ms = configuration_.overlay_reliability_timer_ms;
}

std::optional<FollowedDocument::Refusal> FollowedDocument::adopt(const overlay::Now& now,
                                                                 std::span<const std::byte> file) {
  const std::string_view text = text_of(file);
  Judgement judgement = judge_update(configuration_, text, unix_s_of(now));
  if (!judgement.accepted()) return refusal_of(judgement.fault);
  configuration_ = std::move(judgement.element.configuration);
  file_.assign(text);
  keep();
  return std::nullopt;
}

std::optional<FollowedDocument::Refusal> FollowedDocument::adopt_kind(
    const overlay::Now& now, std::span<const std::byte> block) {
  const KindBlocks parsed = parse_kind_blocks(text_of(block));
  if (!parsed.fault.ok()) return refusal_of(parsed.fault);
  for (const KindBlock& kind : parsed.blocks) {
    KindJudgement judgement = judge_kind(configuration_, kind, unix_s_of(now));
    if (!judgement.fault.ok()) return refusal_of(judgement.fault);
    std::erase_if(configuration_.required_kinds, [&](const KindBlock& known) {
      return known.kind.id == judgement.block.kind.id &&
             known.kind.name == judgement.block.kind.name;
    });
    configuration_.required_kinds.push_back(std::move(judgement.block));
  }
  return std::nullopt;
}

/// By way of another file, so that a crash leaves the old document or the new one.
void FollowedDocument::keep() {
  const std::string fresh = path_ + ".new";
  std::ofstream stream(fresh, std::ios::binary | std::ios::trunc);
  stream.write(file_.data(), static_cast<std::streamsize>(file_.size()));
  stream.close();
  const bool is_kept = stream.good() && std::rename(fresh.c_str(), path_.c_str()) == 0;
  not_kept_ = is_kept ? std::string() : path_ + ": " + std::strerror(errno);
}

}  // namespace controlplane::configuration
