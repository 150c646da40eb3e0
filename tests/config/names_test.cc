// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "config/node_config.h"
#include "config/section.h"

namespace {

TEST(OverlayHash, IsTheLastFourBytesOfSha1) {  // requirement A-15
  EXPECT_EQ(static_cast<std::uint32_t>(config::overlay_hash("example.com")), 0x65b0781fU);
}

TEST(OverlayHash, DependsOnEveryLetter) {
  EXPECT_NE(config::overlay_hash("example.com"), config::overlay_hash("example.con"));
}

TEST(DnsName, FollowsTheGrammarOfRfc1035) {  // requirement A-16
  for (const char* good : {"a", "example.com", "demo.hopseal.example", "a-b.c9", "X1.y"}) {
    EXPECT_TRUE(config::is_dns_name(good)) << good;
  }
  for (const char* bad : {"", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "9a.b", "a_b", "a b",
                          "\xc3\xa4.example"}) {
    EXPECT_FALSE(config::is_dns_name(bad)) << bad;
  }
}

TEST(DnsName, HasLabelsOfAtMost63AndAtMost253Characters) {
  EXPECT_TRUE(config::is_dns_name(std::string(63, 'a')));
  EXPECT_FALSE(config::is_dns_name(std::string(64, 'a')));
  std::string longest;
  for (int i = 0; i < 126; ++i) longest += "a.";
  EXPECT_TRUE(config::is_dns_name(longest + "a"));    // 253
  EXPECT_FALSE(config::is_dns_name(longest + "ab"));  // 254
}

TEST(NearestName, IsTheOneWithTheFewestEdits) {
  const std::set<std::string, std::less<>> names = {"workers", "cpus", "poll", "port"};
  EXPECT_EQ(config::nearest_name("worker", names), "workers");
  EXPECT_EQ(config::nearest_name("wrokers", names), "workers");
  EXPECT_EQ(config::nearest_name("prt", names), "port");
}

TEST(NearestName, IsEmptyWhenNothingIsNear) {
  EXPECT_EQ(config::nearest_name("certificate", {"cpus", "poll"}), "");
}

}  // namespace
