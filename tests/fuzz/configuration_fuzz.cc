// SPDX-License-Identifier: Apache-2.0
// Configuration documents from strangers: each is refused with a reason, or what was read of it is
// in range, lies where it says, and comes back when it is written anew.

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "controlplane/configuration/signed_document.h"
#include "controlplane/configuration/write.h"
#include "tests/fuzz/check.h"

namespace {

using namespace controlplane::configuration;

constexpr std::int64_t kNow = 1'000'000'000;  // before the example of the RFC expired

void check_fault(const Fault& fault, std::string_view text) {
  FUZZ_CHECK(std::string_view(refusal_name(fault.refusal)) != "unknown");
  FUZZ_CHECK(!fault.sentence().empty());
  FUZZ_CHECK(fault.where.line <= 1 + std::ranges::count(text, '\n'));
}

void check_values(const OverlayConfiguration& read) {
  FUZZ_CHECK(!read.instance_name.empty());
  FUZZ_CHECK(!read.sequence || *read.sequence <= kMaxSequence);
  FUZZ_CHECK(read.node_id_length >= 16 && read.node_id_length <= 20);
  FUZZ_CHECK(read.initial_ttl > 0 && read.max_message_size > 0);
  FUZZ_CHECK(read.overlay_reliability_timer_ms >= kMinReliabilityTimerMs);
  FUZZ_CHECK(read.chord_ping_interval_s > 0 && read.chord_update_interval_s > 0);
  FUZZ_CHECK(!read.overlay_link_protocols.empty());
  for (const auto& node : read.bootstrap_nodes) FUZZ_CHECK(node.port != 0 && node.family != 0);
  for (const KindBlock& block : read.required_kinds) {
    FUZZ_CHECK(block.kind.id.has_value() || !block.kind.name.empty());
    FUZZ_CHECK(block.signed_bytes.starts_with('<') && block.signed_bytes.ends_with('>'));
    FUZZ_CHECK(block.kind.access_control != kNodeMultiple || block.kind.max_node_multiple > 0U);
  }
}

/// Foreign elements and signed Kinds may use prefixes from outside: the rest must come back.
void check_written(OverlayConfiguration read) {
  read.foreign.clear();
  read.required_kinds.clear();
  const std::string text = write_document(read);
  const Document again = parse_document(text);
  if (text.size() > kMaxDocumentBytes) return;
  FUZZ_CHECK(again.fault.ok());
  FUZZ_CHECK(write_document(again.configurations.front().configuration) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const Document document = parse_document(text);
  check_fault(document.fault, text);
  FUZZ_CHECK(document.fault.ok() != document.configurations.empty());
  for (const ConfigurationElement& element : document.configurations) {
    FUZZ_CHECK(element.signed_bytes == text.substr(element.begin, element.end - element.begin));
    FUZZ_CHECK(element.signed_bytes.starts_with('<') && element.signed_bytes.ends_with('>'));
    check_values(element.configuration);
    check_written(element.configuration);

    const std::string& overlay = element.configuration.instance_name;
    const Judgement first = judge_first(overlay, text, kNow, {.by_channel = true});
    check_fault(first.fault, text);
    const Judgement update = judge_update(element.configuration, text, kNow);
    FUZZ_CHECK(!update.accepted() || !element.configuration.sequence);
  }
  const KindBlocks kinds = parse_kind_blocks(text);
  check_fault(kinds.fault, text);
  FUZZ_CHECK(kinds.fault.ok() != kinds.blocks.empty());
  return 0;
}
