// SPDX-License-Identifier: Apache-2.0
#include "dataplane/eal_arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dataplane {
namespace {

using ::testing::Contains;
using ::testing::Not;
using ::testing::StartsWith;

config::NodeConfig node() {
  config::NodeConfig config;
  config.name = "p1";
  config.runtime_directory = "/run/hopseal/p1";
  config::Port port;
  port.device = "net_ring0";
  config.dataplane.ports.push_back(port);
  return config;
}

TEST(EalArguments, UsePlainPagesWhenTooFewHugepagesAreFree) {
  const auto arguments = eal_arguments(node(), Machine{{0, 1}, 2 << 20}, {});
  EXPECT_THAT(arguments, Contains("--no-huge"));
  EXPECT_THAT(arguments, Contains("--no-shconf"));
  // The EAL refuses the two together.
  EXPECT_THAT(arguments, Not(Contains("--in-memory")));
}

TEST(EalArguments, UseHugepagesWhenEnoughAreFree) {
  const auto arguments = eal_arguments(node(), Machine{{0, 1}, 1ULL << 30}, {});
  EXPECT_THAT(arguments, Contains("--in-memory"));
  EXPECT_THAT(arguments, Not(Contains("--no-huge")));
}

TEST(EalArguments, PinNobodyUnlessCpusAreNamed) {
  config::NodeConfig config = node();
  config.dataplane.workers = 2;
  EXPECT_THAT(eal_arguments(config, Machine{{0, 3}, 0}, {}),
              Contains("--lcores=0@(0,3),1@(0,3),2@(0,3)"));
  config.dataplane.cpus = {3, 0};
  EXPECT_THAT(eal_arguments(config, Machine{{0, 3}, 0}, {}), Contains("--lcores=0@(0,3),1@3,2@0"));
}

TEST(EalArguments, OpenThePciBusOnlyForANamedDevice) {
  config::NodeConfig config = node();
  EXPECT_THAT(eal_arguments(config, Machine{{0}, 0}, {}), Contains("--no-pci"));
  config.dataplane.ports[0].device = "0000:3b:00.1";
  const auto arguments = eal_arguments(config, Machine{{0}, 0}, {});
  EXPECT_THAT(arguments, Not(Contains("--no-pci")));
  EXPECT_THAT(arguments, Contains("0000:3b:00.1"));
}

TEST(EalArguments, GiveTwoNodesOfOneNameDifferentPrefixes) {
  config::NodeConfig other = node();
  other.runtime_directory = "/tmp/p1";
  const auto prefix = [](const std::vector<std::string>& arguments) {
    for (const std::string& argument : arguments) {
      if (argument.starts_with("--file-prefix=")) return argument;
    }
    return std::string();
  };
  const std::string first = prefix(eal_arguments(node(), Machine{{0}, 0}, {}));
  EXPECT_THAT(first, StartsWith("--file-prefix=hopseal-p1-"));
  EXPECT_NE(first, prefix(eal_arguments(other, Machine{{0}, 0}, {})));
}

TEST(EalArguments, LetTheCommandLineHaveTheLastWord) {
  config::NodeConfig config = node();
  config.dataplane.eal = {"--log-level=info"};
  const std::vector<std::string> extra{"--log-level=debug"};
  const auto arguments = eal_arguments(config, Machine{{0}, 0}, extra);
  EXPECT_EQ(arguments.back(), "--log-level=debug");
  EXPECT_EQ(arguments[arguments.size() - 2], "--log-level=info");
}

TEST(EalArguments, TellPciAddressesFromVirtualDevices) {
  EXPECT_TRUE(is_pci_address("0000:3b:00.1"));
  EXPECT_TRUE(is_pci_address("3b:00.1"));
  EXPECT_FALSE(is_pci_address("net_ring0"));
  EXPECT_FALSE(is_pci_address("net_af_packet0,iface=veth0"));
  EXPECT_FALSE(is_pci_address("3b:00.1,extra"));
}

}  // namespace
}  // namespace dataplane
