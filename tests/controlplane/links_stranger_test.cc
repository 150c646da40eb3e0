// SPDX-License-Identifier: Apache-2.0
// Links between nodes that have no record of each other: a bootstrap node is called by whoever
// wants to join (RFC 6940 section 11.4), and the sides of an Attach have fixed roles
// (section 6.5.1).

#include <gtest/gtest.h>

#include <string>

#include "tests/controlplane/links_rig.h"

namespace tests {
namespace {

using controlplane::links::Failure;
using controlplane::links::HandshakeSettings;
using controlplane::links::Initiative;
using controlplane::links::kSecond;
using controlplane::links::LinkReport;
using controlplane::links::Role;
using wire::reload::NodeId;

NodeId node(unsigned char byte) {
  NodeId id;
  id.bytes.fill(std::byte{byte});
  return id;
}
const NodeId kCaller = node(0xee);
const NodeId kCalled = node(0x11);
const NodeId kNobody{};

class LinksStranger : public ::testing::Test {
 protected:
  [[nodiscard]] std::shared_ptr<const controlplane::links::SecureContext> context(
      const NodeId& id) const {
    return make_context(overlay_.context_settings(overlay_.identity(id)));
  }
  void call(LinkNode& from, const NodeId& whom = kNobody) const {
    from.link_to(links_at(kSecond), whom, 2, 1500, Initiative::kOurs);
  }
  LinkOverlay overlay_;
  LinkNode caller_{kCaller, 1, context(kCaller)};
  LinkNode called_{kCalled, 2, context(kCalled)};
  LinkNetwork network_{caller_, called_, 1};

