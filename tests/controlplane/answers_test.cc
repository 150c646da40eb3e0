// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include "tests/controlplane/test_overlay.h"

namespace tests {
namespace {

using controlplane::overlay::Outcome;
using controlplane::overlay::Outputs;
using controlplane::overlay::Refusal;
using controlplane::overlay::Request;
using controlplane::overlay::UnknownSigner;
using wire::reload::Bytes;
using wire::reload::ErrorCode;
using wire::reload::MessageBuilder;
using wire::reload::MessageCode;
using wire::reload::TransactionId;
using wire::shm::DropReason;

const auto kSelf = node_id(0x40);
const auto kPeer = node_id(0x10);
const auto kOrigin = node_id(0x05);

class Answers : public testing::Test {
 protected:
  MessageBuilder ping(std::uint64_t transaction = 77) const {
    MessageBuilder builder;
    builder.overlay(overlay_.settings(kSelf).overlay)
        .configuration_sequence(7)
        .ttl(100)
        .transaction(TransactionId{transaction})
        .destination(kSelf)
        .contents(MessageCode::kPingReq, wire::reload::ping_request_body(3));
    return builder;
  }
  /// The error code @p request is answered with; 0 when with a Ping answer, -1 with nothing.
  int answered(const MessageBuilder& request) {
    const Outputs& out = node_.deliver(0, request.sign(origin_.identity));
    return out.messages.size() == 1 ? error_code(out.messages[0].bytes) : -1;
  }

