// SPDX-License-Identifier: Apache-2.0
// ConfigUpdate between nodes (RFC 6940 sections 6.3.2.1 and 6.5.4): who is told, what a document
// that comes into force changes at once. Which documents are good is followed_document_test.cc's
// matter.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "controlplane/overlay/configuration_sequence.h"
#include "tests/controlplane/test_overlay.h"
#include "wire/reload/config_update.h"

namespace tests {
namespace {

using controlplane::overlay::ConfigurationDocument;
using controlplane::overlay::kAnySequence;
using controlplane::overlay::LinkOpened;
using controlplane::overlay::NewDocument;
using controlplane::overlay::Now;
using controlplane::overlay::Outcome;
using controlplane::overlay::Outputs;
using controlplane::overlay::Request;
using wire::reload::Bytes;
using wire::reload::ConfigUpdateReq;
using wire::reload::ConfigUpdateType;
using wire::reload::ErrorCode;
using wire::reload::MessageBuilder;
using wire::reload::MessageCode;
using wire::reload::NodeId;
using wire::reload::TransactionId;

const auto kSelf = node_id(0x40);
const auto kPeer = node_id(0x10);
const auto kOther = node_id(0x80);

/// "7" is sequence 7; "8 bad" makes kPeer a bad node; what begins with "x" nobody has signed.
class PlainDocument final : public ConfigurationDocument {
 public:
  explicit PlainDocument(std::string text) : text_(std::move(text)) {}
  [[nodiscard]] std::uint16_t sequence() const noexcept override {
    return static_cast<std::uint16_t>(text_[0] - '0');
  }
  [[nodiscard]] std::span<const std::byte> file() const noexcept override {
    return std::as_bytes(std::span(text_));
  }
  [[nodiscard]] bool is_bad_node(const NodeId& id) const noexcept override {
    return text_.ends_with("bad") && id == kPeer;
  }
  void apply(controlplane::overlay::Settings& settings) const noexcept override {
    settings.configuration_sequence = sequence();
  }
  std::optional<Refusal> adopt(const Now& /*now*/, std::span<const std::byte> file) override {
    const std::string text(reinterpret_cast<const char*>(file.data()), file.size());
    if (text.starts_with("x")) return Refusal{ErrorCode::kForbidden, "nobody signed it"};
    if (text[0] <= text_[0]) return Refusal{ErrorCode::kConfigTooOld, "not newer"};
    text_ = text;
    return std::nullopt;
  }
  std::optional<Refusal> adopt_kind(const Now& /*now*/, std::span<const std::byte> block) override {
    ++kinds;
    return block.size() > 1 ? std::nullopt
                            : std::optional(Refusal{ErrorCode::kForbidden, "not signed"});
  }
  unsigned kinds = 0;

 private:
  std::string text_;
};

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

class ConfigUpdates : public testing::Test {
 protected:
  ConfigUpdates() { node_.node->follow(document_); }

  MessageBuilder request(MessageCode code, const Bytes& body, std::uint16_t sequence) {
    MessageBuilder builder;
    builder.overlay(overlay_.settings(kSelf).overlay)
        .configuration_sequence(sequence)
        .ttl(100)
        .transaction(TransactionId{next_++})
        .destination(kSelf)
        .contents(code, body);
    return builder;
  }
  Bytes update(const std::string& document) {
    ConfigUpdateReq update;
    update.type = ConfigUpdateType::kConfig;
    update.config_data = bytes_of(document);
    return request(MessageCode::kConfigUpdateReq, wire::reload::config_update_request_body(update),
                   kAnySequence)
        .sign(peer_.identity);
  }
  Bytes ping(std::uint16_t sequence) {
    return request(MessageCode::kPingReq, wire::reload::ping_request_body(0), sequence)
        .sign(peer_.identity);
  }
  /// The documents that ConfigUpdates of the last step carry, by destination.
  std::vector<std::pair<NodeId, std::string>> told() const {
    std::vector<std::pair<NodeId, std::string>> told;
    for (const auto& message : node_.out.messages) {
      const auto seen = parsed(message.bytes);
      if (seen.contents.message_code != static_cast<std::uint16_t>(MessageCode::kConfigUpdateReq)) {
        continue;
      }
      EXPECT_EQ(seen.header.configuration_sequence, kAnySequence);  // B-47
      ConfigUpdateReq update;
      EXPECT_TRUE(wire::reload::parse_config_update_request(seen.contents.body, update).ok());
      EXPECT_EQ(update.type, ConfigUpdateType::kConfig);
      const auto* const text = reinterpret_cast<const char*>(update.config_data.data());
      for (const NodeId& node : {kPeer, kOther}) {
        const Bytes entry = to_node(node);
        if (std::ranges::equal(seen.destination_list, entry)) {
          told.emplace_back(node, std::string(text, update.config_data.size()));
        }
      }
    }
    return told;
  }
  [[nodiscard]] std::uint16_t answered() const {
    return error_code(node_.out.messages.at(0).bytes);
  }

