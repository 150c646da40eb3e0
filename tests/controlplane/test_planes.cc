// SPDX-License-Identifier: Apache-2.0

#include "tests/controlplane/test_planes.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "controlplane/links/own_context.h"

namespace tests {

using wire::shm::PacketRecord;
using wire::shm::Region;
using wire::shm::Role;

namespace {

std::unique_ptr<Region> attach(const config::NodeConfig& config, Role role) {
  auto result = Region::attach(config.region_path(), role);
  if (!result.region) {
    throw std::runtime_error(config.region_path() + ": " +
                             wire::shm::attach_state_text(result.state));
  }
  return std::move(result.region);
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() : path_(testing::TempDir() + "hopseal-XXXXXX") {
  if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error(path_ + ": cannot be made");
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

TestPlane::TestPlane(const TestOverlay& overlay, const std::string& directory, char letter,
                     const std::string& protocol)
    : directory_(directory), letter_(1, letter) {
  const bool first = letter == 'a';
  const auto self = node_id(first ? 0x10 : 0x80);
  const auto other = node_id(first ? 0x80 : 0x10);
  const bool streams = protocol == "tls";
  const auto pid = static_cast<unsigned>(::getpid());
  const std::string loopback =
      "127." + std::to_string(1 + pid / 256 % 254) + '.' + std::to_string(pid % 256) + '.';
  overlay.write_identity(self, file(".pem"), file(".key"));
  std::ofstream(directory + "/root.pem") << overlay.root_pem();
  std::filesystem::create_directory(file(".run"));
  std::ofstream(file(".toml"))
      << "[node]\nname = \"" << letter << "\"\nruntime_directory = \"" << file(".run")
      << "\"\n[overlay]\nname = \"" << TestOverlay::kName
      << "\"\nconfiguration_sequence = 7\nroot_certificates = [\"root.pem\"]\nlab_links = true\n"
      << "[[identity]]\nname = \"own\"\ncertificate = \"" << letter << ".pem\"\nkey = \"" << letter
      << ".key\"\n[[peer]]\nname = \"" << (first ? 'b' : 'a') << "\"\nnode_id = \""
      << config::to_string(other) << "\"\naddress = \"" << (streams ? loopback : "10.0.0.")
      << (first ? 2 : 1) << ":6084\"\n"
      << (streams ? "" : "port = \"p0\"\n") << "protocol = \"" << protocol
      << "\"\nclass = \"backbone\"\n[links]\ntls_listen = ["
      << (streams ? '"' + loopback + (first ? '1' : '2') + '"' : "")
      << "]\n[[dataplane.port]]\nname = \"p0\"\n"
      << "device = \"net_null0\"\naddresses = [\"10.0.0." << (first ? 1 : 2) << "/24\"]\n";
  auto loaded = config::load_node_config(file(".toml"));
  for (const auto& error : loaded.errors) ADD_FAILURE() << error.text();
  config_ = loaded.config.value();
}

void TestPlane::start() {
  plane_.reset();
  const auto loaded = controlplane::trust::load_credentials(config_, kUnixMs / 1000);
  for (const auto& error : loaded.errors) ADD_FAILURE() << error;
  std::string why;
  auto context = controlplane::links::own_context(config_, *loaded.credentials,
                                                  controlplane::links::Transport::kDatagram, why);
  if (!context) ADD_FAILURE() << why;
  plane_ = std::make_unique<controlplane::ControlPlane>(
      config_, *loaded.credentials, std::move(context), attach(config_, Role::kControlplane),
      [next = std::uint64_t{1}]() mutable { return next += 0x9e3779b97f4a7c15; }, at(0));
}

void TestPlane::open_streams(boost::asio::io_context& io,
                             std::function<controlplane::overlay::Now()> now) {
  const auto loaded = controlplane::trust::load_credentials(config_, kUnixMs / 1000);
  std::string why;
  auto context = controlplane::links::own_context(config_, *loaded.credentials,
                                                  controlplane::links::Transport::kStream, why);
  EXPECT_TRUE(context != nullptr) << why;
  EXPECT_TRUE(plane_->open_streams(io, std::move(context), std::move(now), why)) << why;
}

void TestPlane::start_dataplane() {
  dataplane_.reset();
  dataplane_ = attach(config_, Role::kDataplane);
  (*dataplane_)->dataplane.status.worker_count.store(1);
}

std::size_t carry(TestPlane& from, TestPlane& to) {
  const auto& link = to.plane().links().front();
  auto& down = from.dataplane()->rings.lcores[0].injected;
  auto& up = to.dataplane()->rings.lcores[0].urgent;
  return down.consume(64, [&](const PacketRecord& injected) {
    auto record = std::make_unique<PacketRecord>(injected);
    record->kind = wire::shm::PacketKind::kDelivery;
    record->verified = 1;
    record->link_slot = link.slot;
    record->generation = link.generation;
    EXPECT_TRUE(up.push(*record));
  });
}

}  // namespace tests