  TestOverlay overlay_;
  TestNode node_{overlay_, kSelf, {kPeer}};
  controlplane::overlay::SigningName origin_ = overlay_.identity(kOrigin);
};

TEST_F(Answers, GoBackAlongTheReversedViaListWithOpaqueEntriesAsTheyWere) {  // B-23
  const Bytes compact{std::byte{0x83}, std::byte{0x21}};
  Bytes opaque(16);
  opaque.resize(wire::reload::write_opaque_entry(Bytes{std::byte{1}, std::byte{2}}, opaque));
  const auto request =
      ping().via(kOrigin).via_entry(compact).via_entry(opaque).sign(origin_.identity);
  const Outputs& out = node_.deliver(0, request);
  ASSERT_EQ(out.messages.size(), 1U);
  EXPECT_EQ(out.messages[0].on_link, wire::shm::kNoLink);
  const auto answer = parsed(out.messages[0].bytes);
  Bytes expected = to_node(kPeer);
  expected.insert(expected.end(), opaque.begin(), opaque.end());
  expected.insert(expected.end(), compact.begin(), compact.end());
  const Bytes origin = to_node(kOrigin);
  expected.insert(expected.end(), origin.begin(), origin.end());
  EXPECT_EQ(Bytes(answer.destination_list.begin(), answer.destination_list.end()), expected);
  EXPECT_TRUE(answer.via_list.empty());
  EXPECT_EQ(answer.contents.message_code, 0x18);
  EXPECT_EQ(answer.header.transaction_id, TransactionId{77});
  EXPECT_EQ(answer.header.ttl, 100);
  wire::reload::PingAnswer body;
  ASSERT_TRUE(wire::reload::parse_ping_answer(answer.contents.body, body).ok());
  EXPECT_EQ(body.time_ms, kUnixMs);  // G-34
}

TEST_F(Answers, AreSignedByThisNode) {
  const Outputs& out = node_.deliver(0, ping().sign(origin_.identity));
  const Bytes answer = out.messages.at(0).bytes;
  EXPECT_EQ(parsed(answer).security.signature.signer, node_.node->names().front().identity.signer);
  // A node that trusts the same root takes the answer's signature and certificate.
  TestNode requester(overlay_, kOrigin, {kSelf});
  Request request;
  request.destination_list = to_node(kSelf);
  requester.deliver(0, answer, 0, false);
  EXPECT_EQ(requester.node->counters().unattributed, 0U);
  EXPECT_EQ(requester.node->counters().answers_unmatched, 1U);
}

TEST_F(Answers, CopyOptionsWithResponseCopyAndClearTheirFlags) {  // B-40, B-41
  const Bytes value{std::byte{0xaa}};
  const auto request = ping()
                           .option(5, wire::reload::kResponseCopy, value)
                           .option(6, 0, value)
                           .sign(origin_.identity);
  const Bytes answer = node_.deliver(0, request).messages.at(0).bytes;
  const auto response = parsed(answer);
  wire::reload::ForwardingOption option;
  ASSERT_TRUE(wire::reload::read_option(response.options, option).ok());
  EXPECT_EQ(option.type, 5);
  EXPECT_EQ(option.flags, 0);
  EXPECT_EQ(option.encoded.size(), response.options.size()) << "only one option is copied";
}

TEST_F(Answers, ToARepeatedRequestAreTheSameForFifteenSeconds) {  // F-06
  const auto request = ping().via(kOrigin).sign(origin_.identity);
  const Bytes first = node_.deliver(0, request).messages.at(0).bytes;
  EXPECT_EQ(node_.deliver(14 * kSecond, request).messages.at(0).bytes, first);
  EXPECT_EQ(node_.node->counters().answers_repeated, 1U);
  const Bytes later = node_.deliver(15 * kSecond, request).messages.at(0).bytes;
  EXPECT_NE(later, first) << "forgotten, so answered anew with another response_id";
}

TEST_F(Answers, ToARepeatedRequestFollowTheWayOfTheRepetition) {
  const Outputs& once = node_.deliver(0, ping().via(kOrigin).sign(origin_.identity));
  const Bytes first = once.messages.at(0).bytes;
  const Outputs& again = node_.deliver(1, ping().via(node_id(9)).sign(origin_.identity));
  const Bytes second = again.messages.at(0).bytes;
  EXPECT_EQ(Bytes(parsed(first).contents.encoded.begin(), parsed(first).contents.encoded.end()),
            Bytes(parsed(second).contents.encoded.begin(), parsed(second).contents.encoded.end()));
  Bytes expected = to_node(kPeer);
  const Bytes via = to_node(node_id(9));
  expected.insert(expected.end(), via.begin(), via.end());
  EXPECT_EQ(Bytes(parsed(second).destination_list.begin(), parsed(second).destination_list.end()),
            expected);
}

TEST_F(Answers, RefuseAnotherConfigurationSequence) {  // B-43 to B-47
  EXPECT_EQ(answered(ping(1).configuration_sequence(6)), 0x0f);
  EXPECT_EQ(answered(ping(2).configuration_sequence(8)), 0x10);
  EXPECT_EQ(answered(ping(3).configuration_sequence(65534)), 0x0f) << "older, across the wrap";
  EXPECT_EQ(answered(ping(4).configuration_sequence(7 + 32767)), 0x10);
  EXPECT_EQ(answered(ping(5).configuration_sequence(7 + 32768)), 0x0f);
  EXPECT_EQ(answered(ping(6).configuration_sequence(7)), 0);
}

TEST_F(Answers, RefuseCriticalOptionsAndExtensions) {
  EXPECT_EQ(answered(ping(1).option(9, wire::reload::kDestinationCritical, {})), 0x07);  // B-39
  EXPECT_EQ(answered(ping(2).option(9, 0, {})), 0);
  EXPECT_EQ(answered(ping(3).extension(300, true, {})), 0x0d);  // F-11
  EXPECT_EQ(answered(ping(4).extension(300, false, {})), 0);
}

TEST_F(Answers, RefuseMethodsThatAreNotServed) {
  EXPECT_EQ(answered(ping(1).contents(MessageCode::kFetchReq, {})), 0x14);
  EXPECT_EQ(answered(ping(2).raw_code(0x1235)), 0x14);
  EXPECT_EQ(answered(ping(3).contents(MessageCode::kPingReq, Bytes{std::byte{0}, std::byte{9}})),
            0x14)
      << "padding that is not there";
}

TEST_F(Answers, DoNotExceedTheRequestersLimit) {  // B-42, X-01
  EXPECT_EQ(answered(ping(1).max_response_length(100)), 0x0e);
  EXPECT_EQ(answered(ping(2).max_response_length(100000)), 0);
}

TEST_F(Answers, AreNotGivenOverALinkWhoseSlotHasAnotherNodeNow) {
  const auto request = ping().sign(origin_.identity);
  const Outputs& out =
      node_.step(0, controlplane::overlay::Delivery{request, {0, TestNode::kGeneration + 1}, true});
  EXPECT_TRUE(out.messages.empty());
}

TEST_F(Answers, AreNotGivenToAForgedRequest) {  // E-10
  Bytes request = ping().sign(origin_.identity);
  request.back() ^= std::byte{1};
  EXPECT_TRUE(node_.deliver(0, request, 0, false).messages.empty());
  EXPECT_EQ(node_.node->counters().unattributed, 1U);
}

class DroppedWith : public Answers, public testing::WithParamInterface<std::size_t> {};

TEST_P(DroppedWith, IsAnsweredAsTheListSays) {
  const auto reason = static_cast<DropReason>(GetParam());
  const std::string_view answer = wire::shm::kDropReasons[GetParam()].answer;
  const auto request = ping().via(kOrigin).sign(origin_.identity);
  const Outputs& out = node_.step(0, Refusal{request, {0, TestNode::kGeneration}, false, reason});
  if (answer == "-") {
    EXPECT_TRUE(out.messages.empty());
    return;
  }
  ASSERT_EQ(out.messages.size(), 1U);
  const char* name = wire::reload::error_code_name(error_code(out.messages[0].bytes));
  ASSERT_NE(name, nullptr);
  EXPECT_EQ(answer, name);
}
INSTANTIATE_TEST_SUITE_P(EachReason, DroppedWith,
                         testing::Range(std::size_t{0}, wire::shm::kDropReasonCount),
                         [](const auto& each) {
                           return std::string(wire::shm::kDropReasons[each.param].name);
                         });

TEST_F(Answers, AreNeverGivenToResponsesErrorsOrForgeries) {
  const auto refuse = [&](const Bytes& message) {
    return node_
        .step(0, Refusal{message, {0, TestNode::kGeneration}, false, DropReason::kTtlExceeded})
        .messages.size();
  };
  const Bytes body = wire::reload::ping_answer_body(1, 2);
  EXPECT_EQ(refuse(ping().contents(MessageCode::kPingAns, body).sign(origin_.identity)), 0U);
  const Bytes error = wire::reload::error_body(ErrorCode::kNotFound, {});
  EXPECT_EQ(refuse(ping().contents(MessageCode::kError, error).sign(origin_.identity)), 0U);
  Bytes forged = ping().sign(origin_.identity);
  forged.back() ^= std::byte{1};
  EXPECT_EQ(refuse(forged), 0U);
  EXPECT_EQ(refuse(ping().sign(origin_.identity)), 1U);
  EXPECT_EQ(node_.node->counters().errors_suppressed, 3U);
}

TEST_F(Answers, ToDroppedRequestsAreMetered) {
  std::size_t errors = 0;
  const auto flood = [&](std::uint64_t ns) {
    for (std::uint64_t i = 0; i < 200; ++i) {
      const auto request = ping(i).sign(origin_.identity);
      errors +=
          node_
              .step(ns,
                    Refusal{request, {0, TestNode::kGeneration}, true, DropReason::kTtlExceeded})
              .messages.size();
    }
  };
  flood(0);
  EXPECT_EQ(errors, controlplane::overlay::ErrorMeter::kBurst);
  errors = 0;
  flood(kSecond / 2);
  EXPECT_EQ(errors, controlplane::overlay::ErrorMeter::kPerSecond / 2);
}

TEST_F(Answers, ComeForFragmentedRequests) {
  const auto whole = ping()
                         .contents(MessageCode::kPingReq, wire::reload::ping_request_body(3000))
                         .sign(origin_.identity);
  const auto pieces = wire::reload::fragment_message(whole, 1400);
  ASSERT_GT(pieces.size(), 2U);
  std::size_t answers = 0;
  for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) {
    answers += node_.deliver(0, *piece, 0, false).messages.size();
  }
  EXPECT_EQ(answers, 1U);
  EXPECT_EQ(node_.node->counters().reassembled, 1U);
}

TEST_F(Answers, TwoCoresExchangeAPing) {
  TestNode requester(overlay_, kPeer, {kSelf});
  Request request;
  request.ticket = 9;
  request.destination_list = to_node(kSelf);
  request.body = wire::reload::ping_request_body(10);
  const Bytes question = requester.step(0, request).messages.at(0).bytes;
  const Bytes answer = node_.deliver(1'000'000, question, 0, false).messages.at(0).bytes;
  const Outputs& out = requester.deliver(2'000'000, answer, 0, false);
  ASSERT_EQ(out.results.size(), 1U);
  EXPECT_EQ(out.results[0].outcome, Outcome::kAnswered);
  EXPECT_EQ(out.results[0].responder, kSelf);
  EXPECT_EQ(out.results[0].rtt_ns, 2'000'000U);
}

TEST_F(Answers, EveryAlgorithmIsAttributed) {
  for (const auto algorithm : {crypto::Algorithm::kRsaPkcs1Sha256,
                               crypto::Algorithm::kEcdsaP256Sha256, crypto::Algorithm::kEd25519}) {
    const auto signer = overlay_.identity(kOrigin, algorithm);
    EXPECT_EQ(node_.deliver(0, ping().sign(signer.identity), 0, false).messages.size(), 1U)
        << crypto::algorithm_name(algorithm);
  }
}

TEST_F(Answers, UnknownSignersAreJudgedOnceAndToldAgainWhenAskedAgain) {
  const auto request = ping().sign(origin_.identity);
  for (int round = 0; round < 2; ++round) {
    const Outputs& out = node_.step(0, UnknownSigner{request, {0, TestNode::kGeneration}});
    ASSERT_EQ(out.commands.size(), 1U);
    EXPECT_EQ(out.commands[0].kind, wire::shm::CommandKind::kUpsertSigner);
    EXPECT_EQ(out.commands[0].signer.refused, 0);
    EXPECT_EQ(out.commands[0].signer.node_id, kOrigin);
    EXPECT_EQ(out.commands[0].signer.key, origin_.identity.signer);
  }
  EXPECT_EQ(node_.node->counters().signers_accepted, 1U);
}

TEST_F(Answers, SignersOfAnotherAuthorityAreRefusedAndLookedAtAgainLater) {
  const TestOverlay other;
  const auto stranger = other.identity(kOrigin);
  const auto request = ping().sign(stranger.identity);
  const Outputs& out = node_.step(0, UnknownSigner{request, {0, TestNode::kGeneration}});
  ASSERT_EQ(out.commands.size(), 1U);
  EXPECT_EQ(out.commands[0].signer.refused, 1);
  EXPECT_EQ(out.notes.size(), 1U);
  EXPECT_TRUE(node_.deliver(1, request, 0, false).messages.empty());
  constexpr auto kRefusalNs = controlplane::trust::SignerDirectory::kRefusalNs;
  EXPECT_LE(node_.node->next_deadline(), kRefusalNs);
  node_.step(kRefusalNs, controlplane::overlay::Tick{});
  ASSERT_EQ(node_.out.commands.size(), 1U);
  EXPECT_EQ(node_.out.commands[0].kind, wire::shm::CommandKind::kRemoveSigner);
  EXPECT_EQ(node_.node->next_deadline(), controlplane::overlay::kNever) << "nothing to look after";
}

TEST_F(Answers, NobodyIsRefusedForACertificateThatIsNotTheirs) {
  const TestOverlay other;
  auto quoted = origin_.identity;                                       // names an honest signer…
  quoted.certificates = other.identity(kOrigin).identity.certificates;  // …beside a bad certificate
  const auto request = ping().sign(quoted);
  const Outputs& out = node_.step(0, UnknownSigner{request, {0, TestNode::kGeneration}});
  EXPECT_TRUE(out.commands.empty());
  EXPECT_EQ(node_.node->counters().signers_absent, 1U);
}

TEST_F(Answers, AFullDirectoryForgetsTheSignerHeardOfLongestAgo) {
  auto settings = overlay_.settings(kSelf);
  settings.max_signers = 2;
  TestNode node(overlay_, settings, {kPeer});
  std::vector<controlplane::overlay::SigningName> signers;
  for (unsigned i = 0; i < 3; ++i) signers.push_back(overlay_.identity(node_id(0x60 + i)));
  const auto ask = [&](std::size_t index) {
    const auto request = ping(index).sign(signers[index].identity);
    return node.step(0, UnknownSigner{request, {0, TestNode::kGeneration}}).commands;
  };
  static_cast<void>(ask(0));
  static_cast<void>(ask(1));
  static_cast<void>(ask(0));
  const auto commands = ask(2);
  ASSERT_EQ(commands.size(), 2U);
  EXPECT_EQ(commands[0].kind, wire::shm::CommandKind::kRemoveSigner);
  EXPECT_EQ(commands[0].signer.key, signers[1].identity.signer);
  EXPECT_EQ(node.node->signers().size(), 2U);
}

}  // namespace
}  // namespace tests
