// SPDX-License-Identifier: Apache-2.0
#include "config/node_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace {

using ::testing::HasSubstr;

/// A complete document. Tests change one line of it.
const std::string kGood = R"([node]
name = "p1"
[overlay]
name = "demo.hopseal.example"
root_certificates = ["ca.pem"]
lab_links = true
[[identity]]
name = "node"
certificate = "p1.pem"
key = "p1.key"
[dataplane]
workers = 2
[[dataplane.port]]
name = "p0"
device = "net_af_packet0,iface=veth0"
addresses = ["10.0.1.1/24", "fd00:1::1/64"]
[[peer]]
name = "p2"
node_id = "00000000000000000000000000000002"
address = "10.0.1.2:6084"
port = "p0"
)";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

/// All refusals of @p text, one a line.
std::string refusals(const std::string& text) {
  const config::LoadResult result = config::parse_node_config(text, "node.toml");
  EXPECT_EQ(result.config.has_value(), result.errors.empty());
  std::string lines;
  for (const config::ConfigError& error : result.errors) lines += error.text() + "\n";
  return lines;
}

std::string refusals(const std::string& from, const std::string& to) {
  return refusals(replaced(kGood, from, to));
}

TEST(NodeConfig, TakesAGoodDocument) {
  const config::LoadResult result = config::parse_node_config(kGood, "conf/node.toml");
  ASSERT_TRUE(result.config) << refusals(kGood);
  const config::NodeConfig& node = *result.config;
  EXPECT_EQ(node.name, "p1");
  EXPECT_EQ(node.region_path(), "/run/hopseal/p1/region");
  EXPECT_EQ(node.admin_path(), "/run/hopseal/p1/control.sock");
  EXPECT_EQ(node.dataplane.workers, 2U);
  ASSERT_EQ(node.dataplane.ports.size(), 1U);
  EXPECT_EQ(node.dataplane.ports[0].addresses.size(), 2U);
  ASSERT_EQ(node.peers.size(), 1U);
  EXPECT_EQ(config::to_string(node.peers[0].address), "10.0.1.2:6084");
  EXPECT_EQ(node.overlay.policy.overlay, config::overlay_hash("demo.hopseal.example"));
  EXPECT_EQ(node.overlay.policy.lab_links, 1);
}

TEST(NodeConfig, ResolvesPathsFromTheFilesDirectory) {
  const auto node = config::parse_node_config(kGood, "conf/node.toml").config;
  ASSERT_TRUE(node);
  EXPECT_EQ(node->overlay.root_certificates.at(0), "conf/ca.pem");
  EXPECT_EQ(node->identities.at(0).certificate, "conf/p1.pem");
  const auto absolute =
      config::parse_node_config(replaced(kGood, "\"p1.key\"", "\"/etc/p1.key\""), "conf/n.toml");
  ASSERT_TRUE(absolute.config);
  EXPECT_EQ(absolute.config->identities.at(0).key, "/etc/p1.key");
}

TEST(NodeConfig, ReadsClassesAndRates) {
  const auto node = config::parse_node_config(
      kGood +
          "[class.client]\nverify = \"sample\"\nsample_one_in = 8\nfragments = \"pass\"\n"
          "rate = {bulk = {per_second = 100, burst = 20}, liveness = {per_second = 5, burst = "
          "1}}\n[admission]\nsigner_rate = {per_second = 7, burst = 3}\n",
      "node.toml");
  ASSERT_TRUE(node.config);
  const auto& policy = node.config->overlay.policy;
  const auto& client = policy.classes[static_cast<std::size_t>(wire::shm::LinkClass::kClient)];
  EXPECT_EQ(client.verify, wire::shm::VerifyPolicy::kSample);
  EXPECT_EQ(client.sample_one_in, 8);
  EXPECT_EQ(client.fragments, wire::shm::FragmentPolicy::kPass);
  const auto bulk = static_cast<std::size_t>(wire::reload::TrafficClass::kBulk);
  const auto liveness = static_cast<std::size_t>(wire::reload::TrafficClass::kLiveness);
  EXPECT_EQ(client.rate[bulk].per_second, 100U);
  EXPECT_EQ(client.rate[bulk].burst, 20U);
  EXPECT_EQ(client.rate[liveness].burst, 1U);
  EXPECT_EQ(policy.signer_rate.per_second, 7U);
  const auto& backbone = policy.classes[static_cast<std::size_t>(wire::shm::LinkClass::kBackbone)];
  EXPECT_EQ(backbone.rate[bulk].per_second, 0U);
}