  TestOverlay overlay_;
  PlainDocument document_{"7"};
  TestNode node_{overlay_, kSelf, {kPeer, kOther}};
  controlplane::overlay::SigningName peer_ = overlay_.identity(kPeer);
  std::uint64_t next_ = 1;
};

TEST_F(ConfigUpdates, ANewerDocumentIsInForceAndToldToAllNeighbours) {  // G-35, G-36
  const Outputs& out = node_.deliver(0, update("8"));
  EXPECT_EQ(node_.node->settings().configuration_sequence, 8);
  EXPECT_EQ(node_.node->counters().configurations_adopted, 1U);
  EXPECT_THAT(told(), testing::UnorderedElementsAre(std::pair(kPeer, std::string("8")),
                                                    std::pair(kOther, std::string("8"))));
  const auto answer = std::ranges::find_if(out.messages, [](const auto& message) {
    return parsed(message.bytes).contents.message_code ==
           static_cast<std::uint16_t>(MessageCode::kConfigUpdateAns);
  });
  EXPECT_NE(answer, out.messages.end());
  EXPECT_TRUE(out.close_links.empty());
  // From now on the new number counts.
  node_.deliver(1, ping(8));
  EXPECT_EQ(answered(), 0);
}

TEST_F(ConfigUpdates, WhatIsNoBetterIsRefusedWithTheDocumentsOwnReason) {  // G-36
  node_.deliver(0, update("7"));
  EXPECT_EQ(answered(), static_cast<std::uint16_t>(ErrorCode::kConfigTooOld));
  node_.deliver(0, update("x9"));
  EXPECT_EQ(answered(), static_cast<std::uint16_t>(ErrorCode::kForbidden));
  EXPECT_TRUE(told().empty());
  EXPECT_EQ(node_.node->settings().configuration_sequence, 7);
  EXPECT_EQ(node_.node->counters().configurations_refused, 2U);
  Bytes rubbish = request(MessageCode::kConfigUpdateReq, Bytes(3), 7).sign(peer_.identity);
  node_.deliver(0, rubbish);
  EXPECT_EQ(answered(), static_cast<std::uint16_t>(ErrorCode::kInvalidMessage));
}

TEST_F(ConfigUpdates, KindsGoTheirOwnWay) {  // G-37
  ConfigUpdateReq update;
  update.type = ConfigUpdateType::kKind;
  const std::string good = "<kind/>";
  const std::string bad = "x";
  update.kinds = {bytes_of(good), bytes_of(good)};
  const auto send = [&] {
    node_.deliver(0, request(MessageCode::kConfigUpdateReq,
                             wire::reload::config_update_request_body(update), kAnySequence)
                         .sign(peer_.identity));
  };
  send();
  EXPECT_EQ(answered(), 0);
  EXPECT_EQ(document_.kinds, 2U);
  EXPECT_TRUE(told().empty()) << "no document has changed";
  update.kinds = {bytes_of(bad), bytes_of(good)};
  send();
  EXPECT_EQ(answered(), static_cast<std::uint16_t>(ErrorCode::kForbidden));
  EXPECT_EQ(document_.kinds, 3U) << "the first refusal ends it";
}

TEST_F(ConfigUpdates, WhoAsksWithAnOlderOneIsToldButNotAtEveryRequest) {  // B-44
  node_.deliver(0, ping(6));
  EXPECT_EQ(answered(), static_cast<std::uint16_t>(ErrorCode::kConfigTooOld));
  EXPECT_THAT(told(), testing::ElementsAre(std::pair(kPeer, std::string("7"))));
  // The number is not signed: whoever is on the way may write any.
  node_.deliver(9 * kSecond, ping(6));
  EXPECT_TRUE(told().empty());
  node_.deliver(11 * kSecond, ping(5));
  EXPECT_EQ(told().size(), 1U);
  node_.deliver(12 * kSecond, ping(8));
  EXPECT_EQ(answered(), static_cast<std::uint16_t>(ErrorCode::kConfigTooNew));
  EXPECT_TRUE(told().empty());
}

TEST_F(ConfigUpdates, WhoRefusesARequestAsTooNewIsTold) {  // B-45
  TestNode behind(overlay_, kPeer, {kSelf});
  PlainDocument old("6");
  behind.node->follow(old);
  Request ping;
  ping.ticket = 5;
  ping.destination_list = to_node(kPeer);
  ping.body = wire::reload::ping_request_body(0);
  node_.step(0, ping);
  ASSERT_EQ(node_.out.messages.size(), 1U);
  behind.deliver(0, node_.out.messages[0].bytes);
  ASSERT_EQ(behind.out.messages.size(), 1U);
  node_.deliver(1, behind.out.messages[0].bytes);
  ASSERT_EQ(node_.out.results.size(), 1U);
  EXPECT_EQ(node_.out.results[0].error_code, static_cast<std::uint16_t>(ErrorCode::kConfigTooNew));
  ASSERT_THAT(told(), testing::ElementsAre(std::pair(kPeer, std::string("7"))));
  const Bytes update = node_.out.messages[0].bytes;
  behind.deliver(2, update);
  EXPECT_EQ(behind.node->settings().configuration_sequence, 7);
}

TEST_F(ConfigUpdates, WhoIsTooOldAsksThoseItHasLinksTo) {  // B-44 for a node that is not routed to
  TestNode newer(overlay_, kPeer, {kSelf});
  PlainDocument document("9");
  newer.node->follow(document);
  Request ping;
  ping.destination_list = to_node(kPeer);
  ping.body = wire::reload::ping_request_body(0);
  node_.step(0, ping);
  newer.deliver(0, node_.out.messages.at(0).bytes);
  const Bytes refusal = newer.out.messages.at(0).bytes;
  ASSERT_EQ(error_code(refusal), static_cast<std::uint16_t>(ErrorCode::kConfigTooOld));
  node_.deliver(1, refusal);
  ASSERT_EQ(node_.out.messages.size(), 2U) << "a Ping to each neighbour";
  for (const auto& message : node_.out.messages) {
    EXPECT_EQ(parsed(message.bytes).contents.message_code,
              static_cast<std::uint16_t>(MessageCode::kPingReq));
  }
}

TEST_F(ConfigUpdates, ABadNodeIsShutOut) {  // E-22
  node_.deliver(0, ping(7));
  ASSERT_EQ(answered(), 0);
  NewDocument offer{9, "8 bad"};
  const Outputs& out = node_.step(1, offer);
  ASSERT_EQ(out.results.size(), 1U);
  EXPECT_EQ(out.results[0].ticket, 9U);
  EXPECT_EQ(out.results[0].outcome, Outcome::kAnswered);
  ASSERT_EQ(out.commands.size(), 1U);
  EXPECT_EQ(out.commands[0].signer.refused, wire::shm::kRefusedBadNode);
  EXPECT_EQ(out.commands[0].signer.node_id, kPeer);
  ASSERT_EQ(out.close_links.size(), 1U);
  EXPECT_EQ(out.close_links[0].slot, 0);
  EXPECT_THAT(told(), testing::ElementsAre(std::pair(kOther, std::string("8 bad"))));

  const auto unattributed = node_.node->counters().unattributed;
  node_.deliver(2, ping(8));
  EXPECT_TRUE(node_.out.messages.empty());
  EXPECT_EQ(node_.node->counters().unattributed, unattributed + 1);
  node_.step(3, LinkOpened{{5, 1}, kPeer});
  ASSERT_EQ(node_.out.close_links.size(), 1U);
  EXPECT_EQ(node_.out.close_links[0].slot, 5);

  // Pardoned, it is judged by its certificate again.
  node_.step(4, NewDocument{10, "9"});
  ASSERT_EQ(node_.out.commands.size(), 1U);
  EXPECT_EQ(node_.out.commands[0].kind, wire::shm::CommandKind::kRemoveSigner);
  node_.deliver(5, ping(9));
  EXPECT_EQ(answered(), 0);
}

TEST_F(ConfigUpdates, ASignerThatIsMetLaterIsBannedAllTheSame) {  // E-22
  node_.step(0, NewDocument{1, "8 bad"});
  node_.deliver(1, ping(8));
  ASSERT_EQ(node_.out.commands.size(), 1U);
  EXPECT_EQ(node_.out.commands[0].signer.refused, wire::shm::kRefusedBadNode);
}

TEST_F(ConfigUpdates, AnOperatorIsToldWhy) {
  node_.step(0, NewDocument{3, "5"});
  ASSERT_EQ(node_.out.results.size(), 1U);
  EXPECT_EQ(node_.out.results[0].outcome, Outcome::kRefused);
  EXPECT_EQ(node_.out.results[0].text, "not newer");
  TestNode without(overlay_, kSelf, {kPeer});
  without.step(0, NewDocument{3, "8"});
  EXPECT_THAT(without.out.results.at(0).text, testing::HasSubstr("overlay.document"));
  without.deliver(0, update("8"));
  EXPECT_EQ(error_code(without.out.messages.at(0).bytes),
            static_cast<std::uint16_t>(ErrorCode::kForbidden));
}

}  // namespace
}  // namespace tests
