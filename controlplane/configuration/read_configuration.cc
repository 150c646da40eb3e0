// SPDX-License-Identifier: Apache-2.0
#include "controlplane/configuration/read_configuration.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "config/node_config.h"
#include "controlplane/configuration/base64.h"
#include "controlplane/configuration/date_time.h"
#include "controlplane/configuration/read_kind.h"
#include "controlplane/trust/certificate.h"

namespace controlplane::configuration {
namespace {

using wire::reload::NodeId;

// The grammar's xsd:int.
constexpr std::uint32_t kMost = std::numeric_limits<std::int32_t>::max();
constexpr std::size_t kMinNodeIdLength = 16;
constexpr std::size_t kMaxNodeIdLength = 20;

struct Reading {
  OverlayConfiguration& out;
  std::string_view text;
  Values& values;
  bool link_protocols_given = false;
};

using ReadElement = void (*)(const XmlElement&, Reading&);

bool is_https_url(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  if (url.size() <= kScheme.size()) return false;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  const auto authority = url.substr(kScheme.size());
  return std::ranges::equal(url.substr(0, kScheme.size()), kScheme, {}, lower) &&
         authority.front() != '/' && std::ranges::all_of(url, [](char c) {
           return c > ' ' && c < '\x7f' && c != '"' && c != '<' && c != '>';
         });
}

/// A Node-ID in hexadecimal. The RFC's own example has some of 8 bytes: such a name is nobody's.
void read_node_id(const XmlElement& element, Reading& reading, std::vector<NodeId>& out) {
  const std::string_view text = element.trimmed();
  const bool hex = !text.empty() && text.size() % 2 == 0 &&
                   text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  const auto id = config::parse_node_id(text);
  if (!hex || (id && (id->is_invalid() || id->is_wildcard()))) {
    reading.values.refuse(Refusal::kValue, element,
                          Values::quoted(text) + " is no Node-ID in hexadecimal");
  } else if (!id) {
    reading.values.warn(element, Values::quoted(text) + " has not the length of a Node-ID, " +
                                     std::to_string(2 * wire::reload::kNodeIdBytes) +
                                     " digits; it names nobody and was ignored");
  } else {
    out.push_back(*id);
  }
}

void read_root_cert(const XmlElement& element, Reading& reading) {
  const auto der = decode_base64(element.text);
  if (!der || der->empty()) {
    reading.values.refuse(Refusal::kValue, element, "is not base64");
    return;
  }
  std::string why;
  if (!trust::Certificate::from_der(*der, why)) {
    reading.values.warn(element, "is no X.509 certificate (" + why + ") and was ignored");
    return;
  }
  reading.out.root_certs.push_back(*der);
}

void read_enrollment_server(const XmlElement& element, Reading& reading) {
  std::string url = reading.values.token(element);
  if (!is_https_url(url)) {
    reading.values.refuse(Refusal::kValue, element, Values::quoted(url) + " is no https URL");
  }
  reading.out.enrollment_servers.push_back(std::move(url));
}

void read_self_signed(const XmlElement& element, Reading& reading) {
  OverlayConfiguration& out = reading.out;
  out.self_signed_permitted = reading.values.boolean(element);
  const std::string* attribute = element.attribute("digest");
  const std::string_view digest = attribute == nullptr ? "" : trim(*attribute);
  if (digest == digest_name(Digest::kSha1)) {
    out.self_signed_digest = Digest::kSha1;
  } else if (digest == digest_name(Digest::kSha256)) {
    out.self_signed_digest = Digest::kSha256;
  } else {
    reading.values.refuse(Refusal::kValue, element,
                          "digest " + Values::quoted(digest) + " is none of sha1 and sha256");
  }
}

void read_bootstrap_node(const XmlElement& element, Reading& reading) {
  const std::string* attribute = element.attribute("address");
  const std::string_view address = attribute == nullptr ? "" : trim(*attribute);
  // Brackets and a port are for endpoints in our own files.
  const bool bare = address.find_first_of("[]") == std::string_view::npos &&
                    std::ranges::count(address, ':') != 1;
  auto endpoint = bare ? config::parse_endpoint(address) : std::nullopt;
  if (!endpoint) {
    reading.values.refuse(
        Refusal::kValue, element,
        "address " + Values::quoted(address) + " is neither an IPv4 nor an IPv6 address");
    return;
  }
  endpoint->port = kDefaultPort;
  if (const std::string* port = element.attribute("port")) {
    endpoint->port = static_cast<std::uint16_t>(reading.values.number(element, *port, 1, 65535));
  }
  reading.out.bootstrap_nodes.push_back(*endpoint);
}

void read_link_protocol(const XmlElement& element, Reading& reading) {
  // J-33: once one is named there is no default.
  if (!std::exchange(reading.link_protocols_given, true)) {
    reading.out.overlay_link_protocols.clear();
  }
  reading.out.overlay_link_protocols.push_back(reading.values.token(element));
}

const std::map<std::string_view, ReadElement> kBaseElements = {
    {"topology-plugin",
     [](const XmlElement& at, Reading& in) { in.out.topology_plugin = in.values.token(at); }},
    {"node-id-length",
     [](const XmlElement& at, Reading& in) {
       in.out.node_id_length =
           static_cast<std::uint8_t>(in.values.number(at, kMinNodeIdLength, kMaxNodeIdLength));
     }},
    {"root-cert", read_root_cert},
    {"enrollment-server", read_enrollment_server},
    {"self-signed-permitted", read_self_signed},
    {"bootstrap-node", read_bootstrap_node},
    {"turn-density", [](const XmlElement& at,
                        Reading& in) { in.out.turn_density = in.values.number(at, 0, kMost); }},
    {"clients-permitted",
     [](const XmlElement& at, Reading& in) { in.out.clients_permitted = in.values.boolean(at); }},
    {"no-ice", [](const XmlElement& at, Reading& in) { in.out.no_ice = in.values.boolean(at); }},
    {"shared-secret",
     [](const XmlElement& at, Reading& in) { in.out.shared_secret = in.values.token(at); }},
    {"max-message-size",
     [](const XmlElement& at, Reading& in) {
       in.out.max_message_size = in.values.number(at, 1, std::numeric_limits<std::uint32_t>::max());
     }},
    {"initial-ttl",
     [](const XmlElement& at, Reading& in) {
       in.out.initial_ttl = static_cast<std::uint8_t>(in.values.number(at, 1, 255));
     }},
    {"overlay-reliability-timer",
     [](const XmlElement& at, Reading& in) {
       in.out.overlay_reliability_timer_ms = in.values.number(at, kMinReliabilityTimerMs, kMost);
     }},
    {"overlay-link-protocol", read_link_protocol},
    {"kind-signer",
     [](const XmlElement& at, Reading& in) { read_node_id(at, in, in.out.kind_signers); }},
    {"configuration-signer",
     [](const XmlElement& at, Reading& in) { read_node_id(at, in, in.out.configuration_signers); }},
    {"bad-node", [](const XmlElement& at, Reading& in) { read_node_id(at, in, in.out.bad_nodes); }},
    {"mandatory-extension",
     [](const XmlElement& at, Reading& in) {
       in.out.mandatory_extensions.push_back(in.values.token(at));
     }},
    {"required-kinds",
     [](const XmlElement& at, Reading& in) {
       in.out.required_kinds = read_required_kinds(at, in.text, in.values);
     }},
};

const std::map<std::string_view, ReadElement> kChordElements = {
    {"chord-update-interval",
     [](const XmlElement& at, Reading& in) {
       in.out.chord_update_interval_s = in.values.number(at, 1, kMost);
     }},
    {"chord-ping-interval",
     [](const XmlElement& at, Reading& in) {
       in.out.chord_ping_interval_s = in.values.number(at, 1, kMost);
     }},
    {"chord-reactive",
     [](const XmlElement& at, Reading& in) { in.out.chord_reactive = in.values.boolean(at); }},
};

void read_attributes(const XmlElement& element, Reading& reading) {
  OverlayConfiguration& out = reading.out;
  if (const std::string* name = element.attribute("instance-name")) {
    out.instance_name = trim(*name);
  }
  if (!config::is_dns_name(out.instance_name)) {
    reading.values.refuse(Refusal::kValue, element,
                          "instance-name " + Values::quoted(out.instance_name) + " is no DNS name");
  }
  if (const std::string* sequence = element.attribute("sequence")) {
    out.sequence =
        static_cast<std::uint16_t>(reading.values.number(element, *sequence, 0, kMaxSequence));
  }
  if (const std::string* expiration = element.attribute("expiration")) {
    out.expiration_unix_s = parse_date_time(trim(*expiration));
    if (!out.expiration_unix_s) {
      reading.values.refuse(Refusal::kValue, element,
                            "expiration " + Values::quoted(*expiration) +
                                " is no time of RFC 3339 in UTC, such as 2030-01-31T12:00:00Z");
    }
  }
}

void read_child(const XmlElement& child, Reading& reading) {
  if (child.ns != kBaseNamespace && child.ns != kChordNamespace) {
    reading.out.foreign.push_back(
        {child.ns, child.name, std::string(child.trimmed()),
         std::string(reading.text.substr(child.begin, child.end - child.begin))});
    return;
  }
  const auto& known = child.ns == kBaseNamespace ? kBaseElements : kChordElements;
  const auto found = known.find(child.name);
  if (found == known.end()) {
    reading.values.warn(child, "is unknown and was ignored");
  } else {
    found->second(child, reading);
  }
}

}  // namespace

OverlayConfiguration read_configuration(const XmlElement& element, std::string_view text,
                                        Values& values) {
  OverlayConfiguration out;
  Reading reading{out, text, values};
  read_attributes(element, reading);
  for (const XmlElement& child : element.children) {
    if (!values.ok()) return out;
    read_child(child, reading);
  }
  // CHORD-RELOAD has Resource-IDs of 128 bits, and this node no other Node-IDs.
  if (out.node_id_length != wire::reload::kNodeIdBytes && out.topology_plugin == kChordReload) {
    values.refuse(
        Refusal::kNodeIdLength, element,
        "node-id-length is " + std::to_string(out.node_id_length) + ", and CHORD-RELOAD has 16");
  }
  return out;
}

}  // namespace controlplane::configuration
