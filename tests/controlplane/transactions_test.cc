// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include <set>

#include "tests/controlplane/test_overlay.h"

namespace tests {
namespace {

using controlplane::overlay::Cancel;
using controlplane::overlay::Outcome;
using controlplane::overlay::Outputs;
using controlplane::overlay::Request;
using controlplane::overlay::Tick;
using wire::reload::Bytes;
using wire::reload::ErrorCode;
using wire::reload::MessageBuilder;
using wire::reload::MessageCode;

const auto kSelf = node_id(0x10);
const auto kPeer = node_id(0x40);
const auto kFar = node_id(0x80);
const auto kFarther = node_id(0xc0);

Request ping(const Bytes& destination_list, std::uint64_t ticket = 1) {
  Request request;
  request.ticket = ticket;
  request.destination_list = destination_list;
  request.body = wire::reload::ping_request_body(0);
  return request;
}

class Transactions : public testing::Test {
 protected:
  /// An answer from @p signer to the message @p request, with a code and a body of choice.
  Bytes answer(std::span<const std::byte> request, const controlplane::overlay::SigningName& signer,
               MessageCode code = MessageCode::kPingAns,
               const Bytes& body = wire::reload::ping_answer_body(5, 6)) {
    const auto asked = parsed(request);
    return MessageBuilder()
        .overlay(asked.header.overlay)
        .configuration_sequence(7)
        .transaction(asked.header.transaction_id)
        .destination(kSelf)
        .contents(code, body)
        .sign(signer.identity);
  }

