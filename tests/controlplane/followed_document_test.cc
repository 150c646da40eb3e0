// SPDX-License-Identifier: Apache-2.0
// The document a node follows: read, replaced by its successors, kept in its file
// (requirements J-10, J-16, G-36 to G-38).

#include "controlplane/configuration/followed_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/controlplane/configuration_rig.h"
#include "tests/controlplane/test_planes.h"

namespace controlplane::configuration {
namespace {

using testing::HasSubstr;
using wire::reload::ErrorCode;

const overlay::Now kNow{0, static_cast<std::uint64_t>(kTestNow) * 1000};

std::string text_of(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

class Followed : public testing::Test {
 protected:
  Followed() { write(first_); }
  void write(const std::string& text) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << text;
  }
  [[nodiscard]] std::unique_ptr<FollowedDocument> read() {
    return FollowedDocument::read(path_, kTestOverlay, kTestNow, why_);
  }

  TestAuthority authority_;
  TestSigner signer_ = authority_.signer();
  OverlayConfiguration configuration_ = test_configuration(authority_, signer_, 7);
  std::string first_ = signed_file(configuration_, signer_);
  tests::TemporaryDirectory directory_;
  std::string path_ = directory_.path() + "/overlay.relo";
  std::string why_;
};

TEST_F(Followed, IsReadFromItsFileAndSaysWhatHolds) {
  configuration_.initial_ttl = 40;
  configuration_.max_message_size = 9000;
  configuration_.overlay_reliability_timer_ms = 500;
  configuration_.bad_nodes = {trust::random_node_id()};
  write(signed_file(configuration_, signer_));
  const auto document = read();
  ASSERT_TRUE(document) << why_;
  EXPECT_EQ(document->sequence(), 7);
  EXPECT_TRUE(document->is_bad_node(configuration_.bad_nodes[0]));
  EXPECT_FALSE(document->is_bad_node(signer_.node_id()));
  overlay::Settings settings;
  document->apply(settings);
  EXPECT_EQ(settings.configuration_sequence, 7);
  EXPECT_EQ(settings.initial_ttl, 40);
  EXPECT_EQ(settings.max_message_size, 9000U);
  EXPECT_EQ(settings.reliability_timer_ms, 500U);
}

TEST_F(Followed, WhatCannotBeReadIsNamed) {
  EXPECT_FALSE(FollowedDocument::read(path_ + ".absent", kTestOverlay, kTestNow, why_));
  EXPECT_THAT(why_, HasSubstr(path_ + ".absent: "));
  EXPECT_FALSE(FollowedDocument::read(path_, "other.example.org", kTestNow, why_));
  EXPECT_THAT(why_, HasSubstr(path_));
  write("<configuration");
  EXPECT_FALSE(read());
  EXPECT_THAT(why_, HasSubstr(path_ + ": "));
  write(std::string(kMaxDocumentBytes + 1, ' '));
  EXPECT_FALSE(read());
  write("");
  EXPECT_FALSE(read());
}

TEST_F(Followed, ASuccessorReplacesItAndItsFile) {  // J-10, G-36
  const auto document = read();
  ASSERT_TRUE(document) << why_;
  configuration_.sequence = 8;
  configuration_.bad_nodes = {trust::random_node_id()};
  const std::string second = signed_file(configuration_, signer_);
  EXPECT_FALSE(document->adopt(kNow, bytes_of(second)));
  EXPECT_EQ(document->sequence(), 8);
  EXPECT_TRUE(document->is_bad_node(configuration_.bad_nodes[0]));
  EXPECT_EQ(text_of(path_), second);
  EXPECT_EQ(document->not_kept(), "");
  EXPECT_FALSE(std::filesystem::exists(path_ + ".new"));
  // The next start finds it.
  const auto again = read();
  ASSERT_TRUE(again) << why_;
  EXPECT_EQ(again->sequence(), 8);
}

TEST_F(Followed, NothingElseDoes) {  // J-10, J-16, G-36
  const auto document = read();
  ASSERT_TRUE(document) << why_;
  const auto refused = [&](const std::string& file) {
    const auto refusal = document->adopt(kNow, bytes_of(file));
    EXPECT_EQ(document->sequence(), 7);
    EXPECT_EQ(text_of(path_), first_);
    return refusal ? refusal->code : ErrorCode{};
  };
  EXPECT_EQ(refused(first_), ErrorCode::kConfigTooOld);
  configuration_.sequence = 8;
  EXPECT_EQ(refused(signed_file(configuration_, authority_.signer())), ErrorCode::kForbidden);
  std::string changed = signed_file(configuration_, signer_);
  changed.replace(changed.find("no-ice"), 6, "no-icy");
  EXPECT_NE(refused(changed), ErrorCode{});
  EXPECT_EQ(refused("rubbish"), ErrorCode::kInvalidMessage);
  EXPECT_EQ(refused(""), ErrorCode::kInvalidMessage);
}

TEST_F(Followed, WhereTheFileCannotBeReplacedTheNodeGoesOnAndSaysSo) {
  const auto document = read();
  ASSERT_TRUE(document) << why_;
  std::filesystem::create_directory(path_ + ".new");  // also stops root
  configuration_.sequence = 8;
  EXPECT_FALSE(document->adopt(kNow, bytes_of(signed_file(configuration_, signer_))));
  EXPECT_EQ(document->sequence(), 8);
  EXPECT_THAT(document->not_kept(), HasSubstr(path_));
  EXPECT_EQ(text_of(path_), first_);
}

TEST_F(Followed, AKindOfAKindSignerIsAdded) {  // G-37, G-38
  const auto document = read();
  ASSERT_TRUE(document) << why_;
  KindBlock block;
  block.kind.id = wire::reload::KindId{0xf0000001};
  block.kind.access_control = "USER-MATCH";
  block.signed_bytes = write_kind(block.kind);
  block.signature = sign_element(block.signed_bytes, signer_.certificate, *signer_.key, why_);
  configuration_.required_kinds = {block};
  const std::string all = write_document(configuration_);
  const auto begin = all.find("<kind-block");
  const std::string_view end = "</kind-block>";
  const std::string kind = all.substr(begin, all.find(end) + end.size() - begin);
  for (unsigned times = 0; times < 2; ++times) {
    const auto refusal = document->adopt_kind(kNow, bytes_of(kind));
    EXPECT_FALSE(refusal) << refusal->why;
    ASSERT_EQ(document->configuration().required_kinds.size(), 1U) << "the same replaces itself";
  }
}

TEST_F(Followed, AKindThatNobodySignedIsRefused) {  // G-37
  const auto document = read();
  ASSERT_TRUE(document) << why_;
  const auto refusal = document->adopt_kind(
      kNow, bytes_of("<kind-block xmlns=\"urn:ietf:params:xml:ns:p2p:config-base\"><kind "
                     "name=\"SIP-REGISTRATION\"><data-model>SINGLE</data-model><access-control>"
                     "USER-MATCH</access-control><max-count>1</max-count><max-size>100</max-size>"
                     "</kind></kind-block>"));
  ASSERT_TRUE(refusal);
  EXPECT_TRUE(document->configuration().required_kinds.empty());
}

}  // namespace
}  // namespace controlplane::configuration
