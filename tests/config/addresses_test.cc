// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "config/node_config.h"
#include "config/section.h"

namespace {

TEST(Endpoint, ReadsBackWhatItWrites) {
  for (const char* text : {"192.0.2.1", "192.0.2.1:6084", "2001:db8::1", "[2001:db8::1]:6084",
                           "255.255.255.255:65535", "[::1]:1"}) {
    const auto endpoint = config::parse_endpoint(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(config::to_string(*endpoint), text);
  }
}

TEST(Endpoint, KeepsIpv4InTheLastFourBytes) {
  const auto endpoint = config::parse_endpoint("192.0.2.1:6084");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->family, 4);
  EXPECT_EQ(endpoint->port, 6084);
  EXPECT_EQ(endpoint->address[11], 0);
  EXPECT_EQ(endpoint->address[12], 192);
  EXPECT_EQ(endpoint->address[15], 1);
}

TEST(Endpoint, RefusesWhatIsNoAddress) {
  for (const char* text :
       {"", ":", "192.0.2", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:-1",
        "192.0.2.1:6084x", "[192.0.2.1]:6084", "[2001:db8::1", "[2001:db8::1]6084", "[]:6084",
        "2001:db8:::1", "host.example:6084", "192.0.2.1 :6084"}) {
    EXPECT_FALSE(config::parse_endpoint(text)) << text;
  }
}

TEST(Endpoint, OfNoFamilyIsADash) { EXPECT_EQ(config::to_string(wire::shm::Endpoint{}), "-"); }

TEST(NodeId, IsThirtyTwoHexDigits) {
  const char* const text = "00112233445566778899aabbccddeeff";
  const auto id = config::parse_node_id(text);
  ASSERT_TRUE(id);
  EXPECT_EQ(config::to_string(*id), text);
  EXPECT_EQ(id->high(), 0x0011223344556677U);
  EXPECT_FALSE(config::parse_node_id("00112233445566778899aabbccddeef"));
  EXPECT_FALSE(config::parse_node_id("00112233445566778899aabbccddeeff0"));
  EXPECT_FALSE(config::parse_node_id("00112233445566778899aabbccddeefg"));
  EXPECT_FALSE(config::parse_node_id("0x112233445566778899aabbccddeeff"));
}

TEST(Mac, IsSixHexPairs) {
  EXPECT_EQ(config::parse_mac("02:00:00:00:01:fe"), 0x0200000001feU);
  EXPECT_FALSE(config::parse_mac("02:00:00:00:01"));
  EXPECT_FALSE(config::parse_mac("02-00-00-00-01-01"));
  EXPECT_FALSE(config::parse_mac("02:00:00:00:01:0g"));
}

TEST(PortAddress, NeedsAPrefixOfItsFamily) {
  EXPECT_EQ(config::parse_port_address("10.0.1.1/24")->prefix_bits, 24);
  EXPECT_EQ(config::parse_port_address("fd00::1/128")->prefix_bits, 128);
  for (const char* text : {"10.0.1.1", "10.0.1.1/", "10.0.1.1/0", "10.0.1.1/33", "fd00::1/129",
                           "10.0.1.1/24/1", "/24"}) {
    EXPECT_FALSE(config::parse_port_address(text)) << text;
  }
}

TEST(PortAddress, HasAddressesOnItsLinkBitByBit) {
  const auto on_link = [](const char* own, const char* other) {
    return config::is_on_link(*config::parse_port_address(own), *config::parse_endpoint(other));
  };
  EXPECT_TRUE(on_link("10.0.1.1/24", "10.0.1.255"));
  EXPECT_FALSE(on_link("10.0.1.1/24", "10.0.2.1"));
  EXPECT_TRUE(on_link("10.0.0.1/15", "10.1.255.255"));
  EXPECT_FALSE(on_link("10.0.0.1/15", "10.2.0.0"));
  EXPECT_TRUE(on_link("fd00:1::1/33", "fd00:1:7fff::2"));
  EXPECT_FALSE(on_link("fd00:1::1/33", "fd00:1:8000::2"));
  EXPECT_FALSE(on_link("::a00:101/8", "10.0.1.1"));  // same bytes, other family
}

TEST(Unicast, IsNeitherUnspecifiedNorMulticastNorBroadcast) {
  for (const char* good : {"10.0.0.1", "223.255.255.255", "2001:db8::1", "fe80::1"}) {
    EXPECT_TRUE(config::is_unicast(*config::parse_endpoint(good))) << good;
  }
  for (const char* bad : {"0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1"}) {
    EXPECT_FALSE(config::is_unicast(*config::parse_endpoint(bad))) << bad;
  }
}

}  // namespace
