// SPDX-License-Identifier: Apache-2.0
// hopsealctl trace: switches tracing on, follows the trace rings, switches it off.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "controlplane/ctl/ask.h"
#include "controlplane/ctl/interrupts.h"
#include "controlplane/ctl/node_view.h"
#include "controlplane/ctl/show.h"
#include "wire/reload/message_contents.h"

namespace controlplane::ctl {
namespace {

using wire::shm::TraceOutcome;
using wire::shm::TraceRecord;

struct TraceOptions {
  std::uint32_t sample = 1;
  std::string destination;
  std::uint64_t count = 0;
};

constexpr auto kPollPause = std::chrono::milliseconds(20);
constexpr const char* kOutcomeNames[] = {"transmitted", "delivered", "dropped", "held"};

template <class Enum, std::size_t N>
const char* name_in(const char* const (&names)[N], Enum value) {
  const auto index = static_cast<std::size_t>(value);
  return index < N ? names[index] : "unknown";
}
const char* stage_name(wire::shm::Stage stage) {
  const auto index = static_cast<std::size_t>(stage);
  return index < wire::shm::kStageCount ? wire::shm::kStages[index].name : "unknown";
}
const char* reason_name(wire::shm::DropReason reason) {
  const auto index = static_cast<std::size_t>(reason);
  return index < wire::shm::kDropReasonCount ? wire::shm::kDropReasons[index].name : "unknown";
}

/// The peer behind a link slot: its name, else its Node-ID, else the slot's number.
std::string link_name(const Context& context, const NodeView& view, std::uint16_t slot) {
  if (slot >= wire::shm::kMaxLinks) return "-";
  wire::shm::LinkRecord link;
  if (!wire::shm::read_identity(view.region().dataplane.links[slot], link) ||
      link.slot == wire::shm::kNoLink) {
    return "link " + std::to_string(slot);
  }
  const std::string name = context.peer_name(link.peer);
  return name.empty() ? config::to_string(link.peer) : name;
}

std::string code_name(std::uint16_t code) {
  if (code == 0) return "fragment";
  const char* const name = wire::reload::message_code_name(code);
  return name != nullptr ? name : "code " + std::to_string(code);
}

std::string hex64(std::uint64_t value) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(value));
  return text.data();
}

Document record_json(const Context& context, const NodeView& view, const TraceRecord& record) {
  Document json;
  const std::uint64_t tsc_hz = view.region().dataplane.status.tsc_hz.load();
  json["tsc"] = record.tsc;
  json["seconds"] = tsc_hz == 0
                        ? Document(nullptr)
                        : Document(static_cast<double>(record.tsc) / static_cast<double>(tsc_hz));
  json["lcore"] = record.lcore;
  json["transaction_id"] = hex64(record.transaction_id);
  json["message"] = code_name(record.message_code);
  json["message_code"] = record.message_code;
  json["length"] = record.length;
  json["ttl"] = record.ttl;
  json["destination"] = record.destination.is_invalid()
                            ? Document(nullptr)
                            : Document(config::to_string(record.destination));
  json["link_in"] =
      record.link_in == wire::shm::kNoLink ? Document(nullptr) : Document(record.link_in);
  json["peer_in"] = link_name(context, view, record.link_in);
  json["link_out"] =
      record.link_out == wire::shm::kNoLink ? Document(nullptr) : Document(record.link_out);
  json["peer_out"] = link_name(context, view, record.link_out);
  json["verified"] = record.verified != 0;
  json["outcome"] = name_in(kOutcomeNames, record.outcome);
  json["stage"] = stage_name(record.stage);
  json["reason"] = record.outcome == TraceOutcome::kDropped ? Document(reason_name(record.reason))
                                                            : Document(nullptr);
  json["cycles"] = record.cycles;
  return json;
}

