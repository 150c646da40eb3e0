// SPDX-License-Identifier: Apache-2.0
#include "dataplane/commands.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace dataplane {
namespace {

using wire::shm::Command;
using wire::shm::CommandKind;

Command command(CommandKind kind) {
  Command out;
  out.kind = kind;
  return out;
}

Command link(std::uint16_t slot, std::uint8_t generation = 0) {
  Command out = command(CommandKind::kUpsertLink);
  out.link = {};
  out.link.slot = slot;
  out.link.generation = generation;
  out.link.local.family = out.link.remote.family = 4;
  out.link.local.port = out.link.remote.port = 6084;
  out.link.remote.address[15] = static_cast<std::uint8_t>(slot);
  return out;
}

Command signer(std::uint8_t n) {
  Command out = command(CommandKind::kUpsertSigner);
  out.signer = {};
  out.signer.key.hash[0] = static_cast<std::byte>(n);
  out.signer.refused = 1;
  return out;
}

/// Notes what was asked of it.
class Noted : public CommandEffects {
 public:
  bool prepare_link(const wire::shm::LinkRecord& record, std::string& why) override {
    if (record.port != 0) return why = "no such port", false;
    ++prepared;
    return true;
  }
  void links_changed() override { ++changed; }
  void set_trace(const wire::shm::TraceSetting& setting) override { trace = setting; }
  bool start_capture(const wire::shm::CaptureSetting& setting, std::string& why) override {
    if (setting.path[0] == 0) return why = "no path", false;
    capturing = true;
    return true;
  }
  void stop_capture() override { capturing = false; }