TEST(NodeConfig, NamesFileLineKeyValueAndWhatIsAccepted) {
  EXPECT_EQ(refusals("workers = 2", "workers = 0"),
            "node.toml:12: dataplane.workers = 0: accepted are 1 to 8\n");
}

TEST(NodeConfig, RefusesAWrongTypeWithoutAFollowingError) {
  EXPECT_EQ(refusals("workers = 2", "workers = \"2\""),
            "node.toml:12: dataplane.workers = '2': accepted are 1 to 8\n");
  EXPECT_EQ(refusals("name = \"p1\"", "name = 1"),
            "node.toml:2: node.name = 1: accepted is a text in quotes\n");
}

TEST(NodeConfig, SuggestsTheNearestKnownKey) {
  EXPECT_EQ(refusals("workers = 2", "worker = 2"),
            "node.toml:12: dataplane.worker = 2: unknown key; did you mean \"workers\"?\n");
  EXPECT_THAT(
      refusals("[dataplane]\n", "[datplane]\nworkers = 1\n[dataplane]\n"),
      HasSubstr("node.toml:11: datplane = {...}: unknown key; did you mean \"dataplane\"?"));
}

TEST(NodeConfig, ReportsAllErrorsInTheOrderOfTheFile) {
  std::string text = replaced(kGood, "workers = 2", "workers = 99");
  text = replaced(text, "demo.hopseal.example", "9demo");
  text = replaced(text, "port = \"p0\"", "port = \"p9\"");
  const config::LoadResult result = config::parse_node_config(text, "node.toml");
  ASSERT_EQ(result.errors.size(), 3U);
  EXPECT_EQ(result.errors[0].key, "overlay.name");
  EXPECT_EQ(result.errors[0].line, 4U);
  EXPECT_EQ(result.errors[1].key, "dataplane.workers");
  EXPECT_EQ(result.errors[2].key, "peer.port");
  EXPECT_THAT(result.errors[2].accepted, HasSubstr("\"p0\""));
}

TEST(NodeConfig, ReportsWhatIsNotToml) {
  const std::string lines = refusals("[node]\nname = \n");
  EXPECT_THAT(lines, HasSubstr("node.toml:2: not TOML: "));
}

TEST(NodeConfig, DemandsWhatHasNoDefault) {
  const std::string lines = refusals("");
  for (const char* key :
       {"node.name", "overlay.name", "overlay.root_certificates", "identity", "dataplane.port"}) {
    EXPECT_THAT(lines, HasSubstr(std::string("node.toml: ") + key + ": required"));
  }
  const std::string peer = refusals("[[peer]]\n");
  for (const char* key : {"peer.name", "peer.node_id", "peer.address", "peer.port"}) {
    EXPECT_THAT(peer, HasSubstr(std::string("node.toml:1: ") + key + ": required"));
  }
}

TEST(NodeConfig, HasLinksWithoutEncryptionOnlyWhenTheyAreEnabledByName) {
  const std::string lab = replaced(kGood, "port = \"p0\"", "port = \"p0\"\nprotocol = \"lab\"");
  const auto allowed = config::parse_node_config(lab, "node.toml");
  ASSERT_TRUE(allowed.config) << refusals(lab);
  EXPECT_EQ(allowed.config->peers.at(0).protocol, wire::shm::LinkProtocol::kLab);
  for (const char* off : {"lab_links = false", "initial_ttl = 100"}) {
    EXPECT_THAT(refusals(replaced(lab, "lab_links = true", off)),
                HasSubstr("node.toml:22: peer.protocol = 'lab': needs overlay.lab_links = true"));
    EXPECT_EQ(refusals("lab_links = true", off), "") << "secure links need nothing";
  }
  EXPECT_THAT(refusals(replaced(lab, "\"lab\"", "\"plain\"")),
              HasSubstr("peer.protocol = 'plain': accepted are \"dtls\", \"tls\" and \"lab\""));
}

