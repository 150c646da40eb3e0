// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/lab_init.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "config/node_config.h"
#include "controlplane/trust/certificate_checker.h"
#include "crypto/signing_key.h"

namespace controlplane::ctl {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using wire::reload::NodeId;

constexpr std::int64_t kNow = 1'800'000'000;

std::string read_file(const fs::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

mode_t mode_of(const fs::path& path) {
  struct stat status = {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777U;
}

/// A directory that goes away with the test; the laboratory is made in lab/ below it.
class LabInit : public testing::Test {
 protected:
  LabInit() {
    char pattern[] = "/tmp/lab_init_XXXXXX";
    parent_ = ::mkdtemp(pattern);
    request_.directory = (parent_ / "lab").string();
  }
  ~LabInit() override { fs::remove_all(parent_); }

  fs::path lab() const { return request_.directory; }
  nlohmann::json description() const {
    return nlohmann::json::parse(read_file(lab() / "lab.json"));
  }
  config::NodeConfig node(std::size_t number) const {
    const auto file = lab() / ("node" + std::to_string(number)) / "node.toml";
    auto loaded = config::load_node_config(file.string());
    for (const auto& error : loaded.errors) ADD_FAILURE() << error.text();
    return loaded.config.value_or(config::NodeConfig{});
  }

  fs::path parent_;
  LabRequest request_;
};

TEST_F(LabInit, WritesEverythingANodeNeeds) {
  request_.nodes = 3;
  ASSERT_THAT(init_lab(request_, kNow), IsEmpty());
  for (const char* file : {"lab.json", "ca.pem", "ca-key.pem", "node1/node.toml", "node1/node.pem",
                           "node1/node-key.pem", "node3/node.toml", "node3/run"}) {
    EXPECT_TRUE(fs::exists(lab() / file)) << file;
  }
  EXPECT_FALSE(fs::exists(lab() / "node4"));
  EXPECT_EQ(std::distance(fs::directory_iterator(parent_), fs::directory_iterator()), 1)
      << "nothing is left beside the laboratory";
}

TEST_F(LabInit, KeepsPrivateKeysPrivate) {
  request_.all_identities = true;
  ASSERT_THAT(init_lab(request_, kNow), IsEmpty());
  std::size_t keys = 0;
  for (const auto& entry : fs::recursive_directory_iterator(lab())) {
    if (!entry.is_regular_file()) continue;
    const bool is_key = read_file(entry.path()).find("PRIVATE KEY") != std::string::npos;
    EXPECT_EQ(mode_of(entry.path()) & 0077U, is_key ? 0U : 0044U) << entry.path();
    keys += is_key ? 1 : 0;
  }
  EXPECT_EQ(keys, 1U + 4U + 3U) << "the authority, four nodes, three further identities";
}

TEST_F(LabInit, GivesEveryIdentityACertificateThatChecksAndItsKey) {
  request_.nodes = 3;
  request_.all_identities = true;
  request_.algorithms = {crypto::Algorithm::kEd25519, crypto::Algorithm::kEcdsaP256Sha256,
                         crypto::Algorithm::kRsaPkcs1Sha256};
  ASSERT_THAT(init_lab(request_, kNow), IsEmpty());
  std::string why;
  const std::string roots[] = {read_file(lab() / "ca.pem")};
  const auto checker = trust::CertificateChecker::make(roots, request_.overlay, why);
  ASSERT_NE(checker, nullptr) << why;
  const auto described = description();
  std::set<std::string> algorithms;
  for (const auto& node : described["nodes"]) {
    const auto id = config::parse_node_id(node["node_id"].get<std::string>());
    ASSERT_TRUE(id);
    for (const auto& identity : node["identities"]) {
      const auto certificate =
          trust::Certificate::from_pem(read_file(identity["certificate"]), why);
      ASSERT_TRUE(certificate) << why;
      const auto checked = checker->check_node(certificate->der, *id, kNow);
      EXPECT_EQ(checked.refusal, trust::Refusal::kNone) << identity << checked.detail;
      const auto key = crypto::SigningKey::from_pem(read_file(identity["key"]), why);
      ASSERT_NE(key, nullptr) << why;
      EXPECT_EQ(key->public_spki(), certificate->spki);
      EXPECT_EQ(lab_algorithm_name(key->algorithm()), identity["algorithm"]);
      if (identity["name"] == "node") algorithms.insert(identity["algorithm"]);
    }
  }
  EXPECT_EQ(algorithms, (std::set<std::string>{"ed25519", "ecdsa-p256", "rsa-2048"}));
  EXPECT_EQ(described["nodes"][0]["identities"].size(), 4U);
  EXPECT_EQ(described["nodes"][1]["identities"].size(), 1U);
}

TEST_F(LabInit, ConfiguresNodesThatKnowEachOther) {
  for (const bool ipv6 : {false, true}) {
    request_.nodes = 5;
    request_.ipv6 = ipv6;
    request_.force = true;
    request_.workers = 2;
    ASSERT_THAT(init_lab(request_, kNow), IsEmpty());
    std::map<std::string, config::NodeConfig> nodes;
    for (std::size_t i = 1; i <= 5; ++i) nodes["node" + std::to_string(i)] = node(i);
    for (const auto& [name, node] : nodes) {
      EXPECT_EQ(node.name, name);
      EXPECT_EQ(node.overlay.policy.lab_links, 0);
      EXPECT_EQ(node.dataplane.workers, 2U);
      EXPECT_EQ(node.peers.size(), 2U);
      for (const auto& peer : node.peers) {
        EXPECT_EQ(peer.protocol, wire::shm::LinkProtocol::kDtls);
        EXPECT_EQ(peer.address.family, ipv6 ? 6 : 4);
        const auto& other = nodes.at(peer.name);
        const auto back = std::ranges::find(other.peers, name, &config::Peer::name);
        ASSERT_NE(back, other.peers.end()) << name << " and " << peer.name;
        // The address under which we know the other is the other's, on the port it knows us by.
        const auto port = std::ranges::find(other.dataplane.ports, back->port, &config::Port::name);
        ASSERT_NE(port, other.dataplane.ports.end());
        EXPECT_TRUE(std::ranges::any_of(port->addresses, [&](const config::PortAddress& own) {
          return own.address.address == peer.address.address;
        }));
      }
    }
  }
}

TEST_F(LabInit, LeavesOutEncryptionOnlyWhenAskedByName) {
  request_.protocol = wire::shm::LinkProtocol::kLab;
  ASSERT_THAT(init_lab(request_, kNow), IsEmpty());
  EXPECT_EQ(description()["protocol"], "lab");
  EXPECT_EQ(node(1).overlay.policy.lab_links, 1);
  for (const auto& peer : node(1).peers) EXPECT_EQ(peer.protocol, wire::shm::LinkProtocol::kLab);
}

TEST_F(LabInit, DescribesLinksAsBothNodesSeeThem) {
  request_.nodes = 4;
  request_.topology = LabTopology::kFull;
  ASSERT_THAT(init_lab(request_, kNow), IsEmpty());
  const auto described = description();
  ASSERT_EQ(described["links"].size(), 6U);
  std::map<std::string, nlohmann::json> interfaces;  // of all nodes: their names are unique
  std::set<std::string> macs;
  for (const auto& node : described["nodes"]) {
    for (const auto& port : node["ports"]) {
      EXPECT_TRUE(interfaces.emplace(port["interface"], node["name"]).second);
      EXPECT_TRUE(macs.insert(port["mac"]).second);
      EXPECT_LE(port["interface"].get<std::string>().size(), 15U) << "IFNAMSIZ";
      const auto config = read_file(node["config"]);
      EXPECT_THAT(config, HasSubstr("iface=" + port["interface"].get<std::string>() + ","));
      EXPECT_THAT(config, HasSubstr(port["address4"].get<std::string>()));
    }
  }
  for (const auto& link : described["links"]) {
    EXPECT_EQ(interfaces.at(link["interface_a"]), link["a"]);
    EXPECT_EQ(interfaces.at(link["interface_b"]), link["b"]);
  }
}

TEST_F(LabInit, LeavesAnExistingDirectoryAlone) {
  fs::create_directories(lab());
  std::ofstream(lab() / "thesis.tex") << "years of work";
  request_.force = true;
  EXPECT_THAT(init_lab(request_, kNow), HasSubstr("no laboratory"));
  EXPECT_EQ(read_file(lab() / "thesis.tex"), "years of work");
}

TEST_F(LabInit, ReplacesALaboratoryOnlyWithForce) {
  ASSERT_THAT(init_lab(request_, kNow), IsEmpty());
  const auto before = read_file(lab() / "ca.pem");
  EXPECT_THAT(init_lab(request_, kNow), HasSubstr("--force"));
  EXPECT_EQ(read_file(lab() / "ca.pem"), before);
  request_.force = true;
  request_.nodes = 2;
  EXPECT_THAT(init_lab(request_, kNow), IsEmpty());
  EXPECT_NE(read_file(lab() / "ca.pem"), before);
  EXPECT_FALSE(fs::exists(lab() / "node3"));
}

TEST_F(LabInit, SaysWhatItWouldAcceptAndMakesNothing) {
  struct Wrong {
    const char* says;
    std::function<void(LabRequest&)> spoil;
  };
  const std::string long_name(90, 'x');
  const Wrong cases[] = {
      {"accepted are 2 to", [](LabRequest& r) { r.nodes = 1; }},
      {"accepted are 3 to", [](LabRequest& r) { r.nodes = 2, r.client_ends = true; }},
      {"accepted are 1 to 8", [](LabRequest& r) { r.workers = 9; }},
      {"--topology chain", [](LabRequest& r) { r.nodes = 20, r.topology = LabTopology::kFull; }},
      {"accepted is a DNS name", [](LabRequest& r) { r.overlay = "no good"; }},
      {"shorter path", [&](LabRequest& r) { r.directory += long_name; }},
      {"--days", [](LabRequest& r) { r.days = 0; }},
  };
  for (const Wrong& wrong : cases) {
    LabRequest request = request_;
    wrong.spoil(request);
    EXPECT_THAT(init_lab(request, kNow), HasSubstr(wrong.says));
    EXPECT_TRUE(fs::is_empty(parent_)) << wrong.says;
  }
}

// --- Where messages go: RFC 6940 section 10.3 over what each node's configuration knows -----

struct Member {
  NodeId id;
  bool is_peer;
  std::vector<std::size_t> neighbours;
};

std::vector<Member> members(const LabPlan& plan) {
  std::vector<Member> made;
  for (const LabNode& node : plan.nodes) {
    Member member{node.node_id, node.is_peer, {}};
    for (const LabPort& port : node.ports) member.neighbours.push_back(port.peer);
    made.push_back(member);
  }
  return made;
}

/// The next hop from @p self towards @p target, or self when it takes itself for responsible.
std::size_t next_hop(const std::vector<Member>& ring, std::size_t self, const NodeId& target) {
  std::vector<std::size_t> peers;
  for (const std::size_t neighbour : ring[self].neighbours) {
    if (ring[neighbour].id == target) return neighbour;
    if (ring[neighbour].is_peer) peers.push_back(neighbour);
  }
  if (!ring[self].is_peer) return peers.at(0);
  const auto above = [&](const NodeId& from, std::size_t a, std::size_t b) {
    return wire::reload::in_interval(ring[a].id, from, ring[b].id);  // a is met before b
  };
  const auto predecessor = *std::max_element(peers.begin(), peers.end(), [&](auto a, auto b) {
    return above(ring[self].id, a, b) && a != b;
  });
  if (wire::reload::in_interval(target, ring[predecessor].id, ring[self].id)) return self;
  std::vector<std::size_t> between;
  for (const std::size_t peer : peers) {
    if (wire::reload::in_interval(ring[peer].id, ring[self].id, target)) between.push_back(peer);
  }
  if (!between.empty()) {
    return *std::max_element(between.begin(), between.end(),
                             [&](auto a, auto b) { return above(ring[self].id, a, b) && a != b; });
  }
  return *std::min_element(peers.begin(), peers.end(),
                           [&](auto a, auto b) { return above(target, a, b) && a != b; });
}

std::vector<std::size_t> path(const LabPlan& plan, std::size_t from, std::size_t to) {
  const auto ring = members(plan);
  std::vector<std::size_t> hops = {from};
  while (hops.back() != to && hops.size() <= ring.size()) {
    const std::size_t next = next_hop(ring, hops.back(), ring[to].id);
    hops.push_back(next);
    if (hops[hops.size() - 2] == next) break;
  }
  return hops;
}

LabPlan random_plan(const LabRequest& request, unsigned seed) {
  std::srand(seed);
  return plan_lab(request, [] {
    NodeId id;
    for (auto& byte : id.bytes) byte = static_cast<std::byte>(std::rand());
    return id;
  });
}

TEST(LabPlan, CarriesRequestsFromSourceToSinkAlongTheWholeChain) {
  LabRequest request;
  request.nodes = 6;
  request.client_ends = true;
  for (unsigned seed = 0; seed < 200; ++seed) {
    const auto plan = random_plan(request, seed);
    EXPECT_THAT(path(plan, 0, 5), testing::ElementsAre(0, 1, 2, 3, 4, 5)) << seed;
    // Downwards there is no way but over the link that closes the ring.
    EXPECT_THAT(path(plan, 5, 0), testing::ElementsAre(5, 4, 1, 0)) << seed;
  }
}

TEST(LabPlan, CarriesRequestsBetweenAnyTwoNodes) {
  for (const auto topology : {LabTopology::kChain, LabTopology::kFull}) {
    for (const bool client_ends : {false, true}) {
      for (std::size_t nodes = client_ends ? 3 : 2; nodes <= 9; ++nodes) {
        LabRequest request;
        request.nodes = nodes;
        request.topology = topology;
        request.client_ends = client_ends;
        const auto plan = random_plan(request, static_cast<unsigned>(nodes));
        for (std::size_t from = 0; from < nodes; ++from) {
          for (std::size_t to = 0; to < nodes; ++to) {
            if (from == to) continue;
            EXPECT_EQ(path(plan, from, to).back(), to)
                << from << " to " << to << " of " << nodes << (client_ends ? " client ends" : "");
          }
        }
      }
    }
  }
}

TEST(LabPlan, TurnsThroughTheAlgorithms) {
  LabRequest request;
  request.nodes = 4;
  request.algorithms = {crypto::Algorithm::kRsaPkcs1Sha256, crypto::Algorithm::kEd25519};
  const auto plan = random_plan(request, 1);
  EXPECT_EQ(plan.nodes[0].algorithm, crypto::Algorithm::kRsaPkcs1Sha256);
  EXPECT_EQ(plan.nodes[1].algorithm, crypto::Algorithm::kEd25519);
  EXPECT_EQ(plan.nodes[2].algorithm, crypto::Algorithm::kRsaPkcs1Sha256);
}

}  // namespace
}  // namespace controlplane::ctl
