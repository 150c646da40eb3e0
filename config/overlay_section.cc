// SPDX-License-Identifier: Apache-2.0
// [overlay], [admission] and [class.*]: together the policy the lcores read.

#include <string>

#include "config/section.h"
#include "wire/reload/message_contents.h"

namespace config {
namespace {

using wire::reload::TrafficClass;
using wire::shm::FragmentPolicy;
using wire::shm::LinkClassPolicy;
using wire::shm::PolicyTable;
using wire::shm::VerifyPolicy;

constexpr std::uint32_t kMinuteMs = 60'000;
constexpr std::uint32_t kDayS = 86'400;
constexpr std::uint16_t kReloadPort = 6084;  // RFC 6940 section 14.2

LinkClassPolicy read_class(Section& classes, std::string_view key) {
  constexpr std::array<std::pair<std::string_view, VerifyPolicy>, 3> kVerify = {
      {{"all", VerifyPolicy::kAll},
       {"sample", VerifyPolicy::kSample},
       {"off", VerifyPolicy::kOff}}};
  constexpr std::array<std::pair<std::string_view, FragmentPolicy>, 3> kFragments = {
      {{"verify", FragmentPolicy::kVerify},
       {"pass", FragmentPolicy::kPass},
       {"drop", FragmentPolicy::kDrop}}};
  constexpr std::array<std::pair<std::string_view, TrafficClass>, 4> kRates = {
      {{"liveness", TrafficClass::kLiveness},
       {"topology", TrafficClass::kTopology},
       {"bulk", TrafficClass::kBulk},
       {"media", TrafficClass::kMedia}}};
  static_assert(kRates.size() == wire::reload::kTrafficClassCount);

  Section section = classes.table(key);
  LinkClassPolicy policy;
  policy.verify = section.choice("verify", kVerify, policy.verify);
  policy.sample_one_in = section.integer<std::uint16_t>("sample_one_in", 1, 0xffff, 1);
  policy.fragments = section.choice("fragments", kFragments, policy.fragments);
  policy.certificates_per_second = section.integer<std::uint32_t>(
      "certificates_per_second", 0, 1'000'000, policy.certificates_per_second);
  policy.reassembly_bytes =
      section.integer<std::uint32_t>("reassembly_bytes", 0, 1U << 30U, policy.reassembly_bytes);
  Section rates = section.table("rate");
  for (const auto& [name, traffic_class] : kRates) {
    policy.rate[static_cast<std::size_t>(traffic_class)] = read_rate(rates, name);
  }
  rates.finish();
  section.finish();
  return policy;
}

void read_admission(Section& root, PolicyTable& policy) {
  Section section = root.table("admission");
  policy.replay_window_ms =
      section.integer<std::uint32_t>("replay_window_ms", 0, kMinuteMs, policy.replay_window_ms);
  // F-02: a retransmitted request is the same message again, so the window must have closed on the
  // first one by the time the second one comes.
  if (policy.replay_window_ms >= policy.reliability_timer_ms && policy.replay_window_ms != 0) {
    section.error("replay_window_ms",
                  "accepted are 0 and what is below overlay.reliability_timer_ms (" +
                      std::to_string(policy.reliability_timer_ms) +
                      "), or retransmitted requests would be dropped as duplicates");
  }
  policy.signer_hold_ms =
      section.integer<std::uint32_t>("signer_hold_ms", 1, kMinuteMs, policy.signer_hold_ms);
  policy.reassembly_timeout_ms = section.integer<std::uint32_t>(
      "reassembly_timeout_ms", 1, 10 * kMinuteMs, policy.reassembly_timeout_ms);
  policy.queue_age_ms =
      section.integer<std::uint32_t>("queue_age_ms", 1, kMinuteMs, policy.queue_age_ms);
  policy.signer_rate = read_rate(section, "signer_rate");
  section.finish();
}

void read_classes(Section& root, PolicyTable& policy) {
  Section classes = root.table("class");
  for (std::size_t i = 0; i < wire::shm::kLinkClassCount; ++i) {
    policy.classes[i] = read_class(classes, wire::shm::kLinkClassNames[i]);
  }
  classes.finish();
}

void read_topology(Section& section, NodeConfig& config) {
  constexpr std::array<std::pair<std::string_view, Topology>, 2> kTopologies = {
      {{"static", Topology::kStatic}, {"chord-reload", Topology::kChord}}};
  Overlay& overlay = config.overlay;
  overlay.topology = section.choice("topology", kTopologies, Topology::kStatic);
  for (const std::string& text : section.texts("bootstrap_nodes")) {
    auto address = parse_endpoint(text);
    if (address && address->port == 0) address->port = kReloadPort;
    if (!address || !is_unicast(*address)) {
      section.error("bootstrap_nodes",
                    "accepted are addresses of nodes, with or without a UDP port, such as "
                    "\"192.0.2.1:6084\" or \"[2001:db8::1]\"");
      break;
    }
    overlay.bootstrap_nodes.push_back(*address);
  }
  overlay.join = section.boolean("join", true);
  overlay.chord_update_s =
      section.integer<std::uint32_t>("chord_update_interval_s", 1, kDayS, overlay.chord_update_s);
  overlay.chord_ping_s =
      section.integer<std::uint32_t>("chord_ping_interval_s", 1, kDayS, overlay.chord_ping_s);
  overlay.chord_reactive = section.boolean("chord_reactive", true);
  overlay.chord_self_tuning = section.boolean("chord_self_tuning", false);
  if (overlay.topology == Topology::kChord && !config.is_peer && overlay.bootstrap_nodes.empty()) {
    section.error("bootstrap_nodes",
                  "required while node.role is \"client\": a client calls one to find its peer");
  }
  if (overlay.topology == Topology::kStatic && !overlay.bootstrap_nodes.empty()) {
    section.error("bootstrap_nodes", "of use only with topology = \"chord-reload\"");
  }
}

}  // namespace

void read_overlay(Section& root, NodeConfig& config) {
  Section section = root.table("overlay");
  Overlay& overlay = config.overlay;
  PolicyTable& policy = overlay.policy;
  overlay.name = section.required_text("name",
                                       "the overlay's DNS name, such as "
                                       "\"overlay.example.org\"");
  if (!overlay.name.empty() && !is_dns_name(overlay.name)) {
    section.error(
        "name",
        "accepted is a DNS name: labels of letters, digits and dashes joined by dots, each "
        "beginning with a letter, without a dot at the end (RFC 1035 section 2.3.1)");
  }
  policy.overlay = overlay_hash(overlay.name);
  overlay.configuration_sequence =
      section.integer<std::uint16_t>("configuration_sequence", 0, 0xffff, 1);
  policy.configuration_sequence = overlay.configuration_sequence;
  overlay.document = section.path("document");
  overlay.root_certificates = section.paths("root_certificates");
  constexpr std::array<std::pair<std::string_view, SelfSigned>, 3> kSelfSigned = {
      {{"no", SelfSigned::kNo}, {"sha1", SelfSigned::kSha1}, {"sha256", SelfSigned::kSha256}}};
  overlay.self_signed = section.choice("self_signed", kSelfSigned, SelfSigned::kNo);
  if (overlay.root_certificates.empty() && overlay.self_signed == SelfSigned::kNo) {
    section.error("root_certificates",
                  "required: PEM files of the overlay's CAs, such as "
                  "[\"ca.pem\"]");
  }
  read_topology(section, config);
  policy.initial_ttl = section.integer<std::uint8_t>("initial_ttl", 1, 255, policy.initial_ttl);
  policy.max_message_size =
      section.integer<std::uint32_t>("max_message_size", 512, 0xffff, policy.max_message_size);
  policy.reliability_timer_ms = section.integer<std::uint32_t>(
      "reliability_timer_ms", 200, kMinuteMs, policy.reliability_timer_ms);
  policy.lab_links = section.boolean("lab_links", false) ? 1 : 0;
  policy.full_via_entries = section.boolean("full_via_entries", false) ? 1 : 0;
  policy.retransmit_transit = section.boolean("retransmit_transit", true) ? 1 : 0;
  section.finish();

  read_admission(root, policy);
  read_classes(root, policy);
}

}  // namespace config
