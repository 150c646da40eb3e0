// SPDX-License-Identifier: Apache-2.0

#include "tests/support/crafted_messages.h"

#include <array>
#include <map>
#include <stdexcept>

#include "config/node_config.h"
#include "wire/byte_order.h"
#include "wire/reload/forwarding_option.h"

namespace tests::support {
namespace {

namespace reload = wire::reload;
namespace offset = wire::reload::header_offset;
using reload::Bytes;
using reload::MessageBuilder;
using Recipe = std::function<Crafted(const CraftSetting&)>;

Bytes bytes(std::initializer_list<unsigned> values) {
  Bytes out;
  for (const unsigned value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

Crafted one(Bytes message) { return {{std::move(message)}, true}; }
Crafted datagram(Bytes message) { return {{std::move(message)}, false}; }

/// A good Ping with its bytes changed by @p edit; the length field is put right afterwards.
template <class Edit>
Recipe edited(Edit edit) {
  return [edit](const CraftSetting& setting) {
    Bytes message = ping_to(setting).sign(setting.identity.signing);
    edit(message);
    return one(std::move(message));
  };
}

void set_length(Bytes& message) {
  wire::store_be32(&message[offset::kLength], static_cast<std::uint32_t>(message.size()));
}

/// A good Ping built with one thing more.
template <class Add>
Recipe with(Add add) {
  return [add](const CraftSetting& setting) {
    MessageBuilder builder = ping_to(setting);
    add(builder, setting);
    return one(builder.sign(setting.identity.signing));
  };
}

/// A Ping whose Destination List is @p list and nothing else.
template <class MakeList>
Recipe destined(MakeList make_list) {
  return [make_list](const CraftSetting& setting) {
    MessageBuilder builder;
    builder.overlay(config::overlay_hash(setting.overlay))
        .configuration_sequence(setting.configuration_sequence)
        .ttl(setting.initial_ttl)
        .transaction(reload::TransactionId{setting.random()})
        .contents(reload::MessageCode::kPingReq, reload::ping_request_body(32));
    make_list(builder, setting);
    return one(builder.sign(setting.identity.signing));
  };
}

/// A Ping signed by somebody whose certificate is wrong in the way @p change says.
template <class Change>
Recipe signed_by(Change change) {
  return [change](const CraftSetting& setting) {
    CertificateWish wish;
    wish.ca_certificate_path = setting.ca_certificate_path;
    wish.ca_key_path = setting.ca_key_path;
    wish.overlay = setting.overlay;
    wire::store_be64(wish.node_id.bytes.data(), setting.random());
    wire::store_be64(wish.node_id.bytes.data() + 8, setting.random());
    change(wish);
    const Identity identity = make_identity(wish, crypto::Algorithm::kEd25519);
    return one(ping_to(setting).sign(identity.signing));
  };
}

Crafted overlapping_fragments(const CraftSetting& setting) {
  MessageBuilder builder = ping_to(setting);
  builder.contents(reload::MessageCode::kPingReq, reload::ping_request_body(900));
  const Bytes whole = builder.sign(setting.identity.signing);
  Crafted crafted;
  crafted.messages = reload::fragment_message(whole, 700);
  Bytes again = crafted.messages.front();
  again.back() ^= std::byte{1};
  crafted.messages.insert(crafted.messages.begin() + 1, std::move(again));
  return crafted;
}

Crafted small_fragment(const CraftSetting& setting) {
  Bytes message = ping_to(setting).sign(setting.identity.signing);
  reload::ForwardingHeader header;
  if (!reload::parse_forwarding_header(message, header).ok()) {
    throw std::runtime_error("the Ping to be cut is malformed");
  }
  message.resize(header.size() + 100);
  wire::store_be32(&message[offset::kFragment], reload::FragmentWord::make(0, false).word);
  set_length(message);
  return one(std::move(message));
}

Crafted far_fragment(const CraftSetting& setting) {
  Crafted crafted = small_fragment(setting);
  Bytes& message = crafted.messages.front();
  message.resize(message.size() + 300, std::byte{0x55});
  wire::store_be32(&message[offset::kFragment], reload::FragmentWord::make(0x00f00000, true).word);
  set_length(message);
  return crafted;
}

const std::map<std::string, Recipe>& recipes() {
  static const std::map<std::string, Recipe> all = {
      // Datagrams and frames.
      {"demux_unknown",
       [](const CraftSetting&) {
         return datagram(bytes({0xff, 1, 2, 3}));
       }},
      {"stun",
       [](const CraftSetting&) {
         return datagram(
             bytes({0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
       }},
      {"dtls",
       [](const CraftSetting&) {
         return datagram(bytes({22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
       }},
      {"turn_channel",
       [](const CraftSetting&) {
         return datagram(bytes({0x40, 1, 0, 0}));
       }},
      {"frame_longer_than_datagram",
       [](const CraftSetting&) {
         return datagram(bytes({0x80, 0, 0, 0, 9, 0, 1, 0, 7}));
       }},
      {"short_ack",
       [](const CraftSetting&) {
         return datagram(bytes({0x81, 0, 0, 0, 0}));
       }},
      {"ack_never_sent",
       [](const CraftSetting&) {
         return datagram(bytes({0x81, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0}));
       }},
      // The forwarding header.
      {"truncated", edited([](Bytes& message) { message.resize(20); })},
      {"not_reload", edited([](Bytes& message) { message[0] = std::byte{0x52}; })},
      {"bad_version", edited([](Bytes& message) { message[offset::kVersion] = std::byte{0x0b}; })},
      {"length_too_large", edited([](Bytes& message) {
         wire::store_be32(&message[offset::kLength],
                          static_cast<std::uint32_t>(message.size() + 1));
       })},
      {"length_too_small", edited([](Bytes& message) {
         wire::store_be32(&message[offset::kLength],
                          static_cast<std::uint32_t>(message.size() - 1));
       })},
      {"fragment_bit_clear", edited([](Bytes& message) {
         wire::store_be32(&message[offset::kFragment], reload::FragmentWord::kLast);
       })},
      {"lists_too_long",
       edited([](Bytes& message) { wire::store_be16(&message[offset::kViaListLength], 0xfff0); })},
      {"empty_destination", destined([](MessageBuilder&, const CraftSetting&) {})},
      {"bad_destination", destined([](MessageBuilder& builder, const CraftSetting&) {
         builder.destination_entry(
             bytes({1, 15, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}));
       })},
      {"unknown_destination", destined([](MessageBuilder& builder, const CraftSetting&) {
         builder.destination_entry(bytes({9, 4, 1, 2, 3, 4}));
       })},
      {"resource_in_via", with([](MessageBuilder& builder, const CraftSetting&) {
         builder.via_entry(bytes({2, 5, 4, 1, 2, 3, 4}));
       })},
      {"resource_not_last", destined([](MessageBuilder& builder, const CraftSetting& setting) {
         builder.destination_resource(bytes({1, 2, 3, 4})).destination(setting.destination);
       })},
      {"option_too_long",
       [](const CraftSetting& setting) {
         MessageBuilder builder = ping_to(setting);
         builder.option(200, 0, bytes({1, 2, 3, 4}));
         Bytes message = builder.sign(setting.identity.signing);
         reload::ForwardingHeader header;
         if (!reload::parse_forwarding_header(message, header).ok()) return one(message);
         wire::store_be16(&message[header.options_offset() + 2], 5000);
         return one(std::move(message));
       }},
      // Contents and security block.
      {"body_too_long", edited([](Bytes& message) {
         reload::ForwardingHeader header;
         if (!reload::parse_forwarding_header(message, header).ok()) return;
         wire::store_be32(&message[header.size() + 2], 0x00ffffff);
       })},
      {"extension_boolean",
       [](const CraftSetting& setting) {
         MessageBuilder builder = ping_to(setting);
         builder.contents(reload::MessageCode::kPingReq, {}).extension(77, false, {});
         Bytes message = builder.sign(setting.identity.signing);
         reload::ForwardingHeader header;
         if (!reload::parse_forwarding_header(message, header).ok()) return one(message);
         // code(2), body length(4), extensions length(4), type(2), then the Boolean.
         message[header.size() + 12] = std::byte{2};
         return one(std::move(message));
       }},
      {"security_block_cut", edited([](Bytes& message) {
         message.resize(message.size() - 3);
         set_length(message);
       })},
      {"far_fragment", far_fragment},
      // What admit refuses.
      {"wrong_overlay", with([](MessageBuilder& builder, const CraftSetting&) {
         builder.overlay(config::overlay_hash("another.overlay.example"));
       })},
      {"ttl_too_large", with([](MessageBuilder& builder, const CraftSetting& setting) {
         builder.ttl(static_cast<std::uint8_t>(setting.initial_ttl + 1));
       })},
      {"forward_critical_option", with([](MessageBuilder& builder, const CraftSetting&) {
         builder.option(200, reload::kForwardCritical, bytes({1}));
       })},
      {"destination_critical_option", with([](MessageBuilder& builder, const CraftSetting&) {
         builder.option(200, reload::kDestinationCritical, bytes({1}));
       })},
      {"plain_option", with([](MessageBuilder& builder, const CraftSetting&) {
         builder.option(200, 0, bytes({1}));
       })},
      {"critical_extension", with([](MessageBuilder& builder, const CraftSetting&) {
         builder.extension(77, true, bytes({1}));
       })},
      {"duplicate_entry", destined([](MessageBuilder& builder, const CraftSetting& setting) {
         builder.destination(setting.destination).destination(setting.destination);
       })},
      {"flag_in_response", with([](MessageBuilder& builder, const CraftSetting&) {
         builder.contents(reload::MessageCode::kPingAns, reload::ping_answer_body(1, 2))
             .option(200, reload::kForwardCritical, {});
       })},
      {"duplicate",
       [](const CraftSetting& setting) {
         const Bytes message = ping_to(setting).sign(setting.identity.signing);
         return Crafted{{message, message}, true};
       }},
      // What verify refuses.
      {"unsupported_scheme",
       [](const CraftSetting& setting) {
         reload::SigningIdentity signing = setting.identity.signing;
         signing.scheme = reload::SignatureScheme{0x0604};
         return one(ping_to(setting).sign(signing));
       }},
      {"bad_signature", edited([](Bytes& message) { message.back() ^= std::byte{1}; })},
      {"unknown_signer",
       [](const CraftSetting& setting) {
         CertificateWish wish;
         wish.overlay = setting.overlay;
         Identity stranger = make_identity(wish, crypto::Algorithm::kEd25519);
         stranger.signing.certificates.clear();
         return one(ping_to(setting).sign(stranger.signing));
       }},
      {"certificate_of_another_ca", signed_by([](CertificateWish& wish) {
         wish.ca_certificate_path.clear();
         wish.ca_key_path.clear();
       })},
      {"certificate_expired", signed_by([](CertificateWish& wish) {
         wish.not_before_s = -7200;
         wish.not_after_s = -3600;
       })},
      {"certificate_not_yet_valid", signed_by([](CertificateWish& wish) {
         wish.not_before_s = 3600;
         wish.not_after_s = 7200;
       })},
      {"certificate_of_another_overlay",
       signed_by([](CertificateWish& wish) { wish.overlay = "another.overlay.example"; })},
      {"certificate_garbage",
       [](const CraftSetting& setting) {
         Bytes garbage(200);
         for (std::byte& value : garbage) value = static_cast<std::byte>(setting.random());
         return one(ping_to(setting).sign(identity_with(garbage, setting.identity.key).signing));
       }},
      {"small_fragment", small_fragment},
      {"overlapping_fragments", overlapping_fragments},
      // What route refuses.
      {"ttl_zero", with([](MessageBuilder& builder, const CraftSetting&) { builder.ttl(0); })},
      {"node_nobody_has", destined([](MessageBuilder& builder, const CraftSetting& setting) {
         reload::NodeId id;
         wire::store_be64(id.bytes.data(), setting.random());
         wire::store_be64(id.bytes.data() + 8, setting.random());
         builder.destination(id);
       })},
      {"opaque_unknown", destined([](MessageBuilder& builder, const CraftSetting& setting) {
         std::array<std::byte, 2> entry{};
         wire::store_be16(entry.data(), reload::CompactId{4000, 3}.encode());
         builder.destination_entry(entry).destination(setting.destination);
       })},
      {"wildcard_then_more", destined([](MessageBuilder& builder, const CraftSetting& setting) {
         builder.destination(reload::NodeId::wildcard()).destination(setting.destination);
       })},
      {"back_to_sender", destined([](MessageBuilder& builder, const CraftSetting& setting) {
         builder.destination(setting.sender);
       })},
      // And one that is good.
      {"good",
       [](const CraftSetting& setting) {
         return one(ping_to(setting).sign(setting.identity.signing));
       }},
  };
  return all;
}

}  // namespace

MessageBuilder ping_to(const CraftSetting& setting) {
  MessageBuilder builder;
  builder.overlay(config::overlay_hash(setting.overlay))
      .configuration_sequence(setting.configuration_sequence)
      .ttl(setting.initial_ttl)
      .transaction(reload::TransactionId{setting.random()})
      .destination(setting.destination)
      .contents(reload::MessageCode::kPingReq, reload::ping_request_body(32));
  return builder;
}

Crafted craft(const std::string& name, const CraftSetting& setting) {
  const auto found = recipes().find(name);
  if (found == recipes().end()) throw std::runtime_error("no crafted message is called " + name);
  return found->second(setting);
}

std::vector<std::string> crafted_names() {
  std::vector<std::string> names;
  for (const auto& [name, recipe] : recipes()) names.push_back(name);
  return names;
}

}  // namespace tests::support