TEST(NodeConfig, MakesSecureLinksUnlessToldOtherwise) {
  const auto node = config::parse_node_config(kGood, "node.toml").config.value();
  EXPECT_EQ(node.peers.at(0).protocol, wire::shm::LinkProtocol::kDtls);
  EXPECT_EQ(node.links.ciphers.size(), wire::dtls::kAeadCount);
  EXPECT_FALSE(node.links.shared_secret);
}

TEST(NodeConfig, RefusesNamesAndValuesThatAreNone) {
  for (const char* bad :
       {"[(", "[[ #]]", "[\x01node]", "\t[ =", "[[[", "x = ,", "x = ]", "( = 1"}) {
    EXPECT_THAT(refusals(std::string("\n") + bad + "\n"), HasSubstr("node.toml:2: not TOML: "))
        << bad;
  }
}

TEST(NodeConfig, GivesTlsLinksAddressesOfTheKernelAndNoPort) {
  const std::string tls = replaced(kGood, "port = \"p0\"", "protocol = \"tls\"") +
                          "[links]\ntls_listen = [\"127.0.0.1\"]\n";
  const auto read = config::parse_node_config(tls, "node.toml");
  ASSERT_TRUE(read.config) << refusals(tls);
  EXPECT_EQ(read.config->peers.at(0).protocol, wire::shm::LinkProtocol::kVirtual);
  EXPECT_EQ(read.config->peers.at(0).port, "");
  ASSERT_EQ(read.config->links.tls_listen.size(), 1U);
  EXPECT_EQ(config::to_string(read.config->links.tls_listen[0]), "127.0.0.1:6084");

  EXPECT_THAT(refusals(replaced(kGood, "port = \"p0\"", "port = \"p0\"\nprotocol = \"tls\"")),
              HasSubstr("peer.port = 'p0': a link with protocol \"tls\" goes by the sockets"));
  EXPECT_THAT(refusals(replaced(kGood, "port = \"p0\"", "")), HasSubstr("peer.port"));
  for (const char* bad : {"\"localhost:6084\"", "\"10.0.0.1:99999\"", "\"::1\", \"::1\""}) {
    EXPECT_THAT(refusals(replaced(tls, "\"127.0.0.1\"", bad)),
                HasSubstr("accepted are addresses of this machine"))
        << bad;
  }
  EXPECT_THAT(
      refusals(kGood + "[links]\ntls_listen = [\"[::]:6084\"]\n"),
      HasSubstr("links.tls_listen = [ '[::]:6084' ]: needs a [[peer]] with protocol = \"tls\""));
}

TEST(NodeConfig, ReadsWhatSecureLinksHaveInCommon) {
  const auto node = config::parse_node_config(
      kGood +
          "[links]\nciphers = [\"chacha20-poly1305\", \"aes128-gcm\"]\nshared_secret = "
          "\"s.psk\"\nrekey_records = 1099511627776\nrekey_mib = 0\nrekey_s = 3600\n"
          "handshake_rate = {per_second = 5}\nunknown_handshake_rate = {per_second = 0}\n",
      "conf/node.toml");
  ASSERT_TRUE(node.config);
  EXPECT_EQ(node.config->links.ciphers,
            (std::vector{wire::dtls::Aead::kChaCha20Poly1305, wire::dtls::Aead::kAes128Gcm}));
  EXPECT_EQ(node.config->links.shared_secret, "conf/s.psk");
  const auto& policy = node.config->overlay.policy;
  EXPECT_EQ(policy.rekey_records, std::uint64_t{1} << 40U);
  EXPECT_EQ(policy.rekey_mib, 0U);
  EXPECT_EQ(policy.rekey_s, 3600U);
  EXPECT_EQ(policy.handshake_rate.per_second, 5U);
  EXPECT_EQ(policy.handshake_rate.burst, 40U) << "the default burst stays";
  EXPECT_EQ(policy.unknown_handshake_rate.per_second, 0U);
}

