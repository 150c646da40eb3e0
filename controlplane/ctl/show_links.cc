// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <iterator>

#include "controlplane/ctl/node_view.h"
#include "controlplane/ctl/show.h"
#include "controlplane/ctl/text_table.h"

namespace controlplane::ctl {
namespace {

using wire::shm::Counter;
using wire::shm::LinkRecord;
using wire::shm::LinkState;
using wire::shm::LinkStatus;

const char* state_name(std::uint8_t state) {
  return state < std::size(wire::shm::kLinkStateNames) ? wire::shm::kLinkStateNames[state]
                                                       : "unknown";
}
const char* class_name(wire::shm::LinkClass link_class) {
  const auto index = static_cast<std::size_t>(link_class);
  return index < wire::shm::kLinkClassCount ? wire::shm::kLinkClassNames[index] : "unknown";
}

/// The counters of a link by their names in JSON, in the order of LinkStatus.
struct Field {
  const char* name;
  Counter LinkStatus::*member;
};
constexpr Field kFields[] = {{"messages_in", &LinkStatus::messages_in},
                             {"messages_out", &LinkStatus::messages_out},
                             {"bytes_in", &LinkStatus::bytes_in},
                             {"bytes_out", &LinkStatus::bytes_out},
                             {"acks_in", &LinkStatus::acks_in},
                             {"acks_out", &LinkStatus::acks_out},
                             {"retransmitted", &LinkStatus::retransmitted},
                             {"lost", &LinkStatus::lost},
                             {"duplicates_in", &LinkStatus::duplicates_in},
                             {"queue_drops", &LinkStatus::queue_drops},
                             {"bad_signatures", &LinkStatus::bad_signatures},
                             {"drops_in", &LinkStatus::drops_in},
                             {"srtt_us", &LinkStatus::srtt_us},
                             {"rttvar_us", &LinkStatus::rttvar_us},
                             {"rto_us", &LinkStatus::rto_us},
                             {"cwnd", &LinkStatus::cwnd},
                             {"in_flight", &LinkStatus::in_flight},
                             {"queued", &LinkStatus::queued}};

/// Seconds since the last ack, by the TSC, which all cores of a machine share.
Document last_ack_age(const LinkStatus& status, std::uint64_t tsc_hz) {
  const std::uint64_t then = status.last_ack_tsc.get();
  const std::uint64_t now = __builtin_ia32_rdtsc();
  if (then == 0 || tsc_hz == 0 || now < then) return nullptr;
  return static_cast<double>(now - then) / static_cast<double>(tsc_hz);
}

Document link_json(const Context& context, const LinkRecord& link, const LinkStatus& status,
                   std::uint64_t tsc_hz) {
  Document json;
  json["slot"] = link.slot;
  json["generation"] = link.generation;
  const std::string name = context.peer_name(link.peer);
  json["name"] = name.empty() ? Document(nullptr) : Document(name);
  json["peer"] = config::to_string(link.peer);
  json["class"] = class_name(link.link_class);
  json["protocol"] = "lab";
  json["state"] = state_name(status.state.load());
  json["barred"] = link.barred != 0;
  json["local"] = config::to_string(link.local);
  json["remote"] = config::to_string(link.remote);
  json["port"] = link.port;
  json["mtu"] = link.mtu;
  json["lcore"] = status.owner;
  for (const Field& field : kFields) json[field.name] = (status.*field.member).get();
  json["last_ack_age_seconds"] = last_ack_age(status, tsc_hz);
  return json;
}

std::string milliseconds(std::uint64_t us) {
  if (us == 0) return "-";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3f", static_cast<double>(us) / 1000.0);
  return text.data();
}

std::string number(const Document& link, const char* key) {
  return grouped(link[key].get<std::uint64_t>());
}

}  // namespace

void show_links(const Context& context, const ShowOptions& options) {
  const NodeView view(context);
  const wire::shm::DataplaneSection& dataplane = view.region().dataplane;
  Document links = Document::array();
  for (const LinkStatus& status : dataplane.links) {
    const bool absent = status.state.load() == static_cast<std::uint8_t>(LinkState::kAbsent);
    LinkRecord link;
    if (!wire::shm::read_identity(status, link) || link.slot == wire::shm::kNoLink) continue;
    if (absent && !options.all) continue;
    links.push_back(link_json(context, link, status, dataplane.status.tsc_hz.load()));
  }
  if (context.json) {
    Document json;
    json["links"] = std::move(links);
    return print(json);
  }
  using Align = TextTable::Align;
  TextTable table({{"slot", Align::kRight},
                   {"peer", {}},
                   {"class", {}},
                   {"state", {}},
                   {"lcore", Align::kRight},
                   {"remote", {}},
                   {"in", Align::kRight},
                   {"out", Align::kRight},
                   {"resent", Align::kRight},
                   {"lost", Align::kRight},
                   {"queue drops", Align::kRight},
                   {"bad sigs", Align::kRight},
                   {"srtt ms", Align::kRight},
                   {"rto ms", Align::kRight},
                   {"window", Align::kRight},
                   {"in flight", Align::kRight},
                   {"queued", Align::kRight}});
  for (const Document& link : links) {
    const bool named = !link["name"].is_null();
    std::string state = link["state"].get<std::string>();
    if (link["barred"].get<bool>()) state += ", barred";
    table.add({link["slot"].dump(), link[named ? "name" : "peer"].get<std::string>(),
               link["class"].get<std::string>(), state, link["lcore"].dump(),
               link["remote"].get<std::string>(), number(link, "messages_in"),
               number(link, "messages_out"), number(link, "retransmitted"), number(link, "lost"),
               number(link, "queue_drops"), number(link, "bad_signatures"),
               milliseconds(link["srtt_us"].get<std::uint64_t>()),
               milliseconds(link["rto_us"].get<std::uint64_t>()), number(link, "cwnd"),
               number(link, "in_flight"), number(link, "queued")});
  }
  if (table.empty()) {
    std::printf("No links: the control plane has given this dataplane none.\n");
  } else {
    table.print();
  }
  if (const std::string warning = view.warning(); !warning.empty()) {
    std::printf("%s\n", warning.c_str());
  }
}

}  // namespace controlplane::ctl
