// SPDX-License-Identifier: Apache-2.0

#include "controlplane/admin/api.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "controlplane/admin/configuration.h"
#include "controlplane/admin/metrics.h"
#include "controlplane/admin/overlay.h"
#include "controlplane/admin/ping_request.h"
#include "controlplane/admin/request_body.h"
#include "controlplane/admin/respond.h"
#include "controlplane/admin/secure_links.h"
#include "controlplane/events/stream_counters.h"
#include "controlplane/links/handshake_counters.h"

namespace controlplane::admin {

using wire::shm::Command;
using wire::shm::CommandKind;

namespace {

std::string to_hex(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<unsigned>(byte) >> 4U];
    text += kDigits[std::to_integer<unsigned>(byte) & 15U];
  }
  return text;
}

std::string hex64(std::uint64_t value) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(value));
  return text.data();
}

const char* name_of(wire::shm::SignatureAlgorithm algorithm) noexcept {
  switch (algorithm) {
    case wire::shm::SignatureAlgorithm::kRsaPkcs1Sha256:
      return "rsa_pkcs1_sha256";
    case wire::shm::SignatureAlgorithm::kEcdsaP256Sha256:
      return "ecdsa_p256_sha256";
    case wire::shm::SignatureAlgorithm::kEd25519:
      break;
  }
  return "ed25519";
}

/// A 32-bit number under @p key, or the default when absent; nullopt when it is something else.
std::optional<std::uint32_t> number(const nlohmann::json& body, const char* key,
                                    std::uint32_t fallback) {
  const auto found = body.find(key);
  if (found == body.end()) return fallback;
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() > 0xffffffffU) {
    return std::nullopt;
  }
  return found->get<std::uint32_t>();
}

}  // namespace

Api::Api(ControlPlane& plane, std::uint64_t started_unix_ms)
    : plane_(plane), started_unix_ms_(started_unix_ms), key_log_(plane) {
  plane_.on_result([this](const overlay::RequestResult& result) { take(result); });
}

std::optional<HttpResponse> Api::serve(
    const HttpRequest& request, const std::function<std::shared_ptr<LineStream>()>& open_stream) {
  const bool get = request.method == "GET";
  const bool post = request.method == "POST";
  const std::string& at = request.target;
  if (get && at == "/v1/status") return status();
  if (get && at == "/v1/links") return describe_links(plane_, now_);
  if (get && at == "/v1/evidence") return evidence();
  if (get && at == "/v1/signers") return signers();
  if (get && at == "/v1/transactions") return transactions();
  if (get && at == "/v1/overlay") return describe_overlay(plane_, now_);
  if (get && at == "/v1/configuration") return describe_configuration(plane_);
  if (post && at == "/v1/configuration") return adopt_configuration(plane_, now_, request.body);
  if (post && at == "/v1/membership") return change_membership(plane_, request.body);
  if (get && at == "/metrics") {
    return HttpResponse{200, "application/openmetrics-text; version=1.0.0; charset=utf-8",
                        open_metrics(plane_)};
  }
  if (post && at == "/v1/ping") return ping(request.body, open_stream);
  if (post && at == "/v1/query") return query(request.body, open_stream);
  if (post && at == "/v1/rekey") {
    if (auto refusal = needs_dataplane()) return refusal;
    return ask_for_keys(plane_, request.body);
  }
  if (post && at == "/v1/keylog") {
    if (key_log_.is_full()) return refuse(429, "as many key logs as allowed are being taken");
    key_log_.add(open_stream());
    return std::nullopt;
  }
  if (post && at == "/v1/trace") return set_trace(request.body);
  if (post && at == "/v1/capture") return start_capture(request.body);
  if (request.method == "DELETE" && at == "/v1/capture") return stop_capture();
  return refuse(
      404,
      request.method + " " + at +
          ": there are GET /v1/status, /v1/links, /v1/evidence, /v1/signers, "
          "/v1/transactions, /v1/overlay, /v1/configuration, /metrics; POST /v1/ping, /v1/query, "
          "/v1/rekey, /v1/keylog, /v1/trace, /v1/capture, /v1/membership, /v1/configuration; "
          "DELETE /v1/capture");
}