  TestOverlay overlay_;
  TestNode node_{overlay_, kSelf, {kPeer, kFarther}};
};

TEST_F(Transactions, AreSentFiveTimesUnderOneTransactionIdAndFailAfterFifteenSeconds) {
  Bytes first = node_.step(0, ping(to_node(kFar))).messages.at(0).bytes;
  std::vector<std::uint64_t> sent_at{0};
  std::uint64_t failed_at = 0;
  for (std::uint64_t ns = 0; ns <= 20 * kSecond; ns += kSecond / 10) {
    const Outputs& out = node_.step(ns, Tick{});
    for (const auto& message : out.messages) {
      EXPECT_EQ(message.bytes, first) << "a retransmission differs from the request";
      sent_at.push_back(ns);
    }
    for (const auto& result : out.results) {
      EXPECT_EQ(result.outcome, Outcome::kTimedOut);
      EXPECT_EQ(result.sends, 5U);
      EXPECT_EQ(result.ticket, 1U);
      failed_at = ns;
    }
  }
  EXPECT_EQ(sent_at,
            (std::vector<std::uint64_t>{0, 3 * kSecond, 6 * kSecond, 9 * kSecond, 12 * kSecond}));
  EXPECT_EQ(failed_at, 15 * kSecond);
  EXPECT_EQ(node_.node->transactions().size(), 0U);
}

TEST_F(Transactions, EndWithTheAnswerToTheSecondSend) {
  const Bytes request = node_.step(0, ping(to_node(kFar))).messages.at(0).bytes;
  ASSERT_EQ(node_.step(3 * kSecond, Tick{}).messages.size(), 1U);
  const auto far = overlay_.identity(kFar);
  const Outputs& out = node_.deliver(3 * kSecond + 5'000'000, answer(request, far));
  ASSERT_EQ(out.results.size(), 1U);
  EXPECT_EQ(out.results[0].outcome, Outcome::kAnswered);
  EXPECT_EQ(out.results[0].sends, 2U);
  EXPECT_EQ(out.results[0].rtt_ns, 3 * kSecond + 5'000'000);
  EXPECT_EQ(out.results[0].responder, kFar);
  EXPECT_TRUE(node_.step(30 * kSecond, Tick{}).messages.empty());
}

TEST_F(Transactions, ReportAnErrorWithItsCodeAndText) {
  const Bytes request = node_.step(0, ping(to_node(kFar))).messages.at(0).bytes;
  const std::string_view why = "no";
  const auto body = wire::reload::error_body(ErrorCode::kConfigTooOld,
                                             std::as_bytes(std::span(why.data(), why.size())));
  const auto far = overlay_.identity(kFar);
  const Outputs& out = node_.deliver(1, answer(request, far, MessageCode::kError, body));
  ASSERT_EQ(out.results.size(), 1U);
  EXPECT_EQ(out.results[0].outcome, Outcome::kError);
  EXPECT_EQ(out.results[0].error_code, 0x0f);
  EXPECT_EQ(out.results[0].text, "no");
}

TEST_F(Transactions, IgnoreAnAnswerOfAnotherMethod) {  // F-10
  const Bytes request = node_.step(0, ping(to_node(kFar))).messages.at(0).bytes;
  const auto far = overlay_.identity(kFar);
  EXPECT_TRUE(node_.deliver(1, answer(request, far, MessageCode::kFindAns)).results.empty());
  EXPECT_EQ(node_.node->counters().answers_wrong_code, 1U);
  EXPECT_EQ(node_.deliver(2, answer(request, far)).results.size(), 1U);
}

TEST_F(Transactions, IgnoreAnAnswerOfAnotherNode) {  // E-11
  const Bytes request = node_.step(0, ping(to_node(kFar))).messages.at(0).bytes;
  const auto peer = overlay_.identity(kPeer);
  EXPECT_TRUE(node_.deliver(1, answer(request, peer)).results.empty());
  EXPECT_EQ(node_.node->counters().answers_wrong_signer, 1U);
  EXPECT_EQ(node_.step(3 * kSecond, Tick{}).messages.size(), 1U) << "retransmission runs on";
}

TEST_F(Transactions, TakeErrorsOfForwardersFromAnySigner) {
  const auto peer = overlay_.identity(kPeer);
  const Bytes request = node_.step(0, ping(to_node(kFar))).messages.at(0).bytes;
  const auto own = wire::reload::error_body(ErrorCode::kNotFound, {});
  EXPECT_TRUE(node_.deliver(1, answer(request, peer, MessageCode::kError, own)).results.empty());
  const auto forwarders = wire::reload::error_body(ErrorCode::kTtlExceeded, {});
  EXPECT_EQ(node_.deliver(2, answer(request, peer, MessageCode::kError, forwarders)).results.size(),
            1U);
}

TEST_F(Transactions, TakeAnyAnswerWhenTheRequestWentToTheWildcard) {
  const auto wildcard = to_node(wire::reload::NodeId::wildcard());
  const Bytes request = node_.step(0, ping(wildcard)).messages.at(0).bytes;
  const auto peer = overlay_.identity(kPeer);
  EXPECT_EQ(node_.deliver(1, answer(request, peer)).results.size(), 1U);
}

TEST_F(Transactions, TakeAnAnswerForAResourceOnlyFromANodeAsCloseAsWeKnow) {  // E-12
  // 0xb0… belongs to 0xc0…, which is a neighbour: 0xff… would be farther.
  const Bytes request = node_.step(0, ping(to_resource(node_id(0xb0)))).messages.at(0).bytes;
  const auto impostor = overlay_.identity(node_id(0xff));
  EXPECT_TRUE(node_.deliver(1, answer(request, impostor)).results.empty());
  const auto closer = overlay_.identity(node_id(0xb8));
  EXPECT_EQ(node_.deliver(2, answer(request, closer)).results.size(), 1U);
}

TEST_F(Transactions, IgnoreAnAnswerWhoseSignatureIsBad) {  // E-10
  const Bytes request = node_.step(0, ping(to_node(kFar))).messages.at(0).bytes;
  const auto far = overlay_.identity(kFar);
  Bytes forged = answer(request, far);
  forged.back() ^= std::byte{1};
  EXPECT_TRUE(node_.deliver(1, forged, 0, false).results.empty());
  EXPECT_EQ(node_.node->counters().unattributed, 1U);
  EXPECT_EQ(node_.deliver(2, answer(request, far), 0, false).results.size(), 1U);
}

TEST_F(Transactions, GiveUpEarlierWhenAskedTo) {
  Request request = ping(to_node(kFar));
  request.lifetime_ns = 4 * kSecond;
  node_.step(0, request);
  EXPECT_EQ(node_.step(3 * kSecond, Tick{}).messages.size(), 1U);
  const Outputs& out = node_.step(4 * kSecond, Tick{});
  ASSERT_EQ(out.results.size(), 1U);
  EXPECT_EQ(out.results[0].outcome, Outcome::kTimedOut);
  EXPECT_EQ(out.results[0].sends, 2U);
}

TEST_F(Transactions, AreForgottenWhenCancelled) {
  node_.step(0, ping(to_node(kFar), 5));
  node_.step(0, ping(to_node(kFar), 6));
  node_.step(0, Cancel{5, 6});
  EXPECT_EQ(node_.node->transactions().size(), 1U);
  EXPECT_EQ(node_.step(3 * kSecond, Tick{}).messages.size(), 1U);
}

TEST_F(Transactions, AskForNoTickOnceTheyEnded) {
  const auto far = overlay_.identity(kFar);
  const Bytes first = node_.step(0, ping(to_node(kFar), 1)).messages.at(0).bytes;
  const Bytes second = node_.step(1, ping(to_node(kFar), 2)).messages.at(0).bytes;
  node_.step(2, ping(to_node(kFar), 3));
  EXPECT_EQ(node_.node->next_deadline(), 3 * kSecond);
  node_.deliver(3, answer(second, far));
  EXPECT_EQ(node_.node->next_deadline(), 3 * kSecond);
  node_.deliver(4, answer(first, far));
  EXPECT_EQ(node_.node->next_deadline(), 3 * kSecond + 2);
  node_.step(5, Cancel{3, 4});
  EXPECT_EQ(node_.node->next_deadline(), controlplane::overlay::kNever);
}

TEST_F(Transactions, HaveALimitThatIsNamed) {
  auto settings = overlay_.settings(kSelf);
  settings.max_transactions = 2;
  TestNode node(overlay_, settings, {kPeer});
  node.step(0, ping(to_node(kFar)));
  node.step(0, ping(to_node(kFar)));
  const Outputs& out = node.step(0, ping(to_node(kFar)));
  ASSERT_EQ(out.results.size(), 1U);
  EXPECT_EQ(out.results[0].outcome, Outcome::kRefused);
  EXPECT_NE(out.results[0].text.find("2 transactions are open"), std::string::npos);
}

TEST_F(Transactions, RefuseWhatCannotBeSent) {
  EXPECT_EQ(node_.step(0, ping({})).results.at(0).outcome, Outcome::kRefused);
  EXPECT_EQ(node_.step(0, ping(Bytes{std::byte{9}})).results.at(0).outcome, Outcome::kRefused);
  Request request = ping(to_node(kFar));
  request.identity = 4;
  EXPECT_EQ(node_.step(0, request).results.at(0).outcome, Outcome::kRefused);
  request.identity = 0;
  request.body = wire::reload::ping_request_body(6000);
  const auto& result = node_.step(0, request).results.at(0);
  EXPECT_EQ(result.outcome, Outcome::kRefused);
  EXPECT_NE(result.text.find("max_message_size is 5000"), std::string::npos) << result.text;
}

TEST_F(Transactions, UseTtlSequenceAndRandomTransactionIds) {
  std::set<std::uint64_t> ids;
  for (int i = 0; i < 50; ++i) {
    const Outputs& out = node_.step(0, ping(to_node(kFar)));
    const auto request = parsed(out.messages.at(0).bytes);
    EXPECT_EQ(request.header.ttl, 100);
    EXPECT_EQ(request.header.configuration_sequence, 7);
    ids.insert(static_cast<std::uint64_t>(request.header.transaction_id));
  }
  EXPECT_EQ(ids.size(), 50U);
}

TEST_F(Transactions, ProbeAFailedLinkUntilItIsUp) {
  wire::shm::Event event;
  event.kind = wire::shm::EventKind::kLinkFailed;
  event.link_slot = 1;
  event.generation = TestNode::kGeneration;
  EXPECT_TRUE(node_.step(0, event).routes_changed);
  const Outputs& probe = node_.step(kSecond, Tick{});
  ASSERT_EQ(probe.messages.size(), 1U);
  EXPECT_EQ(probe.messages[0].on_link, 1);
  EXPECT_EQ(probe.messages[0].generation, TestNode::kGeneration);
  event.kind = wire::shm::EventKind::kLinkUp;
  EXPECT_TRUE(node_.step(kSecond, event).routes_changed);
  EXPECT_TRUE(node_.step(10 * kSecond, Tick{}).messages.empty());
}

}  // namespace
}  // namespace tests
