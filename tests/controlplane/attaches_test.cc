// SPDX-License-Identifier: Apache-2.0
// Attach without ICE: roles, both at once, links that do not come about (RFC 6940 section 6.5.1;
// requirements G-02 to G-13, X-30).

#include "controlplane/overlay/attaches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/controlplane/test_overlay.h"
#include "wire/reload/attach.h"

namespace tests {
namespace {

using controlplane::overlay::Answer;
using controlplane::overlay::Attaches;
using controlplane::overlay::LinkAddress;
using controlplane::overlay::Outcome;
using controlplane::overlay::Outputs;
using controlplane::overlay::RequestResult;
using controlplane::overlay::Settings;
using wire::reload::Bytes;
using wire::reload::ErrorCode;
using wire::reload::NodeId;

LinkAddress address(std::uint8_t host) {
  LinkAddress address;
  address.endpoint.family = 4;
  address.endpoint.port = 6084;
  address.endpoint.address[12] = 192;
  address.endpoint.address[14] = 2;
  address.endpoint.address[15] = host;
  return address;
}

/// One end of an Attach.
struct End {
  explicit End(unsigned first) {
    settings.self = node_id(first);
    settings.addresses = {address(static_cast<std::uint8_t>(first))};
  }
  Attaches::Served hear(const End& other, const Bytes& body, bool is_linked = false) {
    return attaches.serve(at(kSecond), other.settings.self, body, is_linked, out);
  }
  void hear_answer(std::uint64_t request, const End& other, const Answer& answer) {
    RequestResult result;
    result.ticket = request;
    result.responder = other.settings.self;
    result.outcome = answer.is_error() ? Outcome::kError : Outcome::kAnswered;
    result.body = answer.body;
    if (answer.is_error()) result.error_code = code_of(answer);
    attaches.answered(at(kSecond), result, false, out, ended);
  }
  static std::uint16_t code_of(const Answer& answer) {
    wire::reload::ErrorResponse error;
    EXPECT_TRUE(wire::reload::parse_error_response(answer.body, error).ok());
    return error.error_code;
  }