HttpResponse Api::status() const {
  const auto& node = plane_.node();
  const auto& region = *plane_.region();
  const auto& dataplane = region.dataplane.status;
  Json counters = Json::object();
  for (const auto& counter : overlay::kNodeCounters) {
    counters[counter.name] = node.counters().*counter.member;
  }
  Json handshakes{{"half_open", plane_.secure_links().half_open()}};
  for (const auto& counter : links::kHandshakeCounters) {
    handshakes[counter.name] = plane_.secure_links().counters().*counter.member;
  }
  Json streams = nullptr;
  if (const events::StreamLinks* const its = plane_.stream_links()) {
    streams = {{"connections", its->connections()}};
    for (const auto& counter : events::kStreamCounters) {
      streams[counter.name] = its->counters().*counter.member;
    }
    for (const auto& counter : events::kTlsSocketCounters) {
      streams["sockets_" + std::string(counter.name)] = its->socket_counters().*counter.member;
    }
  }
  Json names = Json::array();
  for (const auto& name : node.names()) {
    names.push_back({{"name", name.name}, {"node_id", config::to_string(name.node_id)}});
  }
  return respond({{"name", plane_.config().name},
                  {"node_id", config::to_string(node.settings().self)},
                  {"overlay", plane_.config().overlay.name},
                  {"configuration_sequence", node.settings().configuration_sequence},
                  {"role", plane_.config().is_peer ? "peer" : "client"},
                  {"lab_links", plane_.config().overlay.policy.lab_links != 0},
                  {"pid", ::getpid()},
                  {"started_unix_ms", started_unix_ms_},
                  {"identities", names},
                  {"dataplane",
                   {{"alive", plane_.dataplane_alive()},
                    {"pid", region.header.dataplane.pid.load()},
                    {"incarnation", region.header.dataplane.incarnation.load()},
                    {"workers", dataplane.worker_count.load()},
                    {"links", dataplane.links.load()},
                    {"signers", dataplane.signers.load()},
                    {"resyncs", dataplane.resyncs.load()},
                    {"command_errors", dataplane.command_errors.load()},
                    {"capturing", dataplane.capturing.load() != 0},
                    {"capture_packets", dataplane.capture_packets.load()}}},
                  {"links", plane_.links().size()},
                  {"signers", node.signers().size()},
                  {"transactions", node.transactions().size()},
                  {"resyncs", plane_.resyncs()},
                  {"inject_backlog", plane_.injector().backlog()},
                  {"inject_dropped", plane_.injector().dropped()},
                  {"counters", counters},
                  {"handshakes", handshakes},
                  {"streams", streams}});
}

HttpResponse Api::evidence() const {
  Json list = Json::array();
  for (const auto& [key, evidence] : plane_.node().evidence().entries()) {
    Json entry{{"link", key.slot}, {"generation", key.generation}};
    const auto& links = plane_.links();
    for (std::size_t index = 0; index < links.size(); ++index) {
      if (links[index].slot != key.slot || links[index].generation != key.generation) continue;
      entry["name"] = plane_.link_name(index);
      entry["peer"] = config::to_string(links[index].peer);
      entry["class"] =
          wire::shm::kLinkClassNames[static_cast<std::size_t>(links[index].link_class)];
    }
    const auto reason = static_cast<std::size_t>(key.reason);
    entry["reason"] =
        reason < wire::shm::kDropReasonCount ? wire::shm::kDropReasons[reason].name : "unknown";
    entry["accuses"] = trust::accuses_neighbour(key.reason);
    entry["count"] = evidence.count;
    entry["first_unix_ms"] = evidence.first_unix_ms;
    entry["last_unix_ms"] = evidence.last_unix_ms;
    entry["transaction_id"] = hex64(evidence.transaction_id);
    entry["sample"] = to_hex(evidence.sample);
    list.push_back(std::move(entry));
  }
  return respond({{"evidence", list}});
}

HttpResponse Api::signers() const {
  Json list = Json::array();
  plane_.node().signers().for_each([&](const trust::Signer& signer) {
    const bool refused = signer.record.refused != 0;
    Json entry{{"key", to_hex(signer.record.key.hash)},
               {"state", refused ? "refused" : "accepted"},
               {"configured", signer.configured}};
    if (refused) {
      entry["why"] = signer.why;
    } else {
      entry["node_id"] = config::to_string(signer.record.node_id);
      entry["algorithm"] = name_of(signer.record.algorithm);
      entry["expires_unix_s"] = signer.record.expires_unix_s;
    }
    list.push_back(std::move(entry));
  });
  return respond({{"signers", list}});
}

HttpResponse Api::transactions() const {
  const auto& transactions = plane_.node().transactions();
  Json pings = Json::array();
  for (const PingRun& run : pings_) {
    pings.push_back({{"count", run.end_ticket() - run.first_ticket()},
                     {"sent", run.sent()},
                     {"open", run.open()}});
  }
  return respond({{"open", transactions.size()},
                  {"limit", transactions.limits().open},
                  {"timer_ms", transactions.limits().timer_ns / overlay::kMillisecond},
                  {"sends", overlay::kMaxSends},
                  {"pings", pings}});
}

std::optional<HttpResponse> Api::needs_dataplane() const {
  if (plane_.dataplane_alive()) return std::nullopt;
  return refuse(
      503, "no dataplane is running; start hopseal-dataplane --config " + plane_.config().file);
}