TEST(NodeConfig, RefusesWhatNoSecureLinkCanDo) {
  const auto links_line = [](const std::string& line) {
    return refusals(kGood + "[links]\n" + line + "\n");
  };
  EXPECT_THAT(links_line("ciphers = [\"aes128-ccm\"]"),
              HasSubstr("node.toml:23: links.ciphers = [ 'aes128-ccm' ]: accepted are"));
  EXPECT_THAT(links_line("ciphers = [\"aes128-gcm\", \"aes128-gcm\"]"), HasSubstr("at most once"));
  EXPECT_THAT(links_line("rekey_records = 1099511627777"),
              HasSubstr("accepted are 0 to 1099511627776"));
  EXPECT_THAT(links_line("rekey_s = 2678401"), HasSubstr("accepted are 0 to 2678400"));
  EXPECT_THAT(links_line("handshake_rate = {per_second = 5, burst = 0}"),
              HasSubstr("links.handshake_rate.burst = 0: required with per_second"));
}

const std::string kSecondPeer =
    "[[peer]]\nname = \"p3\"\nnode_id = \"00000000000000000000000000000003\"\n"
    "address = \"[fd00:1::2]:6084\"\nport = \"p0\"\n";

TEST(NodeConfig, TakesASecondPeerOfAnotherFamily) { EXPECT_EQ(refusals(kGood + kSecondPeer), ""); }

TEST(NodeConfig, TakesAnOverlayThatMakesItsOwnLinks) {
  const std::size_t peer = kGood.find("[[peer]]");
  ASSERT_NE(peer, std::string::npos);
  std::string text = kGood;
  const std::string chord =
      "topology = \"chord-reload\"\nbootstrap_nodes = [\"192.0.2.1\", \"[2001:db8::1]:7000\"]\n"
      "join = false\nchord_update_interval_s = 60\n";
  const std::size_t overlay = text.find("[overlay]\n");
  ASSERT_NE(overlay, std::string::npos);
  text.insert(overlay + 10, chord);
  EXPECT_THAT(refusals(text), HasSubstr("there is no [[peer]]"));
  const std::size_t begin = text.find("[[peer]]");
  const std::size_t end = text.find("\n[", begin);
  text.erase(begin, end == std::string::npos ? end : end + 1 - begin);
  const auto result = config::parse_node_config(text, "node.toml");
  for (const auto& error : result.errors) ADD_FAILURE() << error.text();
  ASSERT_TRUE(result.config);
  EXPECT_EQ(result.config->overlay.topology, config::Topology::kChord);
  ASSERT_EQ(result.config->overlay.bootstrap_nodes.size(), 2U);
  EXPECT_EQ(result.config->overlay.bootstrap_nodes[0].port, 6084);
  EXPECT_EQ(result.config->overlay.bootstrap_nodes[1].port, 7000);
  EXPECT_FALSE(result.config->overlay.join);
  EXPECT_EQ(result.config->overlay.chord_update_s, 60U);
}

TEST(NodeConfig, RefusesAnOverlayThatCannotMakeItsLinks) {
  const auto with = [](const std::string& line) {
    std::string text = kGood;
    return refusals(text.insert(text.find("[overlay]\n") + 10, line + "\n"));
  };
  EXPECT_THAT(with("bootstrap_nodes = [\"192.0.2.1\"]"), HasSubstr("chord-reload"));
  EXPECT_THAT(with("topology = \"ring\""), HasSubstr("\"chord-reload\""));
  EXPECT_THAT(with("bootstrap_nodes = [\"nowhere\"]"), HasSubstr("addresses of nodes"));
  EXPECT_THAT(with("chord_ping_interval_s = 0"), HasSubstr("86400"));
  std::string client = kGood;
  client.insert(client.find("[overlay]\n") + 10, "topology = \"chord-reload\"\n");
  client.insert(client.find("[node]\n") + 7, "role = \"client\"\n");
  EXPECT_THAT(refusals(client), HasSubstr("a client calls one to find its peer"));
}

