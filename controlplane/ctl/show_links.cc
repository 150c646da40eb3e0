// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <iterator>

#include "controlplane/ctl/ask.h"
#include "controlplane/ctl/node_view.h"
#include "controlplane/ctl/show.h"
#include "controlplane/ctl/text_table.h"

namespace controlplane::ctl {
namespace {

using wire::shm::Counter;
using wire::shm::LinkProtocol;
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

const char* protocol_name(LinkProtocol protocol) {
  const auto index = static_cast<std::size_t>(protocol);
  return index < std::size(wire::shm::kLinkProtocolNames) ? wire::shm::kLinkProtocolNames[index]
                                                          : "unknown";
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
                             {"queued", &LinkStatus::queued},
                             {"records_in", &LinkStatus::records_in},
                             {"records_out", &LinkStatus::records_out},
                             {"replays", &LinkStatus::replays},
                             {"bad_records", &LinkStatus::bad_records},
                             {"rekeys", &LinkStatus::rekeys}};

/// Seconds since @p then, by the TSC, which all cores of a machine share; null when it never was.
Document tsc_age(std::uint64_t then, std::uint64_t tsc_hz) {
  const std::uint64_t now = __builtin_ia32_rdtsc();
  if (then == 0 || tsc_hz == 0 || now < then) return nullptr;
  return static_cast<double>(now - then) / static_cast<double>(tsc_hz);
}

/// What the dataplane says of a secure link's keys.
void add_keys(const LinkStatus& status, std::uint64_t tsc_hz, Document& json) {
  const std::uint32_t association = status.association.load();
  const auto aead = static_cast<std::size_t>(status.aead.load());
  const bool secured = association != 0 && aead < wire::dtls::kAeadCount;
  json["association"] = association;
  json["cipher"] = secured ? Document(wire::dtls::kAeadNames[aead]) : Document(nullptr);
  json["epoch"] = secured ? Document(1) : Document(nullptr);
  json["association_age_seconds"] =
      secured ? tsc_age(status.installed_tsc.get(), tsc_hz) : Document(nullptr);
}

/// What the control plane says of the handshakes of this link; nulls when it was not to be asked.
void add_handshakes(const nlohmann::json& known, const LinkRecord& link, Document& json) {
  json["role"] = nullptr;
  json["handshake"] = nullptr;
  if (!known.is_object()) return;
  for (const nlohmann::json& row : known.value("links", nlohmann::json::array())) {
    if (row.value("slot", -1) != link.slot || !row.contains("handshaking")) continue;
    json["role"] = row.at("role");
    if (link.protocol == LinkProtocol::kVirtual) {
      // All of a stream but its messages is the control plane's.
      json["association"] = row.at("association");
      json["cipher"] = row.at("session");
      json["association_age_seconds"] = row.at("age_seconds");
      json["srtt_us"] = row.at("srtt_us");
      json["rto_us"] = row.at("rto_us");
      json["state"] = row.at("session").is_null()          ? "down"
                      : row.at("acks_missing").get<bool>() ? "failed"
                                                           : "up";
    }
    json["handshake"] = {{"going_on", row.at("handshaking")},
                         {"failures", row.at("failures")},
                         {"next_attempt_seconds", row.at("next_attempt_seconds")},
                         {"last_failure", row.at("last_failure")}};
  }
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
  json["protocol"] = protocol_name(link.protocol);
  json["state"] = state_name(status.state.load());
  json["barred"] = link.barred != 0;
  json["local"] = config::to_string(link.local);
  json["remote"] = config::to_string(link.remote);
  json["port"] = link.port;
  json["mtu"] = link.mtu;
  json["lcore"] = status.owner;
  for (const Field& field : kFields) json[field.name] = (status.*field.member).get();
  json["last_ack_age_seconds"] = tsc_age(status.last_ack_tsc.get(), tsc_hz);
  if (link.protocol == LinkProtocol::kDtls) add_keys(status, tsc_hz, json);
  if (link.protocol == LinkProtocol::kVirtual) {
    json["state"] = "unknown";
    json["association"] = json["cipher"] = json["association_age_seconds"] = nullptr;
  }
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

std::string name_of(const Document& link) {
  return link[link["name"].is_null() ? "peer" : "name"].get<std::string>();
}

std::string text_or_dash(const Document& value) {
  return value.is_string() ? value.get<std::string>() : "-";
}

/// Why a link has no keys, or what went wrong last.
std::string last_handshake(const Document& handshake) {
  if (!handshake.is_object()) return "the control plane was not to be asked";
  std::string text = handshake["going_on"].get<bool>() ? "going on" : "";
  const Document& failure = handshake["last_failure"];
  if (failure.is_object()) {
    if (!text.empty()) text += "; ";
    text += failure["sentence"].get<std::string>();
    if (failure.contains("refusal")) text += ": " + failure["refusal"].get<std::string>();
    if (handshake["next_attempt_seconds"].is_number()) {
      text += "; again in " + duration(handshake["next_attempt_seconds"].get<double>());
    }
  }
  return text;
}

/// The keys of secure links, one row each.
void print_security(const Document& links) {
  using Align = TextTable::Align;
  TextTable table({{"slot", Align::kRight},
                   {"peer", {}},
                   {"protocol", {}},
                   {"cipher", {}},
                   {"association", Align::kRight},
                   {"epoch", Align::kRight},
                   {"role", {}},
                   {"age", Align::kRight},
                   {"records in", Align::kRight},
                   {"out", Align::kRight},
                   {"forged", Align::kRight},
                   {"replayed", Align::kRight},
                   {"rekeys", Align::kRight},
                   {"handshake", {}}});
  for (const Document& link : links) {
    if (link["protocol"] == "lab") {
      table.add({link["slot"].dump(), name_of(link), "lab", "NOT ENCRYPTED", "-", "-", "-", "-",
                 "-", "-", "-", "-", "-", ""});
      continue;
    }
    const Document& age = link["association_age_seconds"];
    const std::string age_text = age.is_null() ? "-" : duration(age.get<double>());
    if (link["protocol"] == "tls") {
      table.add({link["slot"].dump(), name_of(link), "tls",
                 link["cipher"].is_null() ? "no connection" : text_or_dash(link["cipher"]), "-",
                 "-", text_or_dash(link["role"]), age_text, "-", "-", "-", "-", "-",
                 last_handshake(link["handshake"])});
      continue;
    }
    table.add({link["slot"].dump(), name_of(link), "dtls",
               link["cipher"].is_null() ? "no keys" : text_or_dash(link["cipher"]),
               link["association"].dump(), link["epoch"].is_null() ? "-" : link["epoch"].dump(),
               text_or_dash(link["role"]), age_text, number(link, "records_in"),
               number(link, "records_out"), number(link, "bad_records"), number(link, "replays"),
               number(link, "rekeys"), last_handshake(link["handshake"])});
  }
  if (!table.empty()) {
    std::printf("\n");
    table.print();
  }
}

}  // namespace

void show_links(const Context& context, const ShowOptions& options) {
  const NodeView view(context);
  const wire::shm::DataplaneSection& dataplane = view.region().dataplane;
  const nlohmann::json known =
      view.controlplane_runs() ? ask_if_running(context, "/v1/links") : nlohmann::json();
  Document links = Document::array();
  for (const LinkStatus& status : dataplane.links) {
    const bool absent = status.state.load() == static_cast<std::uint8_t>(LinkState::kAbsent);
    LinkRecord link;
    if (!wire::shm::read_identity(status, link) || link.slot == wire::shm::kNoLink) continue;
    if (absent && !options.all) continue;
    links.push_back(link_json(context, link, status, dataplane.status.tsc_hz.load()));
    if (link.protocol != LinkProtocol::kLab) add_handshakes(known, link, links.back());
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
    std::string state = link["state"].get<std::string>();
    if (link["barred"].get<bool>()) state += ", barred";
    table.add({link["slot"].dump(), name_of(link), link["class"].get<std::string>(), state,
               link["lcore"].dump(), link["remote"].get<std::string>(), number(link, "messages_in"),
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
    print_security(links);
  }
  if (const std::string warning = view.warning(); !warning.empty()) {
    std::printf("%s\n", warning.c_str());
  }
}

}  // namespace controlplane::ctl
