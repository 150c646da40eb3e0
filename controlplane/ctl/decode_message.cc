// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/decode_message.h"

#include "controlplane/ctl/decode_body.h"
#include "controlplane/ctl/decode_fields.h"
#include "controlplane/ctl/hex_text.h"
#include "wire/reload/destination.h"
#include "wire/reload/forwarding_option.h"

namespace controlplane::ctl {

namespace {

using namespace wire::reload;
using Json = nlohmann::ordered_json;
using ByteSpan = std::span<const std::byte>;

/// The entries up to the first that cannot be read.
Json list_json(ByteSpan list) {
  Json json = Json::array();
  Destination entry;
  while (!list.empty() && read_destination(list, entry).ok()) {
    json.push_back(destination_json(entry));
    list = list.subspan(entry.entry.size());
  }
  return json;
}

Json options_json(ByteSpan options) {
  Json json = Json::array();
  ForwardingOption option;
  while (!options.empty() && read_option(options, option).ok()) {
    Json flags = Json::array();
    if ((option.flags & kForwardCritical) != 0) flags.push_back("FORWARD_CRITICAL");
    if ((option.flags & kDestinationCritical) != 0) flags.push_back("DESTINATION_CRITICAL");
    if ((option.flags & kResponseCopy) != 0) flags.push_back("RESPONSE_COPY");
    if ((option.flags & kIgnoreStateKeeping) != 0) flags.push_back("IGNORE_STATE_KEEPING");
    json.push_back({{"type", option.type},
                    {"flags", option.flags},
                    {"flag_names", flags},
                    {"length", option.value.size()},
                    {"value", to_hex(option.value)}});
    options = options.subspan(option.encoded.size());
  }
  return json;
}

Json header_json(const ForwardingHeader& header) {
  return {{"relo_token", hex_number(kReloToken, 8)},
          {"overlay", hex_number(static_cast<std::uint32_t>(header.overlay), 8)},
          {"configuration_sequence", header.configuration_sequence},
          {"version", header.version},
          {"ttl", header.ttl},
          {"fragment",
           {{"value", hex_number(header.fragment.word, 8)},
            {"last_fragment", header.fragment.is_last()},
            {"offset", header.fragment.offset()}}},
          {"length", header.length},
          {"transaction_id", hex_number(static_cast<std::uint64_t>(header.transaction_id), 16)},
          {"max_response_length", header.max_response_length},
          {"via_list_length", header.via_list_length},
          {"destination_list_length", header.destination_list_length},
          {"options_length", header.options_length}};
}

Json extensions_json(ByteSpan extensions) {
  Json json = Json::array();
  MessageExtension extension;
  while (!extensions.empty() && read_extension(extensions, extension).ok()) {
    json.push_back({{"type", extension.type},
                    {"critical", extension.critical},
                    {"extension_contents", to_hex(extension.contents)}});
    extensions = extensions.subspan(extension.encoded.size());
  }
  return json;
}

const char* hash_name(unsigned hash) {
  if (hash == 4) return "sha256";
  return hash == 8 ? "intrinsic" : nullptr;
}

const char* signature_name(unsigned signature) {
  switch (signature) {
    case 1:
      return "rsa";
    case 3:
      return "ecdsa";
    case 7:
      return "ed25519";
    default:
      return nullptr;
  }
}

Json security_json(const SecurityBlock& block) {
  Json certificates = Json::array();
  ByteSpan der;
  for (ByteSpan rest = block.certificates; !rest.empty();) {
    if (!read_certificate(rest, der, rest).ok()) break;
    certificates.push_back({{"type", named(0, "X.509")}, {"certificate", to_hex(der)}});
  }
  const Signature& signature = block.signature;
  const auto scheme = static_cast<unsigned>(signature.scheme);
  const bool with_node_id = signature.signer.type == SignerIdentityType::kCertHashNodeId;
  Json algorithm{{"hash", named(scheme >> 8U, hash_name(scheme >> 8U))},
                 {"signature", named(scheme & 0xffU, signature_name(scheme & 0xffU))}};
  Json identity{{"identity_type", named(static_cast<unsigned>(signature.signer.type),
                                        with_node_id ? "cert_hash_node_id" : "cert_hash")},
                {"hash_alg", named(kHashSha256, "sha256")}};
  identity[with_node_id ? "certificate_node_id_hash" : "certificate_hash"] =
      to_hex(signature.signer.hash);
  return {{"certificates", certificates},
          {"signature",
           {{"algorithm", algorithm},
            {"identity", identity},
            {"signature_value", to_hex(signature.value)}}}};
}

/// Remembers @p fault and keeps the bytes from @p part_at on, which were not understood.
void refuse(DecodedMessage& out, ParseError fault, ByteSpan message, std::size_t part_at) {
  out.fault = fault;
  out.json["undecoded"] = to_hex(message.subspan(part_at));
  out.json["error"] = decode_error(fault);
}

/// Reads the lists behind the fixed header into the header's JSON.
ParseError decode_lists(ByteSpan message, const ForwardingHeader& header, Json& json) {
  const ByteSpan via = message.subspan(kFixedHeaderBytes, header.via_list_length);
  const ByteSpan destinations =
      message.subspan(header.destination_list_offset(), header.destination_list_length);
  const ByteSpan options = message.subspan(header.options_offset(), header.options_length);
  json["via_list"] = list_json(via);
  json["destination_list"] = list_json(destinations);
  json["forwarding_options"] = options_json(options);

  ParseError error = check_destination_list(via, ListKind::kVia, kFixedHeaderBytes);
  if (!error.ok()) return error;
  error = check_destination_list(destinations, ListKind::kDestination,
                                 header.destination_list_offset());
  if (!error.ok()) return error;
  OptionSummary summary;
  return check_options(options, summary, header.options_offset());
}

/// Reads contents and security block.
void decode_payload(ByteSpan message, std::uint32_t contents_at, DecodedMessage& out) {
  MessageContents contents;
  ParseError error = parse_message_contents(message.subspan(contents_at), contents, contents_at);
  if (!error.ok()) return refuse(out, error, message, contents_at);
  out.contents = contents;
  ParseError body_error;
  Json json{
      {"message_code", named(contents.message_code, message_code_name(contents.message_code))}};
  json["message_body"] = body_json(contents, body_error);
  json["extensions"] = extensions_json(contents.extensions);
  out.json["message_contents"] = json;

  const auto block_at = static_cast<std::uint32_t>(contents_at + contents.encoded.size());
  if (!body_error.ok()) {
    const auto body_at = static_cast<std::uint32_t>(contents.body.data() - message.data());
    return refuse(out, {body_error.fault, body_at + body_error.offset}, message, block_at);
  }
  SecurityBlock block;
  error = parse_security_block(message.subspan(block_at), block, block_at);
  if (!error.ok()) return refuse(out, error, message, block_at);
  out.security = block;
  out.json["security_block"] = security_json(block);
}

}  // namespace

DecodedMessage decode_message(ByteSpan message) {
  DecodedMessage out;
  out.json = Json::object();
  ForwardingHeader header;
  ParseError error = parse_forwarding_header(message, header);
  if (!error.ok()) {
    refuse(out, error, message, 0);
    return out;
  }
  out.header = header;
  Json json = header_json(header);
  error = decode_lists(message, header, json);
  out.json["forwarding_header"] = json;
  if (!error.ok()) {
    refuse(out, error, message, header.size());
  } else if (!header.fragment.is_whole()) {
    out.json["fragment_data"] = to_hex(message.subspan(header.size()));
  } else {
    decode_payload(message, header.size(), out);
  }
  return out;
}

Json decode_frame(const Frame& frame) {
  if (!frame.is_ack) {
    return {{"type", named(kDataFrameType, "data")},
            {"sequence", frame.sequence},
            {"length", frame.message.size()}};
  }
  Json acked = Json::array({frame.sequence});
  for (std::uint32_t back = 1; back < 32; ++back) {
    if ((frame.received >> back & 1U) != 0) acked.push_back(frame.sequence - back);
  }
  return {{"type", named(kAckFrameType, "ack")},
          {"ack_sequence", frame.sequence},
          {"received", hex_number(frame.received, 8)},
          {"acked_sequences", acked}};
}

Json decode_error(ParseError error) {
  return {{"fault", fault_name(error.fault)},
          {"offset", error.offset},
          {"text", fault_text(error.fault)}};
}

}  // namespace controlplane::ctl