TEST(NodeConfig, RefusesDuplicatePeers) {
  EXPECT_THAT(refusals(kGood + replaced(kSecondPeer, "\"p3\"", "\"p2\"")),
              HasSubstr("node.toml:23: peer.name = 'p2': another peer already has this name"));
  EXPECT_THAT(refusals(kGood + replaced(kSecondPeer, "3\"\naddress", "2\"\naddress")),
              HasSubstr("peer \"p2\" already has this Node-ID"));
  EXPECT_THAT(refusals(kGood + replaced(kSecondPeer, "[fd00:1::2]:6084", "10.0.1.2")),
              HasSubstr("peer \"p2\" already has this address"));
}

TEST(NodeConfig, RefusesANodeIdThatNamesNobody) {
  for (const char* id :
       {"00000000000000000000000000000000", "ffffffffffffffffffffffffffffffff", "0002", "p2"}) {
    EXPECT_THAT(refusals("00000000000000000000000000000002", id), HasSubstr("peer.node_id")) << id;
  }
}

TEST(NodeConfig, RefusesAPeerThatItsPortCannotReach) {
  EXPECT_THAT(refusals("\"10.0.1.1/24\", ", ""), HasSubstr("port \"p0\" has no IPv4 address"));
  EXPECT_THAT(refusals("10.0.1.2:6084", "10.0.2.2:6084"),
              HasSubstr("not in a prefix of port \"p0\", which has no IPv4 gateway either"));
  EXPECT_THAT(refusals("10.0.1.2:6084", "10.0.1.1:6084"), HasSubstr("this node's own port"));
  EXPECT_THAT(refusals("10.0.1.2:6084", "224.0.0.1:6084"), HasSubstr("accepted is a unicast"));
  const std::string gateway = replaced(replaced(kGood, "10.0.1.2:6084", "10.0.2.2:6084"), "device",
                                       "gateways = [\"10.0.1.254\"]\ndevice");
  EXPECT_EQ(refusals(gateway), "");
}

TEST(NodeConfig, RefusesPortsThatShareSomething) {
  const std::string second =
      "[[dataplane.port]]\nname = \"p0\"\ndevice = \"net_af_packet0,iface=veth0\"\n"
      "addresses = [\"10.0.1.1/16\"]\n";
  const std::string lines = refusals("[[peer]]", second + "[[peer]]");
  EXPECT_THAT(lines, HasSubstr("another port already has this name"));
  EXPECT_THAT(lines, HasSubstr("port p0 already uses this device"));
  EXPECT_THAT(lines, HasSubstr("port p0 already has one of them"));
}

TEST(NodeConfig, RefusesValuesOfAPortThatCannotWork) {
  const auto port_line = [](const std::string& line) {
    return refusals("device", line + "\ndevice");
  };
  EXPECT_THAT(port_line("mtu = 575"), HasSubstr("accepted are 576 to 1982"));
  EXPECT_THAT(port_line("mtu = 1983"), HasSubstr("accepted are 576 to 1982"));
  EXPECT_THAT(port_line("mac = \"03:00:00:00:00:01\""), HasSubstr("unicast MAC"));
  EXPECT_THAT(port_line("gateways = [\"10.9.9.9\"]"), HasSubstr("must lie in the prefix"));
  EXPECT_THAT(port_line("gateways = [\"10.0.1.8\", \"10.0.1.9\"]"), HasSubstr("one gateway"));
  EXPECT_THAT(refusals("10.0.1.1/24", "10.0.1.1"), HasSubstr("with its prefix"));
}

TEST(NodeConfig, RefusesCpusThatDoNotMatchTheWorkers) {
  const auto cpus = [](const std::string& list) {
    return refusals("workers = 2", "workers = 2\ncpus = " + list);
  };
  EXPECT_EQ(cpus("[0, 1]"), "");
  EXPECT_THAT(cpus("[0]"), HasSubstr("one CPU per worker"));
  EXPECT_THAT(cpus("[1, 1]"), HasSubstr("of its own"));
  EXPECT_THAT(cpus("[0, -1]"), HasSubstr("numbers from 0"));
}