  Settings settings;
  Attaches attaches{settings};
  Outputs out;
  std::vector<Attaches::Ended> ended;
};

TEST(Attach, WhoAsksIsConnectedToByWhoAnswers) {
  End asks(0x10);
  End answers(0x20);
  asks.attaches.requested(7, 70, std::nullopt);
  const auto served = answers.hear(asks, asks.attaches.request_body(true));
  ASSERT_FALSE(served.answer.is_error());
  EXPECT_FALSE(served.send_update) << "not before the link is up";
  ASSERT_EQ(answers.out.open_links.size(), 1U);
  EXPECT_TRUE(answers.out.open_links[0].active);  // TLS client, connects
  EXPECT_EQ(answers.out.open_links[0].peer, asks.settings.self);
  EXPECT_EQ(answers.out.open_links[0].addresses[0].endpoint, address(0x10).endpoint);

  asks.hear_answer(7, answers, served.answer);
  ASSERT_EQ(asks.out.open_links.size(), 1U);
  EXPECT_FALSE(asks.out.open_links[0].active);  // G-25
  EXPECT_TRUE(asks.ended.empty()) << "an answer is no link";

  EXPECT_TRUE(answers.attaches.linked(asks.settings.self, answers.ended)) << "G-04";
  EXPECT_FALSE(asks.attaches.linked(answers.settings.self, asks.ended));
  ASSERT_EQ(asks.ended.size(), 1U);
  EXPECT_EQ(asks.ended[0].ticket, 70U);
  EXPECT_EQ(asks.ended[0].outcome, Outcome::kAnswered);
  EXPECT_EQ(asks.ended[0].peer, answers.settings.self);
  EXPECT_EQ(asks.attaches.forming() + answers.attaches.forming(), 0U);
}

TEST(Attach, OfTwoAtOnceTheGreaterNodeIdGoesOn) {  // G-10
  End smaller(0x10);
  End greater(0x20);
  smaller.attaches.requested(1, 11, greater.settings.self);
  greater.attaches.requested(2, 22, smaller.settings.self);

  const auto to_smaller = greater.hear(smaller, smaller.attaches.request_body(false));
  ASSERT_TRUE(to_smaller.answer.is_error());
  EXPECT_EQ(End::code_of(to_smaller.answer), static_cast<std::uint16_t>(ErrorCode::kInProgress));
  const auto to_greater = smaller.hear(greater, greater.attaches.request_body(false));
  ASSERT_FALSE(to_greater.answer.is_error());
  EXPECT_EQ(to_greater.cancel_request, 1U);

  greater.hear_answer(2, smaller, to_greater.answer);
  smaller.attaches.linked(greater.settings.self, smaller.ended);
  greater.attaches.linked(smaller.settings.self, greater.ended);
  ASSERT_EQ(smaller.ended.size(), 1U) << "the one link is what both wished for";
  EXPECT_EQ(smaller.ended[0].ticket, 11U);
  ASSERT_EQ(greater.ended.size(), 1U);
  EXPECT_EQ(greater.ended[0].ticket, 22U);
}

TEST(Attach, InProgressWaitsForTheLinkOfTheOther) {  // G-09, the asking side
  End asks(0x10);
  End busy(0x20);
  asks.attaches.requested(1, 11, busy.settings.self);
  asks.hear_answer(1, busy, Answer::error(ErrorCode::kInProgress, {}));
  EXPECT_TRUE(asks.ended.empty());
  asks.attaches.linked(busy.settings.self, asks.ended);
  ASSERT_EQ(asks.ended.size(), 1U);
  EXPECT_EQ(asks.ended[0].outcome, Outcome::kAnswered);
}

TEST(Attach, AfterInProgressTheAttachOfTheOtherIsAnswered) {  // G-10, told before it is asked
  End smaller(0x10);
  End greater(0x20);
  smaller.attaches.requested(1, 11, greater.settings.self);
  greater.attaches.requested(2, 22, smaller.settings.self);
  const auto to_smaller = greater.hear(smaller, smaller.attaches.request_body(false));
  smaller.hear_answer(1, greater, to_smaller.answer);
  const auto to_greater = smaller.hear(greater, greater.attaches.request_body(false));
  ASSERT_FALSE(to_greater.answer.is_error());
  ASSERT_EQ(smaller.out.open_links.size(), 1U);
  EXPECT_TRUE(smaller.out.open_links[0].active);
  smaller.attaches.linked(greater.settings.self, smaller.ended);
  ASSERT_EQ(smaller.ended.size(), 1U);
  EXPECT_EQ(smaller.ended[0].ticket, 11U);
}

TEST(Attach, WithALinkTheOwnOneIsLeftToItsAnswer) {
  End asks(0x20);
  End answers(0x10);
  answers.attaches.requested(1, 11, asks.settings.self);
  const auto served = answers.hear(asks, asks.attaches.request_body(true), true);
  EXPECT_FALSE(served.answer.is_error());
  EXPECT_FALSE(served.cancel_request) << "nothing is made, so nothing is overtaken";
  EXPECT_TRUE(answers.out.open_links.empty());
}

TEST(Attach, IsInProgressWhileOursIsBeingMade) {  // G-09, the answering side
  End asks(0x20);
  End answers(0x10);
  asks.attaches.requested(1, 11, answers.settings.self);
  const auto served = answers.hear(asks, asks.attaches.request_body(false));
  asks.hear_answer(1, answers, served.answer);
  const auto late = asks.hear(answers, answers.attaches.request_body(false));
  ASSERT_TRUE(late.answer.is_error());
  EXPECT_EQ(End::code_of(late.answer), static_cast<std::uint16_t>(ErrorCode::kInProgress));
}

TEST(Attach, WithALinkOnlyTheUpdateIsLeft) {
  End asks(0x10);
  End answers(0x20);
  const auto served = answers.hear(asks, asks.attaches.request_body(true), true);
  EXPECT_FALSE(served.answer.is_error());
  EXPECT_TRUE(served.send_update);
  EXPECT_TRUE(answers.out.open_links.empty());
}

TEST(Attach, GivesUpALinkThatDoesNotComeAbout) {
  End asks(0x10);
  End answers(0x20);
  asks.attaches.requested(1, 11, std::nullopt);
  asks.hear_answer(1, answers, answers.hear(asks, asks.attaches.request_body(false)).answer);
  const std::uint64_t due = asks.attaches.next_deadline();
  EXPECT_EQ(due, kSecond + asks.settings.link_wait_ns());
  asks.attaches.expire(at(due - 1), asks.out, asks.ended);
  EXPECT_TRUE(asks.ended.empty());
  asks.attaches.expire(at(due), asks.out, asks.ended);
  ASSERT_EQ(asks.ended.size(), 1U);
  EXPECT_EQ(asks.ended[0].outcome, Outcome::kTimedOut);
  EXPECT_THAT(asks.out.forget_links, testing::ElementsAre(answers.settings.self));
  EXPECT_EQ(asks.attaches.next_deadline(), controlplane::overlay::kNever);
}

TEST(Attach, RefusesWhatLeadsNowhere) {
  End asks(0x10);
  End answers(0x20);
  const auto refusal = [&](const Bytes& body) {
    const auto served = answers.hear(asks, body);
    EXPECT_TRUE(answers.out.open_links.empty());
    return served.answer.is_error() ? End::code_of(served.answer) : std::uint16_t{0};
  };
  const auto invalid = static_cast<std::uint16_t>(ErrorCode::kInvalidMessage);
  EXPECT_EQ(refusal({}), invalid);
  Bytes cut = asks.attaches.request_body(false);
  cut.pop_back();
  EXPECT_EQ(refusal(cut), invalid);

  // Nowhere to connect to: multicast, no address, port 0.
  const auto incompatible = static_cast<std::uint16_t>(ErrorCode::kIncompatibleWithOverlay);
  for (const auto& [first, port] : {std::pair{224, 6084}, std::pair{0, 6084}, std::pair{192, 0}}) {
    asks.settings.addresses[0].endpoint.address[12] = static_cast<std::uint8_t>(first);
    asks.settings.addresses[0].endpoint.port = static_cast<std::uint16_t>(port);
    EXPECT_EQ(refusal(asks.attaches.request_body(false)), incompatible) << first << ' ' << port;
  }
  asks.settings.addresses.clear();
  EXPECT_EQ(refusal(asks.attaches.request_body(false)), incompatible);

  // An answer where a request should be (G-03).
  End third(0x30);
  const auto served = answers.hear(third, third.attaches.request_body(false));
  answers.out.clear();
  EXPECT_EQ(refusal(served.answer.body), invalid);
}

TEST(Attach, MakesNoMoreLinksAtATimeThanItMay) {  // G-11
  End answers(0x20);
  answers.settings.max_forming_links = 2;
  for (const unsigned other : {0x30U, 0x40U}) {
    EXPECT_FALSE(
        answers.hear(End(other), End(other).attaches.request_body(false)).answer.is_error());
  }
  EXPECT_TRUE(answers.hear(End(0x50), End(0x50).attaches.request_body(false)).answer.is_error());
  EXPECT_FALSE(answers.hear(End(0x40), End(0x40).attaches.request_body(false)).answer.is_error())
      << "the same once more is no new link";
  EXPECT_EQ(answers.attaches.forming(), 2U);
}

}  // namespace
}  // namespace tests