  [[nodiscard]] bool both_secure() const { return caller_.is_secure() && called_.is_secure(); }
};

TEST_F(LinksStranger, IsAdmittedAndEachLearnsWhoTheOtherIs) {
  called_.admits_strangers = true;
  call(caller_);
  ASSERT_TRUE(network_.run_until([&] { return both_secure(); }, 5 * kSecond));
  ASSERT_EQ(caller_.reports.size(), 1U);
  EXPECT_EQ(caller_.reports[0].kind, LinkReport::Kind::kSecured);
  EXPECT_EQ(caller_.reports[0].role, Role::kClient);
  EXPECT_EQ(caller_.reports[0].peer, kCalled);
  ASSERT_EQ(called_.reports.size(), 1U);
  EXPECT_EQ(called_.reports[0].role, Role::kServer);
  EXPECT_EQ(called_.reports[0].peer, kCaller);
  EXPECT_EQ(called_.counters().hello_verify_requests, 1U);

  const controlplane::links::Bytes sent(5, std::byte{7});
  ASSERT_TRUE(caller_.send_data(sent));
  network_.run_for(kSecond);
  ASSERT_EQ(called_.data.size(), 1U);
  EXPECT_EQ(called_.data[0], sent);
}

TEST_F(LinksStranger, LeavesNoTraceBeforeItShowedThatItIsWhereItSays) {
  called_.admits_strangers = true;
  // The HelloVerifyRequest never arrives: the caller repeats a hello without a cookie.
  network_.swallow = [](unsigned to, auto) { return to == 1; };
  call(caller_);
  network_.run_for(20 * kSecond);
  EXPECT_GE(called_.counters().hello_verify_requests, 3U);
  EXPECT_EQ(called_.handshakes->half_open(), 0U);
  EXPECT_TRUE(called_.handshakes->status().empty());
}

TEST_F(LinksStranger, IsNotAnsweredWhereNobodyAsksForStrangers) {
  call(caller_);
  network_.run_for(20 * kSecond);
  EXPECT_GE(called_.counters().unknown_source, 3U);
  EXPECT_EQ(called_.counters().hello_verify_requests, 0U);
  EXPECT_FALSE(caller_.is_secure());
}

TEST_F(LinksStranger, IsNotAdmittedWithACertificateOfAnotherOverlay) {
  const LinkOverlay foreign;
  LinkNode stranger(kCaller, 1, make_context(foreign.context_settings(foreign.identity(kCaller))));
  LinkNetwork network(stranger, called_, 2);
  called_.admits_strangers = true;
  call(stranger);
  network.run_for(5 * kSecond);
  EXPECT_FALSE(called_.is_secure());
  ASSERT_FALSE(called_.reports.empty());
  EXPECT_EQ(called_.reports[0].kind, LinkReport::Kind::kHandshakeFailed);
  EXPECT_EQ(called_.reports[0].peer, kNobody);
  EXPECT_EQ(called_.reports[0].retry_ns, 0U);  // it was theirs to begin
}

TEST_F(LinksStranger, IsNotAdmittedWhileTooManyHandshakesGoOn) {
  HandshakeSettings settings;
  settings.max_half_open = 0;
  LinkNode full(kCalled, 2, context(kCalled), settings);
  full.admits_strangers = true;
  LinkNetwork network(caller_, full, 3);
  call(caller_);
  network.run_for(3 * kSecond);
  EXPECT_GE(full.counters().half_open_full, 1U);
  EXPECT_TRUE(full.handshakes->status().empty());
}

TEST_F(LinksStranger, CannotBeCalledWithASharedSecretWhichDoesNotSayWhoItIs) {
  auto settings = overlay_.context_settings(overlay_.identity(kCalled));
  settings.shared_secret = {"overlay", controlplane::links::Bytes(32, std::byte{9})};
  LinkNode called(kCalled, 2, make_context(settings));
  called.admits_strangers = true;
  LinkNetwork network(caller_, called, 4);
  call(caller_);
  network.run_for(5 * kSecond);
  EXPECT_EQ(called.counters().hello_verify_requests, 0U);
}

TEST_F(LinksStranger, BecomesAPeerThatNobodyElseCanReplace) {
  called_.admits_strangers = true;
  call(caller_);
  ASSERT_TRUE(network_.run_until([&] { return both_secure(); }, 5 * kSecond));
  // From the same address, with a good certificate for another Node-ID.
  LinkNode other(node(0x77), 1, context(node(0x77)));
  LinkNetwork network(other, called_, 5);
  network.now_ns = network_.now_ns + kSecond;
  other.link_to(network.now(), kCalled, 2, 1500, Initiative::kOurs);
  network.run_for(5 * kSecond);
  EXPECT_FALSE(other.is_secure());
  EXPECT_EQ(called_.installed.size(), 1U);
  EXPECT_EQ(called_.reports.back().failure.failure, Failure::kCertificateRefused);
}

TEST_F(LinksStranger, WaitsForTheOtherSideOfAnAttachAndRenewsByNodeIds) {
  // By Node-IDs the called one would begin; the Attach made it passive.
  called_.link_to(links_at(kSecond), kCaller, 1, 1500, Initiative::kTheirs);
  network_.run_for(10 * kSecond);
  EXPECT_EQ(called_.counters().started, 0U);
  caller_.link_to(network_.now(), kCalled, 2, 1500, Initiative::kOurs);
  ASSERT_TRUE(network_.run_until([&] { return both_secure(); }, 5 * kSecond));
  EXPECT_EQ(caller_.counters().started, 1U);
  EXPECT_EQ(called_.counters().accepted, 1U);
  for (LinkNode* const side : {&caller_, &called_}) {
    side->handshakes->want_association(network_.now(), LinkNode::kSlot, LinkNode::kGeneration,
                                       side->installed.back(), side->out);
    side->carry_out();
  }
  ASSERT_TRUE(network_.run_until([&] { return caller_.installed.size() == 2; }, 5 * kSecond));
  EXPECT_EQ(called_.counters().started, 1U);
}

TEST_F(LinksStranger, IsCalledInTheEndWhenItBelievesToHaveTheLink) {
  caller_.link_to(network_.now(), kCalled, 2, 1500, Initiative::kOurs);
  called_.link_to(network_.now(), kCaller, 1, 1500, Initiative::kTheirs);
  ASSERT_TRUE(network_.run_until([&] { return both_secure(); }, 5 * kSecond));
  // The called one starts anew and attaches; the caller has a link and sees nothing to be done.
  LinkNode anew(kCalled, 2, context(kCalled));
  LinkNetwork network(caller_, anew, 5);
  network.now_ns = network_.now_ns + kSecond;
  const std::uint64_t begun_ns = network.now_ns;
  anew.link_to(network.now(), kCaller, 1, 1500, Initiative::kTheirsFirst);
  ASSERT_TRUE(network.run_until([&] { return anew.is_secure(); }, 5 * kSecond));
  EXPECT_GE(network.now_ns - begun_ns, controlplane::links::HandshakeSettings{}.long_patience_ns);
  EXPECT_EQ(anew.counters().started, 1U);
  EXPECT_EQ(caller_.reports.back().kind, controlplane::links::LinkReport::Kind::kRekeyed);
}

}  // namespace
}  // namespace tests