TEST(NodeConfig, RefusesARateThatNeverLetsAnythingPass) {
  EXPECT_THAT(refusals(kGood + "[class.client]\nrate = {bulk = {per_second = 10}}\n"),
              HasSubstr("class.client.rate.bulk.burst: required with per_second"));
}

TEST(NodeConfig, RefusesAReplayWindowThatEatsRetransmissions) {  // requirement F-02
  EXPECT_THAT(refusals("[[identity]]", "[admission]\nreplay_window_ms = 3000\n[[identity]]"),
              HasSubstr("admission.replay_window_ms = 3000: accepted are 0 and what is below"));
  EXPECT_EQ(refusals("[[identity]]", "[admission]\nreplay_window_ms = 2999\n[[identity]]"), "");
  EXPECT_EQ(refusals("[[identity]]", "[admission]\nreplay_window_ms = 0\n[[identity]]"), "");
}

TEST(NodeConfig, RefusesWordsThatAreNoChoice) {
  EXPECT_THAT(refusals("workers = 2", "poll = \"fast\""),
              HasSubstr("dataplane.poll = 'fast': accepted are \"adaptive\" and \"busy\""));
  EXPECT_THAT(refusals(kGood + "[class.backbone]\nverify = \"some\"\n"),
              HasSubstr("accepted are \"all\", \"sample\" and \"off\""));
}

TEST(NodeConfig, RefusesARuntimeDirectoryTooLongForASocket) {
  EXPECT_THAT(refusals("name = \"p1\"",
                       "name = \"p1\"\nruntime_directory = \"/" + std::string(95, 'x') + "\""),
              HasSubstr("node.runtime_directory"));
}

TEST(NodeConfig, KnowsEveryNestedKey) {
  const std::vector<std::string> keys = config::known_keys();
  for (const char* key : {"node.name", "dataplane.port.mtu", "peer.certificate", "identity.key",
                          "class.untrusted.rate.media.burst", "admission.signer_rate.per_second"}) {
    EXPECT_THAT(keys, ::testing::Contains(key));
  }
}

class NodeConfigFile : public ::testing::Test {
 protected:
  NodeConfigFile()
      : directory_(std::filesystem::path(::testing::TempDir()) /
                   ("node_config_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(directory_);
  }
  ~NodeConfigFile() override { std::filesystem::remove_all(directory_); }
  std::string write(const std::string& name, const std::string& text) {
    const std::string path = directory_ / name;
    std::ofstream(path) << text;
    return path;
  }
  std::filesystem::path directory_;
};

TEST_F(NodeConfigFile, NamesFilesThatAreMissing) {
  write("ca.pem", "x");
  write("p1.pem", "x");
  const config::LoadResult result = config::load_node_config(write("node.toml", kGood));
  ASSERT_EQ(result.errors.size(), 1U);
  EXPECT_EQ(result.errors[0].line, 10U);
  EXPECT_THAT(result.errors[0].text(), HasSubstr("identity.key = 'p1.key': there is no file " +
                                                 (directory_ / "p1.key").string()));
  write("p1.key", "x");
  EXPECT_TRUE(config::load_node_config(write("node.toml", kGood)).config);
}

TEST_F(NodeConfigFile, SaysWhyItCannotBeRead) {
  const std::string absent = config::load_node_config(directory_ / "no.toml").errors.at(0).text();
  EXPECT_THAT(absent, HasSubstr("no.toml: cannot be read: No such file or directory"));
  const std::string folder = config::load_node_config(directory_).errors.at(0).text();
  EXPECT_THAT(folder, HasSubstr("cannot be read: Is a directory"));
}

TEST_F(NodeConfigFile, MissesEverythingInAnEmptyFile) {
  EXPECT_GE(config::load_node_config(write("node.toml", "")).errors.size(), 5U);
}

}  // namespace