/// "12.345678 lcore 0 ping_req 5d1f… 312 B ttl 99 node1 -> node3 for 7a01… verified transmitted…"
void print_line(const Document& json) {
  const auto text = [&](const char* key) { return json[key].get<std::string>(); };
  std::string line;
  if (!json["seconds"].is_null()) {
    std::array<char, 32> seconds{};
    std::snprintf(seconds.data(), seconds.size(), "%.6f ", json["seconds"].get<double>());
    line += seconds.data();
  }
  line += "lcore " + json["lcore"].dump() + "  " + text("message") + " " + text("transaction_id") +
          "  " + json["length"].dump() + " B  ttl " + json["ttl"].dump() + "  " + text("peer_in") +
          " -> " + text("peer_out");
  if (!json["destination"].is_null()) line += "  for " + text("destination");
  line += json["verified"].get<bool>() ? "  verified" : "  not verified";
  line += "  " + text("outcome") + " in " + text("stage");
  if (!json["reason"].is_null()) line += ": " + text("reason");
  line += "  " + json["cycles"].dump() + " cycles";
  std::printf("%s\n", line.c_str());
}

/// Follows the rings of all lcores; what they held before is history.
class TraceFollower {
 public:
  explicit TraceFollower(const NodeView& view) : view_(view) {
    std::vector<TraceRecord> old;
    while (!next(old).empty()) {
    }
  }

  /// What came since the last call, by time.
  std::vector<TraceRecord>& next(std::vector<TraceRecord>& records) {
    records.clear();
    for (std::size_t lcore = 0; lcore < wire::shm::kMaxLcores; ++lcore) {
      std::array<TraceRecord, 64> some{};
      std::size_t count = 0;
      next_[lcore] = view_.region().dataplane.traces[lcore].read(next_[lcore], some, count);
      records.insert(records.end(), some.begin(), some.begin() + static_cast<long>(count));
    }
    std::sort(records.begin(), records.end(),
              [](const TraceRecord& a, const TraceRecord& b) { return a.tsc < b.tsc; });
    return records;
  }

 private:
  const NodeView& view_;
  std::array<std::uint64_t, wire::shm::kMaxLcores> next_{};
};

void follow(const Context& context, const NodeView& view, TraceFollower& follower,
            std::uint64_t count) {
  std::vector<TraceRecord> records;
  for (std::uint64_t shown = 0; !interrupted();) {
    for (const TraceRecord& record : follower.next(records)) {
      const Document json = record_json(context, view, record);
      if (context.json) {
        print(json);
      } else {
        print_line(json);
      }
      if (++shown == count) return;
    }
    if (std::fflush(stdout) != 0) return;  // nobody reads us any more
    if (records.empty()) {
      if (!view.dataplane_runs()) fail("the dataplane has ended.");
      std::this_thread::sleep_for(kPollPause);
    }
  }
}

void trace(const Context& context, const TraceOptions& options) {
  const NodeView view(context);
  catch_interrupts();
  TraceFollower follower(view);
  nlohmann::json setting = {{"sample_one_in", options.sample}};
  if (!options.destination.empty()) setting["destination"] = options.destination;
  (void)ask(context, "POST", "/v1/trace", setting);
  follow(context, view, follower, options.count);
  std::fflush(stdout);
  (void)ask(context, "POST", "/v1/trace", {{"sample_one_in", 0}});
}

}  // namespace

void add_trace(CLI::App& app, Context& context) {
  CLI::App* const command =
      app.add_subcommand("trace", "Print a line per message and what became of it, until Ctrl-C");
  const auto options = std::make_shared<TraceOptions>();
  command->add_option("--sample", options->sample, "Trace one message of this many")
      ->check(CLI::Range(1U, ~0U))
      ->capture_default_str();
  command->add_option("--destination", options->destination,
                      "Only messages for this node: Node-ID or the name of a peer");
  command->add_option("--count", options->count, "Stop after this many lines; 0 is until Ctrl-C")
      ->capture_default_str();
  command->callback([options, &context] { trace(context, *options); });
}

}  // namespace controlplane::ctl
