// SPDX-License-Identifier: Apache-2.0

#include "controlplane/admin/metrics.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "controlplane/events/stream_counters.h"
#include "controlplane/links/handshake_counters.h"

namespace controlplane::admin {

using wire::shm::LcoreCounters;
using wire::shm::LinkStatus;

namespace {

/// Writes metric families. Names are prefixed with hopseal_; a counter's samples end in _total.
class Text {
 public:
  void family(std::string_view name, bool gauge, std::string_view help) {
    name_ = "hopseal_" + std::string(name);
    out_ += "# TYPE " + name_ + (gauge ? " gauge\n" : " counter\n");
    out_ += "# HELP " + name_ + ' ' + std::string(help) + '\n';
    if (!gauge) name_ += "_total";
  }
  /// @param labels  such as `lcore="0"`; their values hold no quotes or backslashes
  void sample(std::string_view labels, std::uint64_t value) {
    out_ += name_;
    if (!labels.empty()) out_ += '{' + std::string(labels) + '}';
    out_ += ' ' + std::to_string(value) + '\n';
  }
  std::string finish() { return std::move(out_) + "# EOF\n"; }

 private:
  std::string out_;
  std::string name_;
};

struct LinkCounter {
  const char* name;
  bool gauge;
  const char* help;
  wire::shm::Counter LinkStatus::*member;
};
constexpr LinkCounter kLinkCounters[] = {
    {"link_messages_in", false, "data frames received", &LinkStatus::messages_in},
    {"link_messages_out", false, "data frames sent", &LinkStatus::messages_out},
    {"link_bytes_in", false, "message bytes received", &LinkStatus::bytes_in},
    {"link_bytes_out", false, "message bytes sent", &LinkStatus::bytes_out},
    {"link_acks_in", false, "acks received", &LinkStatus::acks_in},
    {"link_acks_out", false, "acks sent", &LinkStatus::acks_out},
    {"link_retransmitted", false, "messages sent again on the link", &LinkStatus::retransmitted},
    {"link_lost", false, "messages given up after the last send", &LinkStatus::lost},
    {"link_duplicates_in", false, "data frames seen before", &LinkStatus::duplicates_in},
    {"link_queue_drops", false, "messages dropped from the link's queues",
     &LinkStatus::queue_drops},
    {"link_bad_signatures", false, "bad signatures that arrived on the link",
     &LinkStatus::bad_signatures},
    {"link_drops_in", false, "messages from the link dropped for any reason",
     &LinkStatus::drops_in},
    {"link_records_in", false, "records of application data opened", &LinkStatus::records_in},
    {"link_records_out", false, "records of application data sealed", &LinkStatus::records_out},
    {"link_replays", false, "records whose number had been seen", &LinkStatus::replays},
    {"link_bad_records", false, "records that failed authentication", &LinkStatus::bad_records},
    {"link_rekeys", false, "associations installed after the first", &LinkStatus::rekeys},
    {"link_srtt_us", true, "smoothed round-trip time", &LinkStatus::srtt_us},
    {"link_rto_us", true, "retransmission timeout", &LinkStatus::rto_us},
    {"link_cwnd", true, "congestion window in messages", &LinkStatus::cwnd},
    {"link_in_flight", true, "messages sent and not acknowledged", &LinkStatus::in_flight},
    {"link_queued", true, "messages waiting to be sent", &LinkStatus::queued},
};

std::string lcore_label(std::size_t lcore) { return "lcore=\"" + std::to_string(lcore) + '"'; }

void write_lcores(const wire::shm::DataplaneSection& dataplane, std::size_t workers, Text& text) {
  for (const auto& counter : wire::shm::kCounters) {
    text.family(counter.name, counter.gauge, counter.help);
    for (std::size_t lcore = 0; lcore < workers; ++lcore) {
      text.sample(lcore_label(lcore), (dataplane.counters[lcore].*counter.member).get());
    }
  }
  text.family("drops", false, "packets dropped, by stage and reason");
  for (std::size_t lcore = 0; lcore < workers; ++lcore) {
    for (std::size_t reason = 0; reason < wire::shm::kDropReasonCount; ++reason) {
      text.sample(lcore_label(lcore) + ",stage=\"" + wire::shm::kDropReasons[reason].stage +
                      "\",reason=\"" + wire::shm::kDropReasons[reason].name + '"',
                  dataplane.counters[lcore].drops[reason].get());
    }
  }
  const auto stages = [&](std::string_view name, std::string_view help, auto member) {
    text.family(name, false, help);
    for (std::size_t lcore = 0; lcore < workers; ++lcore) {
      for (std::size_t stage = 0; stage < wire::shm::kStageCount; ++stage) {
        text.sample(lcore_label(lcore) + ",stage=\"" + wire::shm::kStages[stage].name + '"',
                    (dataplane.counters[lcore].stages[stage].*member).get());
      }
    }
  };
  stages("stage_packets", "packets that entered a stage", &wire::shm::StageCounters::packets);
  stages("stage_cycles", "TSC cycles spent in a stage", &wire::shm::StageCounters::cycles);
}

void write_checks(const wire::shm::DataplaneSection& dataplane, std::size_t workers, Text& text) {
  // One sample for each lcore and each of @p names; @p of gives the counter.
  const auto each = [&](std::string_view name, std::string_view help, const char* label,
                        const auto& names, auto of) {
    text.family(name, false, help);
    for (std::size_t lcore = 0; lcore < workers; ++lcore) {
      for (std::size_t k = 0; k < std::size(names); ++k) {
        text.sample(lcore_label(lcore) + ',' + label + "=\"" + names[k] + '"',
                    of(dataplane.counters[lcore], k).get());
      }
    }
  };
  each(
      "verify_batches", "calls of the batch verifier, by signature checks in them", "checks",
      wire::shm::kVerifyBatchNames,
      [](const LcoreCounters& c, std::size_t k) -> const auto& { return c.verify_batch[k]; });
  each(
      "verify_passes", "passes of a vector kernel, by lanes filled", "lanes",
      wire::shm::kVerifyLaneNames,
      [](const LcoreCounters& c, std::size_t k) -> const auto& { return c.lanes_filled[k]; });
  text.family("verify_checks", false, "signature checks, by algorithm and how they were made");
  for (std::size_t lcore = 0; lcore < workers; ++lcore) {
    for (std::size_t a = 0; a < wire::shm::kVerifyAlgorithms; ++a) {
      for (const wire::shm::VerifyPathInfo& path : wire::shm::kVerifyPaths) {
        text.sample(lcore_label(lcore) + ",algorithm=\"" + wire::shm::kVerifyAlgorithmNames[a] +
                        "\",path=\"" + path.name + '"',
                    (dataplane.counters[lcore].verify_paths[a].*path.member).get());
      }
    }
  }
}

void write_known_signers(const wire::shm::DataplaneStatus& status, Text& text) {
  const auto one = [&](std::string_view name, bool gauge, std::string_view help,
                       const std::atomic<std::uint64_t>& value) {
    text.family(name, gauge, help);
    text.sample({}, value.load(std::memory_order_relaxed));
  };
  one("known_signers", true, "signers that have a table", status.tables);
  one("known_signer_bytes", true, "bytes of tables in use, being built or waiting for readers",
      status.table_bytes_used);
  one("known_signer_bytes_max", true, "most bytes of tables there may be", status.table_bytes);
  one("known_signer_builds", false, "tables built", status.table_builds);
  one("known_signer_evictions", false, "tables given up for signers heard more",
      status.table_evictions);
  one("known_signer_builds_abandoned", false, "builds given up because the signer was removed",
      status.table_builds_abandoned);
  const auto& kernel = status.kernel;
  text.family("verify_kernel", true, "1 for the verify kernel in use");
  text.sample("kernel=\"" + std::string(kernel.begin(), std::ranges::find(kernel, '\0')) + '"', 1);
}

void write_links(const ControlPlane& plane, Text& text) {
  std::vector<std::string> labels;
  for (std::size_t index = 0; index < plane.links().size(); ++index) {
    const auto& link = plane.links()[index];
    labels.push_back("link=\"" + std::to_string(link.slot) + "\",peer=\"" +
                     config::to_string(link.peer) + "\",name=\"" + plane.link_name(index) + '"');
  }
  const auto& status = plane.region()->dataplane.links;
  for (const LinkCounter& counter : kLinkCounters) {
    text.family(counter.name, counter.gauge, counter.help);
    for (std::size_t index = 0; index < labels.size(); ++index) {
      text.sample(labels[index], (status[plane.links()[index].slot].*counter.member).get());
    }
  }
  text.family("link_protocol", true, "1 for the protocol the link speaks");
  for (std::size_t index = 0; index < labels.size(); ++index) {
    const auto protocol = static_cast<std::size_t>(plane.links()[index].protocol);
    text.sample(labels[index] + ",protocol=\"" + wire::shm::kLinkProtocolNames[protocol] + '"', 1);
  }
  text.family("link_has_keys", true, "1 while a secure link has keys to send with");
  for (std::size_t index = 0; index < labels.size(); ++index) {
    const wire::shm::LinkRecord& link = plane.links()[index];
    if (link.protocol != wire::shm::LinkProtocol::kDtls) continue;
    text.sample(labels[index],
                status[link.slot].association.load(std::memory_order_relaxed) != 0 ? 1 : 0);
  }
  text.family("link_state", true, "1 for the state the link is in");
  for (std::size_t index = 0; index < labels.size(); ++index) {
    const auto state = status[plane.links()[index].slot].state.load(std::memory_order_relaxed);
    for (std::size_t each = 0; each < std::size(wire::shm::kLinkStateNames); ++each) {
      text.sample(labels[index] + ",state=\"" + wire::shm::kLinkStateNames[each] + '"',
                  state == each ? 1 : 0);
    }
  }
}

void write_handshakes(const ControlPlane& plane, Text& text) {
  for (const auto& counter : links::kHandshakeCounters) {
    text.family("handshake_" + std::string(counter.name), false, counter.help);
    text.sample({}, plane.secure_links().counters().*counter.member);
  }
  text.family("handshakes_half_open", true, "handshakes going on");
  text.sample({}, plane.secure_links().half_open());
  text.family("link_handshake_failures", true, "attempts since the link last got keys");
  for (const links::LinkSecurity& security : plane.secure_links().status()) {
    text.sample("link=\"" + std::to_string(security.slot) + '"', security.failures);
  }
}

void write_streams(const events::StreamLinks& streams, Text& text) {
  for (const auto& counter : events::kStreamCounters) {
    text.family("stream_" + std::string(counter.name), false, counter.help);
    text.sample({}, streams.counters().*counter.member);
  }
  for (const auto& counter : events::kTlsSocketCounters) {
    text.family("tls_sockets_" + std::string(counter.name), false, counter.help);
    text.sample({}, streams.socket_counters().*counter.member);
  }
  text.family("tls_connections", true, "TLS connections there are, unfinished ones included");
  text.sample({}, streams.connections());
  text.family("stream_is_up", true, "1 while a TLS link has a connection whose acks come");
  for (const events::StreamStatus& stream : streams.status()) {
    text.sample("link=\"" + std::to_string(stream.slot) + '"',
                !stream.session.empty() && !stream.failed ? 1 : 0);
  }
}

}  // namespace

std::string open_metrics(const ControlPlane& plane) {
  const auto& dataplane = plane.region()->dataplane;
  const std::size_t workers =
      std::min<std::size_t>(dataplane.status.worker_count.load(), wire::shm::kMaxLcores);
  Text text;
  text.family("dataplane_up", true, "1 while a dataplane holds its role");
  text.sample({}, plane.dataplane_alive() ? 1 : 0);
  text.family("resyncs", false, "replays of links and signers to a dataplane");
  text.sample({}, plane.resyncs());
  write_lcores(dataplane, workers, text);
  write_checks(dataplane, workers, text);
  write_known_signers(dataplane.status, text);
  write_links(plane, text);
  for (const auto& counter : overlay::kNodeCounters) {
    text.family("controlplane_" + std::string(counter.name), false, counter.help);
    text.sample({}, plane.node().counters().*counter.member);
  }
  write_handshakes(plane, text);
  if (plane.stream_links() != nullptr) write_streams(*plane.stream_links(), text);
  text.family("transactions_open", true, "requests waiting for their answer");
  text.sample({}, plane.node().transactions().size());
  text.family("signers_known", true, "signers with a checked certificate, refused ones included");
  text.sample({}, plane.node().signers().size());
  text.family("inject_backlog", true, "messages waiting for room in a ring");
  text.sample({}, plane.injector().backlog());
  text.family("inject_dropped", false, "messages dropped because rings and backlog were full");
  text.sample({}, plane.injector().dropped());
  return text.finish();
}

}  // namespace controlplane::admin
