// SPDX-License-Identifier: Apache-2.0

#include "controlplane/admin/secure_links.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "controlplane/admin/respond.h"

namespace controlplane::admin {

using links::LinkSecurity;
using wire::shm::LinkProtocol;
using wire::shm::LinkRecord;

namespace {

Json alert_json(int alert) { return alert == links::kNoAlert ? Json(nullptr) : Json(alert); }

Json failure_json(const links::FailureReport& failure) {
  if (failure.failure == links::Failure::kNone) return nullptr;
  Json json{{"failure", links::failure_name(failure.failure)},
            {"sentence", links::failure_sentence(failure.failure)},
            {"alert_sent", alert_json(failure.alert_sent)},
            {"alert_received", alert_json(failure.alert_received)},
            {"detail", failure.detail}};
  if (failure.refusal != trust::Refusal::kNone) {
    json["refusal"] = trust::refusal_name(failure.refusal);
  }
  return json;
}

double seconds(std::uint64_t ns) {
  return static_cast<double>(ns) / static_cast<double>(links::kSecond);
}

Json seconds_until(std::uint64_t then_ns, const overlay::Now& now) {
  if (then_ns == overlay::kNever) return nullptr;
  return seconds(std::max(then_ns, now.ns) - now.ns);
}

void add_security(const LinkSecurity& security, const overlay::Now& now, Json& row) {
  const bool secured = security.association != 0;
  // Of keys an earlier run of this process made, it knows the number alone.
  const bool known = secured && !security.adopted;
  row["association"] = security.association;
  row["cipher"] =
      known ? Json(wire::dtls::kAeadNames[static_cast<std::size_t>(security.aead)]) : Json(nullptr);
  row["role"] = known ? Json(links::role_name(security.role)) : Json(nullptr);
  row["age_seconds"] = secured && now.ns >= security.since_ns
                           ? Json(seconds(now.ns - security.since_ns))
                           : Json(nullptr);
  row["adopted"] = security.adopted;
  row["handshaking"] = security.handshaking;
  row["failures"] = security.failures;
  row["next_attempt_seconds"] = seconds_until(security.next_attempt_ns, now);
  row["last_failure"] = failure_json(security.last_failure);
}

void add_stream(const events::StreamStatus& stream, const overlay::Now& now, Json& row) {
  const bool up = !stream.session.empty();
  row["association"] = stream.connection;
  row["session"] = up ? Json(stream.session) : Json(nullptr);
  row["role"] = up ? Json(links::role_name(stream.role)) : Json(nullptr);
  row["age_seconds"] =
      up && now.ns >= stream.since_ns ? Json(seconds(now.ns - stream.since_ns)) : Json(nullptr);
  row["acks_missing"] = stream.failed;
  row["srtt_us"] = stream.srtt_ns / 1000;
  row["rto_us"] = stream.rto_ns / 1000;
  row["handshaking"] = stream.calling;
  row["failures"] = stream.failures;
  row["next_attempt_seconds"] = seconds_until(stream.next_call_ns, now);
  row["last_failure"] = failure_json(stream.last_failure);
}

/// What is known of all links whose keys the control plane makes.
struct Known {
  std::vector<LinkSecurity> secure;
  std::vector<events::StreamStatus> streams;

  explicit Known(const ControlPlane& plane) : secure(plane.secure_links().status()) {
    if (plane.stream_links() != nullptr) streams = plane.stream_links()->status();
  }
};

/// Asks for new keys on a link: the number of those it has, 0 for none. Nothing with @p why when it
/// takes none.
std::optional<std::uint64_t> ask_for_keys_of(ControlPlane& plane, const Known& known,
                                             const LinkRecord& link, std::string& why) {
  const auto found = std::ranges::find(known.secure, link.slot, &LinkSecurity::slot);
  if (found != known.secure.end()) {
    wire::shm::Event wish;
    wish.kind = wire::shm::EventKind::kAssociationWanted;
    wish.link_slot = link.slot;
    wish.generation = link.generation;
    wish.count = found->association;
    plane.submit(wish);
    return found->association;
  }
  const auto stream = std::ranges::find(known.streams, link.slot, &events::StreamStatus::slot);
  if (stream == known.streams.end()) {
    why = std::string("takes no keys: its protocol is \"") +
          wire::shm::kLinkProtocolNames[static_cast<std::size_t>(link.protocol)] + '"';
    return std::nullopt;
  }
  if (stream->connection != 0) {
    why = "has a TLS connection, and keeps its keys as long as that lasts";
    return std::nullopt;
  }
  plane.stream_links()->call_now(link.slot);
  return 0;
}

}  // namespace

HttpResponse describe_links(const ControlPlane& plane, const overlay::Now& now) {
  const Known known(plane);
  Json list = Json::array();
  for (std::size_t index = 0; index < plane.links().size(); ++index) {
    const LinkRecord& link = plane.links()[index];
    Json row{{"slot", link.slot},
             {"generation", link.generation},
             {"name", plane.link_name(index)},
             {"peer", config::to_string(link.peer)},
             {"protocol", wire::shm::kLinkProtocolNames[static_cast<std::size_t>(link.protocol)]}};
    const auto found = std::ranges::find(known.secure, link.slot, &LinkSecurity::slot);
    if (found != known.secure.end()) add_security(*found, now, row);
    const auto stream = std::ranges::find(known.streams, link.slot, &events::StreamStatus::slot);
    if (stream != known.streams.end()) add_stream(*stream, now, row);
    list.push_back(std::move(row));
  }
  return respond({{"links", list}});
}

HttpResponse ask_for_keys(ControlPlane& plane, const std::string& body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) return refuse(400, "the body is no JSON object");
  const auto peer = json.find("peer");
  if (peer != json.end() && !peer->is_string()) {
    return refuse(400, "peer: accepted are a peer's name and its Node-ID (32 hex digits)");
  }
  const Known known(plane);
  Json asked = Json::array();
  for (std::size_t index = 0; index < plane.links().size(); ++index) {
    const LinkRecord& link = plane.links()[index];
    const std::string name = plane.link_name(index);
    if (peer != json.end() && *peer != name && *peer != config::to_string(link.peer)) continue;
    std::string why;
    if (const auto association = ask_for_keys_of(plane, known, link, why)) {
      asked.push_back({{"slot", link.slot}, {"name", name}, {"association", *association}});
    } else if (peer != json.end()) {
      return refuse(409, "the link to " + name + ' ' + why);
    }
  }
  if (asked.empty()) {
    return refuse(404, peer == json.end()
                           ? "this node has no link that takes new keys"
                           : "no peer has this name or Node-ID: " + peer->get<std::string>());
  }
  return respond({{"asked", asked}});
}

}  // namespace controlplane::admin