  unsigned prepared = 0;
  unsigned changed = 0;
  bool capturing = false;
  wire::shm::TraceSetting trace{};
};

class CommandsTest : public ::testing::Test {
 protected:
  void apply(const Command& one) { applier_.apply(one); }
  std::unique_ptr<Quiescence> quiescence_ = Quiescence::create(1);
  std::string why_;
  std::unique_ptr<AssociationStore> keys_ = AssociationStore::create(8, why_);
  std::unique_ptr<LinkTable> links_ = LinkTable::create(16, 1, *quiescence_, keys_.get());
  std::unique_ptr<SignerTable> signers_ = SignerTable::create(16, *quiescence_);
  wire::shm::DataplaneStatus status_;
  Noted effects_;
  CommandApplier applier_{*links_, *signers_, effects_, status_};
};

TEST_F(CommandsTest, InstallAndRemoveLinksAndSigners) {
  apply(link(3));
  apply(signer(7));
  EXPECT_NE(links_->by_slot(3), nullptr);
  EXPECT_EQ(signers_->size(), 1U);
  Command gone = link(3);
  gone.kind = CommandKind::kRemoveLink;
  apply(gone);
  gone = signer(7);
  gone.kind = CommandKind::kRemoveSigner;
  apply(gone);
  EXPECT_EQ(links_->size(), 0U);
  EXPECT_EQ(signers_->size(), 0U);
  EXPECT_EQ(status_.commands.load(), 4U);
  EXPECT_EQ(status_.command_errors.load(), 0U);
}

TEST_F(CommandsTest, AppliedTwiceAreAppliedOnce) {
  for (int again = 0; again < 2; ++again) {
    apply(link(3));
    apply(signer(7));
  }
  EXPECT_EQ(links_->size(), 1U);
  EXPECT_EQ(signers_->size(), 1U);
  EXPECT_EQ(links_->version(), 1U);
  EXPECT_EQ(signers_->version(), 1U);
  EXPECT_EQ(status_.command_errors.load(), 0U);
}

TEST_F(CommandsTest, AreCountedAsErrorsAndExplainedWhenRefused) {
  apply(link(16));
  EXPECT_EQ(status_.command_errors.load(), 1U);
  EXPECT_EQ(applier_.last_error(), "slot is not below max_links");
  Command no_port = link(1);
  no_port.link.port = 5;
  apply(no_port);
  EXPECT_EQ(applier_.last_error(), "no such port");
  EXPECT_EQ(links_->by_slot(1), nullptr);
  apply(command(static_cast<CommandKind>(99)));
  EXPECT_EQ(applier_.last_error(), "unknown command");
  EXPECT_EQ(status_.command_errors.load(), 3U);
  EXPECT_EQ(status_.commands.load(), 0U);
}

TEST_F(CommandsTest, AResyncKeepsWhatIsRepeatedAndSweepsTheRest) {
  apply(link(1));
  apply(link(2));
  apply(signer(1));
  apply(signer(2));
  apply(command(CommandKind::kResyncBegin));
  apply(link(2));
  apply(signer(2));
  EXPECT_EQ(links_->size(), 2U) << "in service until the end";
  apply(command(CommandKind::kResyncEnd));
  EXPECT_EQ(links_->by_slot(1), nullptr);
  EXPECT_NE(links_->by_slot(2), nullptr);
  EXPECT_EQ(signers_->size(), 1U);
  EXPECT_EQ(status_.resyncs.load(), 1U);
}

TEST_F(CommandsTest, AControlPlaneThatDiesInAResyncTakesNothingOutOfService) {
  apply(link(1));
  apply(command(CommandKind::kResyncBegin));
  apply(link(2));
  // The next one starts over.
  apply(command(CommandKind::kResyncBegin));
  apply(link(1));
  apply(command(CommandKind::kResyncEnd));
  EXPECT_NE(links_->by_slot(1), nullptr);
  EXPECT_EQ(links_->by_slot(2), nullptr);
}

TEST_F(CommandsTest, AnEndWithoutABeginningSweepsNothing) {
  apply(command(CommandKind::kResyncBegin));
  apply(link(1));
  apply(command(CommandKind::kResyncEnd));
  apply(command(CommandKind::kResyncEnd));
  EXPECT_EQ(status_.resyncs.load(), 1U);
  EXPECT_EQ(status_.command_errors.load(), 1U);
  EXPECT_NE(links_->by_slot(1), nullptr);
}

Command association(std::uint16_t slot, std::uint32_t number) {
  Command out = command(CommandKind::kInstallAssociation);
  out.association = {};
  out.association.slot = slot;
  out.association.association = number;
  out.association.write.key.fill(std::byte{0x77});
  return out;
}

TEST_F(CommandsTest, GiveKeysToSecureLinksAndTakeThem) {
  Command secure = link(3);
  secure.link.protocol = wire::shm::LinkProtocol::kDtls;
  apply(secure);
  apply(association(3, 1));
  ASSERT_NE(links_->by_slot(3)->current, nullptr);
  EXPECT_EQ(links_->by_slot(3)->current->number, 1U);
  Command forget = command(CommandKind::kForgetAssociations);
  forget.forget = {.slot = 3, .generation = 0};
  apply(forget);
  EXPECT_EQ(links_->by_slot(3)->current, nullptr);
  EXPECT_EQ(status_.command_errors.load(), 0U);
  apply(association(3, 1));
  EXPECT_EQ(applier_.last_error(), "keys that were installed before");
  apply(association(4, 1));
  EXPECT_EQ(applier_.last_error(), "keys for a link that is not there");
}

TEST_F(CommandsTest, LeaveNoKeyInTheRing) {
  const auto ring = std::make_unique<wire::shm::CommandRing>();
  ASSERT_TRUE(ring->push(association(3, 1)));
  EXPECT_EQ(applier_.turn(*ring, 3, 0), 1U);
  const auto* const bytes = reinterpret_cast<const std::byte*>(ring.get());
  EXPECT_EQ(std::find(bytes, bytes + sizeof *ring, std::byte{0x77}), bytes + sizeof *ring);
}

TEST_F(CommandsTest, AResyncNeitherNeedsNorTakesKeys) {
  Command secure = link(3);
  secure.link.protocol = wire::shm::LinkProtocol::kDtls;
  apply(secure);
  apply(association(3, 1));
  apply(command(CommandKind::kResyncBegin));
  apply(secure);
  apply(command(CommandKind::kResyncEnd));
  ASSERT_NE(links_->by_slot(3)->current, nullptr);
  secure.link.barred = 1;  // another entry for the same association
  apply(secure);
  EXPECT_NE(links_->by_slot(3)->current, nullptr);
  secure.link.generation = 1;  // another node
  apply(secure);
  EXPECT_EQ(links_->by_slot(3)->current, nullptr);
}

TEST_F(CommandsTest, PassTraceAndCaptureSettingsOn) {
  Command trace = command(CommandKind::kSetTrace);
  trace.trace = {};
  trace.trace.sample_one_in = 17;
  apply(trace);
  EXPECT_EQ(effects_.trace.sample_one_in, 17U);
  Command capture = command(CommandKind::kStartCapture);
  capture.capture = {};
  apply(capture);
  EXPECT_FALSE(effects_.capturing);
  EXPECT_EQ(applier_.last_error(), "no path");
  capture.capture.path[0] = 'x';
  apply(capture);
  EXPECT_TRUE(effects_.capturing);
  apply(command(CommandKind::kStopCapture));
  EXPECT_FALSE(effects_.capturing);
}

TEST_F(CommandsTest, ATurnTakesABoundedNumberFromTheRingAndPublishesTheSizes) {
  const auto ring = std::make_unique<wire::shm::CommandRing>();
  for (std::uint16_t slot = 0; slot < 5; ++slot) ASSERT_TRUE(ring->push(link(slot)));
  EXPECT_EQ(applier_.turn(*ring, 3, 0), 3U);
  EXPECT_EQ(status_.links.load(), 3U);
  EXPECT_EQ(applier_.turn(*ring, 3, 0), 2U);
  EXPECT_EQ(applier_.turn(*ring, 3, 0), 0U);
  EXPECT_EQ(status_.links.load(), 5U);
  EXPECT_EQ(effects_.prepared, 5U);
  EXPECT_EQ(effects_.changed, 5U);
}

}  // namespace
}  // namespace dataplane