HttpResponse Api::set_trace(const std::string& body) {
  if (auto refusal = needs_dataplane()) return *refusal;
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) return refuse(400, "the body is no JSON object");
  Command command;
  command.kind = CommandKind::kSetTrace;
  command.trace = wire::shm::TraceSetting{};
  const auto sample = number(json, "sample_one_in", 1);
  if (!sample) return refuse(400, "sample_one_in: accepted are 0 (off) to 4294967295");
  command.trace.sample_one_in = *sample;
  if (const auto found = json.find("destination"); found != json.end() && !found->is_null()) {
    std::string why;
    wire::reload::Destination destination;
    const auto entry = found->is_string()
                           ? encode_destination(found->get<std::string>(), plane_.config(), why)
                           : wire::reload::Bytes{};
    if (!wire::reload::read_destination(entry, destination).ok() ||
        destination.type != wire::reload::DestinationType::kNode) {
      return refuse(400, "destination: accepted are a Node-ID (32 hex digits) and a peer's name");
    }
    command.trace.destination = destination.node_id();
  }
  plane_.send(command);
  return respond({{"sample_one_in", *sample}});
}

HttpResponse Api::start_capture(const std::string& body) {
  if (auto refusal = needs_dataplane()) return *refusal;
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) return refuse(400, "the body is no JSON object");
  Command command;
  command.kind = CommandKind::kStartCapture;
  command.capture = wire::shm::CaptureSetting{};
  const auto path = json.find("path");
  if (path == json.end() || !path->is_string() || path->get<std::string>().empty() ||
      path->get<std::string>().front() != '/' ||
      path->get<std::string>().size() >= command.capture.path.size()) {
    return refuse(400, "path: an absolute path of at most 255 bytes for the pcapng file");
  }
  const auto sample = number(json, "sample_one_in", 1);
  const auto snap = number(json, "snap_bytes", command.capture.snap_bytes);
  const auto most = number(json, "max_packets", 0);
  if (!sample || *sample == 0) return refuse(400, "sample_one_in: accepted are 1 to 4294967295");
  if (!snap || *snap == 0) return refuse(400, "snap_bytes: accepted are 1 to 4294967295");
  if (!most) return refuse(400, "max_packets: accepted are 0 (no limit) to 4294967295");
  const auto text = path->get<std::string>();
  std::copy(text.begin(), text.end(), command.capture.path.begin());
  command.capture.sample_one_in = *sample;
  command.capture.snap_bytes = *snap;
  command.capture.max_packets = *most;
  plane_.send(command);
  return respond({{"path", text}});
}

HttpResponse Api::stop_capture() {
  if (auto refusal = needs_dataplane()) return *refusal;
  Command command;
  command.kind = CommandKind::kStopCapture;
  plane_.send(command);
  return respond({{"capture_packets", plane_.region()->dataplane.status.capture_packets.load()}});
}

std::optional<HttpResponse> Api::ping(
    const std::string& body, const std::function<std::shared_ptr<LineStream>()>& open_stream) {
  if (auto refusal = needs_dataplane()) return refusal;
  if (pings_.size() >= kMaxPings) {
    return refuse(429, std::to_string(kMaxPings) + " pings are running, which is the limit");
  }
  std::string why;
  auto options = parse_ping(body, plane_.config(), plane_.node().names(), why);
  if (!options) return refuse(400, why);
  const std::uint64_t first = next_ticket_;
  next_ticket_ += options->count;
  pings_.emplace_back(std::move(*options), first, open_stream());
  return std::nullopt;
}

std::optional<HttpResponse> Api::query(
    const std::string& body, const std::function<std::shared_ptr<LineStream>()>& open_stream) {
  if (auto refusal = needs_dataplane()) return refusal;
  if (queries_.size() >= kMaxQueries) {
    return refuse(429, std::to_string(kMaxQueries) + " queries are open, which is the limit");
  }
  std::string why;
  auto query = parse_query(body, plane_.config(), why);
  if (!query) return refuse(400, why);
  query->request.ticket = next_ticket_++;
  queries_.push_back({query->request.ticket, query->method, open_stream()});
  plane_.submit(std::move(query->request));
  return std::nullopt;
}

void Api::turn(const overlay::Now& now) {
  now_ = now;
  key_log_.turn(now);
  const Submit submit = [this](overlay::Request request) { plane_.submit(std::move(request)); };
  for (auto run = pings_.begin(); run != pings_.end();) {
    if (run->turn(now, submit)) {
      ++run;
      continue;
    }
    if (run->open() != 0) plane_.submit(overlay::Cancel{run->first_ticket(), run->end_ticket()});
    run = pings_.erase(run);
  }
  queries_.remove_if([this](const OpenQuery& query) {
    if (query.stream->is_open()) return false;
    plane_.submit(overlay::Cancel{query.ticket, query.ticket + 1});
    return true;
  });
}

std::uint64_t Api::next_due_ns() const noexcept {
  std::uint64_t next = overlay::kNever;
  for (const PingRun& run : pings_) next = std::min(next, run.next_due_ns());
  return next;
}

void Api::take(const overlay::RequestResult& result) {
  for (PingRun& run : pings_) {
    if (result.ticket >= run.first_ticket() && result.ticket < run.end_ticket()) {
      run.take(result);
      return;
    }
  }
  queries_.remove_if([&result](const OpenQuery& query) {
    if (query.ticket != result.ticket) return false;
    query.stream->write(describe_answer(query.method, result));
    query.stream->finish();
    return true;
  });
}

}  // namespace controlplane::admin
