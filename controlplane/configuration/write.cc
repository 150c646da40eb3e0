// SPDX-License-Identifier: Apache-2.0
#include "controlplane/configuration/write.h"

#include <algorithm>

#include "config/node_config.h"
#include "controlplane/configuration/base64.h"
#include "controlplane/configuration/date_time.h"
#include "controlplane/configuration/parse.h"
#include "controlplane/configuration/xml_tree.h"

namespace controlplane::configuration {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

const char* boolean(bool value) { return value ? "true" : "false"; }

/// Lines of elements at one depth.
class Lines {
 public:
  explicit Lines(std::string indent) : indent_(std::move(indent)) {}

  void add(std::string_view element, std::string_view value) {
    raw("<" + std::string(element) + ">" + escaped(value) + "</" + std::string(element) + ">");
  }
  void add(std::string_view element, std::uint64_t value) { add(element, std::to_string(value)); }
  void raw(std::string_view line) { text_ += indent_ + std::string(line) + "\n"; }
  template <class List>
  void add_each(std::string_view element, const List& values) {
    for (const auto& value : values) add(element, value);
  }
  void add_each(std::string_view element, const std::vector<wire::reload::NodeId>& ids) {
    for (const auto& id : ids) add(element, config::to_string(id));
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string indent_;
  std::string text_;
};

/// config::to_string puts IPv6 into brackets only beside a port.
std::string bare_address(wire::shm::Endpoint endpoint) {
  endpoint.port = 0;
  std::string text = config::to_string(endpoint);
  std::erase_if(text, [](char c) { return c == '[' || c == ']'; });
  return text;
}

void add_kinds(const std::vector<KindBlock>& kinds, Lines& lines) {
  if (kinds.empty()) return;
  lines.raw("<required-kinds>");
  for (const KindBlock& block : kinds) {
    lines.raw("<kind-block>");
    lines.raw(block.signed_bytes.empty() ? write_kind(block.kind) : block.signed_bytes);
    lines.raw("<kind-signature>\n" + encode_base64(block.signature) + "</kind-signature>");
    lines.raw("</kind-block>");
  }
  lines.raw("</required-kinds>");
}

std::string body(const OverlayConfiguration& from) {
  const OverlayConfiguration usual;
  Lines lines("    ");
  lines.add("topology-plugin", from.topology_plugin);
  lines.add("node-id-length", from.node_id_length);
  for (const auto& der : from.root_certs) {
    lines.raw("<root-cert>\n" + encode_base64(der) + "    </root-cert>");
  }
  lines.add_each("enrollment-server", from.enrollment_servers);
  if (from.self_signed_permitted) {
    lines.raw(std::string("<self-signed-permitted digest=\"") +
              digest_name(from.self_signed_digest) + "\">true</self-signed-permitted>");
  }
  for (const auto& node : from.bootstrap_nodes) {
    lines.raw("<bootstrap-node address=\"" + bare_address(node) + "\" port=\"" +
              std::to_string(node.port) + "\"/>");
  }
  if (from.turn_density != usual.turn_density) lines.add("turn-density", from.turn_density);
  if (!from.clients_permitted) lines.add("clients-permitted", boolean(false));
  lines.add("no-ice", boolean(from.no_ice));
  if (from.chord_update_interval_s != usual.chord_update_interval_s) {
    lines.add("chord:chord-update-interval", from.chord_update_interval_s);
  }
  if (from.chord_ping_interval_s != usual.chord_ping_interval_s) {
    lines.add("chord:chord-ping-interval", from.chord_ping_interval_s);
  }
  if (!from.chord_reactive) lines.add("chord:chord-reactive", boolean(false));
  if (from.shared_secret) lines.add("shared-secret", *from.shared_secret);
  if (from.max_message_size != usual.max_message_size) {
    lines.add("max-message-size", from.max_message_size);
  }
  if (from.initial_ttl != usual.initial_ttl) lines.add("initial-ttl", from.initial_ttl);
  if (from.overlay_reliability_timer_ms != usual.overlay_reliability_timer_ms) {
    lines.add("overlay-reliability-timer", from.overlay_reliability_timer_ms);
  }
  if (from.overlay_link_protocols != usual.overlay_link_protocols) {
    lines.add_each("overlay-link-protocol", from.overlay_link_protocols);
  }
  lines.add_each("configuration-signer", from.configuration_signers);
  lines.add_each("kind-signer", from.kind_signers);
  lines.add_each("bad-node", from.bad_nodes);
  for (const ForeignElement& foreign : from.foreign) lines.raw(foreign.xml);
  lines.add_each("mandatory-extension", from.mandatory_extensions);
  add_kinds(from.required_kinds, lines);
  return lines.take();
}

}  // namespace

std::string write_kind(const Kind& kind) {
  Lines lines("");
  const std::string which = kind.name.empty() ? "id=\"" +
                                                    std::to_string(static_cast<std::uint32_t>(
                                                        kind.id.value_or(wire::reload::KindId{}))) +
                                                    "\""
                                              : "name=\"" + escaped(kind.name) + "\"";
  lines.raw("<kind xmlns=\"" + std::string(kBaseNamespace) + "\" " + which + ">");
  lines.add("data-model", data_model_name(kind.data_model));
  lines.add("access-control", kind.access_control);
  lines.add("max-count", kind.max_count);
  lines.add("max-size", kind.max_size);
  if (kind.max_node_multiple) lines.add("max-node-multiple", *kind.max_node_multiple);
  return lines.take() + "</kind>";
}

std::string write_document(const OverlayConfiguration& configuration) {
  const std::string base(kBaseNamespace);
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<overlay xmlns=\"" + base +
                     "\">\n  <configuration xmlns=\"" + base + "\" xmlns:chord=\"" +
                     std::string(kChordNamespace) + "\"\n      instance-name=\"" +
                     escaped(configuration.instance_name) + "\"";
  if (configuration.sequence) {
    text += " sequence=\"" + std::to_string(*configuration.sequence) + "\"";
  }
  if (configuration.expiration_unix_s) {
    text += "\n      expiration=\"" + to_date_time(*configuration.expiration_unix_s) + "\"";
  }
  return text + ">\n" + body(configuration) + "  </configuration>\n</overlay>\n";
}

SignedFile sign_document(std::string_view file, std::string_view overlay,
                         const trust::Certificate& certificate, const crypto::SigningKey& key) {
  SignedFile out;
  const Document document = parse_document(file);
  out.fault = document.fault;
  if (!out.fault.ok()) return out;
  const ConfigurationElement* element = document.find(overlay);
  if (element == nullptr) {
    out.fault = {Refusal::kOtherOverlay,
                 {0, "", "the file does not configure " + std::string(overlay)}};
    return out;
  }
  const auto block = sign_element(element->signed_bytes, certificate, key, out.why);
  if (block.empty()) return out;
  out.text = file.substr(0, element->end);
  // With its namespace, whatever prefixes the file uses.
  out.text += "\n  <signature xmlns=\"" + std::string(kBaseNamespace) + "\">\n" +
              encode_base64(block) + "  </signature>";
  std::size_t copied = element->end;
  for (const SignatureElement& old : element->signatures) {
    // With the white space before it, or each signing would leave more.
    std::string_view kept = file.substr(copied, old.begin - copied);
    const std::size_t last = kept.find_last_not_of(" \t\r\n");
    out.text += kept.substr(0, last == std::string_view::npos ? 0 : last + 1);
    copied = old.end;
  }
  out.text += file.substr(copied);
  return out;
}

}  // namespace controlplane::configuration
