// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <string>

#include "controlplane/ctl/show.h"
#include "controlplane/ctl/text_table.h"
#include "wire/shm/region.h"

namespace controlplane::ctl {
namespace {

using ::testing::HasSubstr;
using wire::shm::Region;
using wire::shm::Role;

TEST(TextTable, AlignsColumnsByCharacters) {
  TextTable table({{"name", {}}, {"count", TextTable::Align::kRight}, {"note", {}}});
  table.add({"\xc3\xa4\xc3\xb6", "5", "x"});
  table.add({"longer", "1 234 567", ""});
  EXPECT_EQ(table.text(),
            "name        count  note\n"
            "\xc3\xa4\xc3\xb6              5  x\n"
            "longer  1 234 567\n");
}

TEST(TextTable, GroupsDigits) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1 000");
  EXPECT_EQ(grouped(1234567), "1 234 567");
}

TEST(TextTable, GivesDurationsTwoUnits) {
  EXPECT_EQ(duration(-1), "0.0 s");
  EXPECT_EQ(duration(12.54), "12.5 s");
  EXPECT_EQ(duration(200), "3 min 20 s");
  EXPECT_EQ(duration(7500), "2 h 5 min");
  EXPECT_EQ(duration(4 * 86400 + 3 * 3600), "4 d 3 h");
}

TEST(TextTable, GivesTimesInUtc) {
  EXPECT_EQ(utc(0), "-");
  EXPECT_EQ(utc(1'790'000'000), "2026-09-21 14:13:20Z");
}

class Show : public ::testing::Test {
 protected:
  Show() {
    context_.runtime_directory = ::testing::TempDir() + "ctl_show_" + std::to_string(::getpid());
    std::filesystem::create_directories(context_.runtime_directory);
    context_.json = true;
  }
  ~Show() override { std::filesystem::remove_all(context_.runtime_directory); }

  std::unique_ptr<Region> start(Role role) {
    auto region = Region::attach(context_.region_path(), role).region;
    EXPECT_NE(region, nullptr);
    return region;
  }
  template <class Run>
  nlohmann::json shown(Run run) {
    ::testing::internal::CaptureStdout();
    run();
    return nlohmann::json::parse(::testing::internal::GetCapturedStdout());
  }
  nlohmann::json status() {
    return shown([&] { show_status(context_); });
  }

  Context context_;
};

TEST_F(Show, SaysWhatToStartWhenThereIsNoNode) {
  ::testing::internal::CaptureStderr();
  EXPECT_THROW(show_status(context_), CLI::RuntimeError);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("Start hopseal-dataplane"));
}

TEST_F(Show, CallsADataplaneHeadlessOnlyWhenItRunsAlone) {
  auto controlplane = start(Role::kControlplane);
  EXPECT_FALSE(status()["dataplane_running"]);
  EXPECT_FALSE(status()["headless"]);
  const auto dataplane = start(Role::kDataplane);
  EXPECT_TRUE(status()["dataplane_running"]);
  EXPECT_FALSE(status()["headless"]);
  EXPECT_TRUE(status()["headless_seconds"].is_null());
  controlplane.reset();
  EXPECT_TRUE(status()["headless"]);
  EXPECT_GE(status()["headless_seconds"], 0.0);
}

TEST_F(Show, AddsUpDropsOfAllLcoresAndLeavesOutTheZeros) {
  const auto dataplane = start(Role::kDataplane);
  auto& section = (*dataplane)->dataplane;
  section.status.worker_count = 2;
  const auto reason = static_cast<std::size_t>(wire::shm::DropReason::kBadSignature);
  section.counters[0].drops[reason].add(3);
  section.counters[1].drops[reason].add(4);
  const auto some = shown([&] { show_drops(context_, {}); });
  EXPECT_EQ(some["total"], 7);
  ASSERT_EQ(some["drops"].size(), 1U);
  EXPECT_EQ(some["drops"][0]["reason"], "bad_signature");
  EXPECT_EQ(some["drops"][0]["count"], 7);
  EXPECT_EQ(some["drops"][0]["lcores"], nlohmann::json({3, 4}));
  const auto all = shown([&] { show_drops(context_, {.all = true}); });
  EXPECT_EQ(all["drops"].size(), wire::shm::kDropReasonCount);
}

TEST_F(Show, GivesTheLedgersRemainderItsSign) {
  const auto dataplane = start(Role::kDataplane);
  auto& section = (*dataplane)->dataplane;
  section.status.worker_count = 1;
  section.counters[0].unaccounted.set(static_cast<std::uint64_t>(std::int64_t{-2}));
  section.counters[0].received.add(9);
  const auto lcores = shown([&] { show_lcores(context_, {}); });
  EXPECT_EQ(lcores["lcores"][0]["counters"]["unaccounted"], -2);
  EXPECT_EQ(lcores["total"]["received"], 9);
}

TEST_F(Show, ListsLinksThatAreThere) {
  const auto dataplane = start(Role::kDataplane);
  auto& links = (*dataplane)->dataplane.links;
  wire::shm::LinkRecord link;
  link.slot = 5;
  link.remote = *config::parse_endpoint("10.0.1.2:6084");
  link.peer = *config::parse_node_id("00000000000000000000000000000002");
  wire::shm::write_identity(links[5], link);
  const auto list = [&](bool all) {
    return shown([&] { show_links(context_, {.all = all}); })["links"];
  };
  EXPECT_TRUE(list(false).empty());  // removed: its last figures are kept
  EXPECT_EQ(list(true).size(), 1U);
  links[5].state = static_cast<std::uint8_t>(wire::shm::LinkState::kUp);
  ASSERT_EQ(list(false).size(), 1U);
  const auto shown_link = list(false)[0];
  EXPECT_EQ(shown_link["slot"], 5);
  EXPECT_EQ(shown_link["state"], "up");
  EXPECT_EQ(shown_link["peer"], "00000000000000000000000000000002");
  EXPECT_EQ(shown_link["remote"], "10.0.1.2:6084");
}

TEST_F(Show, TellsSecureLinksFromThoseWithoutEncryption) {
  const auto dataplane = start(Role::kDataplane);
  auto& section = (*dataplane)->dataplane;
  section.status.tsc_hz = 1'000'000'000;
  wire::shm::LinkRecord link;
  link.slot = 0;
  link.protocol = wire::shm::LinkProtocol::kDtls;
  link.peer = *config::parse_node_id("00000000000000000000000000000002");
  wire::shm::write_identity(section.links[0], link);
  link.slot = 1;
  link.protocol = wire::shm::LinkProtocol::kLab;
  link.peer = *config::parse_node_id("00000000000000000000000000000003");
  wire::shm::write_identity(section.links[1], link);
  link.slot = 2;
  link.protocol = wire::shm::LinkProtocol::kVirtual;
  link.peer = *config::parse_node_id("00000000000000000000000000000004");
  wire::shm::write_identity(section.links[2], link);
  for (const std::size_t slot : {0U, 1U, 2U}) {
    section.links[slot].state = static_cast<std::uint8_t>(wire::shm::LinkState::kUp);
  }
  const auto list = [&] { return shown([&] { show_links(context_, {}); })["links"]; };
  EXPECT_EQ(list()[0]["association"], 0);
  EXPECT_TRUE(list()[0]["cipher"].is_null());
  EXPECT_TRUE(list()[0]["epoch"].is_null());
  section.links[0].association = 77;
  section.links[0].aead = static_cast<std::uint8_t>(wire::dtls::Aead::kChaCha20Poly1305);
  section.links[0].installed_tsc.set(1);
  section.links[0].bad_records.add(4);
  const auto secure = list()[0];
  EXPECT_EQ(secure["protocol"], "dtls");
  EXPECT_EQ(secure["association"], 77);
  EXPECT_EQ(secure["cipher"], "chacha20-poly1305");
  EXPECT_EQ(secure["epoch"], 1);
  EXPECT_EQ(secure["bad_records"], 4);
  EXPECT_GT(secure["association_age_seconds"], 0.0);
  EXPECT_TRUE(secure["role"].is_null()) << "only a control plane knows";
  EXPECT_EQ(list()[1]["protocol"], "lab");
  EXPECT_FALSE(list()[1].contains("cipher"));
  EXPECT_EQ(list()[2]["protocol"], "tls");
  EXPECT_EQ(list()[2]["state"], "unknown") << "only a control plane knows";
  EXPECT_TRUE(list()[2]["cipher"].is_null());
  context_.json = false;
  ::testing::internal::CaptureStdout();
  show_links(context_, {});
  const std::string table = ::testing::internal::GetCapturedStdout();
  context_.json = true;
  EXPECT_NE(table.find("NOT ENCRYPTED"), std::string::npos) << table;
  EXPECT_NE(table.find("no connection"), std::string::npos) << table;
  EXPECT_EQ(status()["lab_links"], nlohmann::json({"00000000000000000000000000000003"}));
}

TEST_F(Show, CountsCyclesPerPacketOfAStage) {
  const auto dataplane = start(Role::kDataplane);
  auto& section = (*dataplane)->dataplane;
  section.status.worker_count = 2;
  const auto stage = static_cast<std::size_t>(wire::shm::Stage::kParse);
  for (std::size_t lcore : {0U, 1U}) {
    section.counters[lcore].stages[stage].packets.add(10);
    section.counters[lcore].stages[stage].cycles.add(1000 * (lcore + 1));
  }
  const auto stages = shown([&] { show_stages(context_, {}); })["stages"];
  ASSERT_EQ(stages.size(), 1U);
  EXPECT_EQ(stages[0]["stage"], "parse");
  EXPECT_EQ(stages[0]["cycles_per_packet"], 150.0);
}

TEST_F(Show, AddsUpHowSignaturesWereChecked) {
  const auto controlplane = start(Role::kControlplane);
  auto& table = (*controlplane)->tables.policy;
  table.copy[0].classes[1].verify = wire::shm::VerifyPolicy::kSample;
  table.copy[0].classes[1].sample_one_in = 8;
  table.copy[0].classes[2].verify = wire::shm::VerifyPolicy::kOff;
  table.copy[0].classes[2].fragments = wire::shm::FragmentPolicy::kPass;
  const auto dataplane = start(Role::kDataplane);
  auto& section = (*dataplane)->dataplane;
  section.status.worker_count = 2;
  std::strcpy(section.status.kernel.data(), "avx512ifma");
  section.status.tables = 3;
  section.status.table_bytes = 4 << 20;
  section.status.table_bytes_used = 1 << 20;
  section.status.table_builds = 5;
  section.status.table_evictions = 2;
  constexpr auto kEd25519 = static_cast<std::size_t>(wire::shm::SignatureAlgorithm::kEd25519);
  for (std::size_t lcore : {0U, 1U}) {
    auto& counters = section.counters[lcore];
    counters.verified.add(10);
    counters.digest_cache_hits.add(4);
    counters.verify_not_sampled.add(7);
    counters.verify_off.add(1);
    counters.drops[static_cast<std::size_t>(wire::shm::DropReason::kBadSignature)].add(2);
    counters.verify_paths[kEd25519].known.add(9);
    counters.verify_paths[kEd25519].cold.add(2);
    counters.verify_paths[kEd25519].openssl.add(1);
    counters.lanes_filled[7].add(lcore + 1);
    counters.verify_batch[4].add(1);
  }
  const auto verify = shown([&] { show_verify(context_); });
  EXPECT_EQ(verify["kernel"], "avx512ifma");
  EXPECT_EQ(verify["policy"]["backbone"]["verify"], "all");
  EXPECT_EQ(verify["policy"]["client"]["verify"], "sample");
  EXPECT_EQ(verify["policy"]["client"]["sample_one_in"], 8);
  EXPECT_EQ(verify["policy"]["untrusted"]["verify"], "off");
  EXPECT_EQ(verify["policy"]["untrusted"]["fragments"], "pass");
  EXPECT_EQ(verify["messages"], nlohmann::json({{"verified", 20},
                                                {"digest_cache_hits", 8},
                                                {"verify_off", 2},
                                                {"verify_not_sampled", 14},
                                                {"fragments_passed", 0},
                                                {"bad_signature", 4}}));
  EXPECT_EQ(verify["checks"][kEd25519]["algorithm"], "ed25519");
  EXPECT_EQ(verify["checks"][kEd25519]["known"], 18);
  EXPECT_EQ(verify["checks"][kEd25519]["cold"], 4);
  EXPECT_EQ(verify["checks"][kEd25519]["openssl"], 2);
  EXPECT_EQ(verify["checks"][kEd25519]["known_percent"], 75.0);
  EXPECT_TRUE(verify["checks"][0]["known_percent"].is_null());
  EXPECT_EQ(verify["lanes_filled"], nlohmann::json({0, 0, 0, 0, 0, 0, 0, 3}));
  EXPECT_EQ(verify["verify_batch"][4], 2);
  EXPECT_EQ(verify["tables"]["count"], 3);
  EXPECT_EQ(verify["tables"]["evictions"], 2);
  EXPECT_EQ(status()["known_signers"], 3);
  EXPECT_EQ(status()["known_signer_bytes_used"], 1 << 20);
  const auto lcores = shown([&] { show_lcores(context_, {}); });
  EXPECT_EQ(lcores["lcores"][1]["lanes_filled"][7], 2);
  EXPECT_EQ(lcores["lcores"][1]["checks"]["ed25519"]["known"], 9);

  context_.json = false;
  ::testing::internal::CaptureStdout();
  show_verify(context_);
  show_status(context_);
  const std::string text = ::testing::internal::GetCapturedStdout();
  EXPECT_THAT(text, HasSubstr("Verify kernel avx512ifma. Known signers: 3 with tables, 1.0 of 4.0 "
                              "MiB in plain pages; 5 built, 2 evicted."));
  EXPECT_THAT(text, HasSubstr("client      one in 8          verify"));
  EXPECT_THAT(text, HasSubstr("known signers"));
}

TEST_F(Show, AsksTheControlPlaneForSignersAndSaysWhenThereIsNone) {
  ::testing::internal::CaptureStderr();
  EXPECT_THROW(show_signers(context_), CLI::RuntimeError);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("start hopseal-controlplane"));
}

}  // namespace
}  // namespace controlplane::ctl
