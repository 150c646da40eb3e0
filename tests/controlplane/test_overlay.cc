// SPDX-License-Identifier: Apache-2.0

#include "tests/controlplane/test_overlay.h"

#include <gtest/gtest.h>

#include <fstream>

#include "config/node_config.h"
#include "controlplane/trust/issue.h"
#include "controlplane/trust/judge.h"

namespace tests {

using controlplane::overlay::Input;
using controlplane::overlay::Outputs;
using controlplane::overlay::Settings;
using controlplane::overlay::SigningName;
using controlplane::trust::Authority;
using controlplane::trust::Certificate;
using wire::reload::Bytes;
using wire::reload::NodeId;

namespace {

constexpr controlplane::trust::Validity kValidity{kUnixMs / 1000 - 3600, kUnixMs / 1000 + 864'000};

std::vector<controlplane::topology::StaticPeer> peers_of(const std::vector<NodeId>& neighbours) {
  std::vector<controlplane::topology::StaticPeer> peers;
  for (const NodeId& id : neighbours) {
    peers.push_back({id, static_cast<std::uint16_t>(peers.size()), true});
  }
  return peers;
}

}  // namespace

NodeId node_id(unsigned first, unsigned rest) {
  NodeId id;
  id.bytes.fill(static_cast<std::byte>(rest));
  id.bytes[0] = static_cast<std::byte>(first);
  return id;
}

Bytes to_node(const NodeId& id) {
  Bytes entry(wire::reload::kNodeEntryBytes);
  EXPECT_EQ(wire::reload::write_node_entry(id, entry), entry.size());
  return entry;
}

Bytes to_resource(const NodeId& point) {
  Bytes entry(64);
  entry.resize(wire::reload::write_resource_entry(point.bytes, entry));
  return entry;
}

controlplane::overlay::Now at(std::uint64_t ns) { return {ns, kUnixMs + ns / 1'000'000}; }

struct TestOverlay::Issued {
  std::string pem;
  std::shared_ptr<crypto::SigningKey> key;
};

TestOverlay::TestOverlay() {
  std::string why;
  std::shared_ptr<Authority> authority =
      Authority::create(crypto::Algorithm::kEd25519, "test root", kValidity, why);
  if (!authority) throw std::runtime_error(why);
  const std::vector<std::string> roots{authority->certificate_pem()};
  checker_ = controlplane::trust::CertificateChecker::make(roots, kName, why);
  if (!checker_) throw std::runtime_error(why);
  authority_ = std::move(authority);
}

std::string TestOverlay::root_pem() const {
  return static_cast<const Authority*>(authority_.get())->certificate_pem();
}

TestOverlay::Issued TestOverlay::issue(const NodeId& id, crypto::Algorithm algorithm) const {
  std::shared_ptr<crypto::SigningKey> key = crypto::SigningKey::generate(algorithm);
  std::string why;
  std::string pem =
      static_cast<const Authority*>(authority_.get())
          ->issue(
              key->public_spki(),
              {"node@test.hopseal.example", {controlplane::trust::node_uri(id, kName)}, kValidity},
              why);
  if (pem.empty()) throw std::runtime_error(why);
  return {std::move(pem), std::move(key)};
}

void TestOverlay::write_identity(const NodeId& id, const std::string& certificate_path,
                                 const std::string& key_path) const {
  const Issued issued = issue(id, crypto::Algorithm::kEd25519);
  std::ofstream(certificate_path) << issued.pem;
  std::ofstream(key_path) << issued.key->to_pem();
}

SigningName TestOverlay::identity(const NodeId& id, crypto::Algorithm algorithm) const {
  const Issued issued = issue(id, algorithm);
  std::string why;
  const auto certificate = Certificate::from_pem(issued.pem, why);
  if (!certificate) throw std::runtime_error(why);
  SigningName name{"own", id, {}};
  name.identity.scheme = algorithm == crypto::Algorithm::kEd25519
                             ? wire::reload::SignatureScheme::kEd25519
                         : algorithm == crypto::Algorithm::kEcdsaP256Sha256
                             ? wire::reload::SignatureScheme::kEcdsaP256Sha256
                             : wire::reload::SignatureScheme::kRsaPkcs1Sha256;
  name.identity.signer = certificate->signer_key(id).value();
  name.identity.certificates = {certificate->der};
  name.identity.sign = [key = issued.key](std::span<const std::byte> bytes) {
    return key->sign(bytes);
  };
  return name;
}

Settings TestOverlay::settings(const NodeId& self) const {
  Settings settings;
  settings.self = self;
  settings.overlay = config::overlay_hash(kName);
  settings.configuration_sequence = 7;
  return settings;
}

TestNode::TestNode(const TestOverlay& overlay, const NodeId& self,
                   const std::vector<NodeId>& neighbours)
    : TestNode(overlay, overlay.settings(self), neighbours) {}

TestNode::TestNode(const TestOverlay& overlay, const Settings& settings,
                   const std::vector<NodeId>& neighbours)
    : topology(settings.self, true, peers_of(neighbours)) {
  std::vector<controlplane::overlay::Connection> rows;
  for (const NodeId& id : neighbours) {
    rows.push_back({static_cast<std::uint16_t>(rows.size()), kGeneration, id});
  }
  node = std::make_unique<controlplane::overlay::Node>(
      settings, std::vector<SigningName>{overlay.identity(settings.self)}, std::move(rows),
      topology, controlplane::trust::judge_with(overlay.checker()),
      [next = settings.self.high()]() mutable { return next += 0x1234567; });
}

const Outputs& TestNode::step(std::uint64_t ns, const Input& input) {
  out.clear();
  node->step(at(ns), input, out);
  return out;
}

const Outputs& TestNode::deliver(std::uint64_t ns, std::span<const std::byte> message,
                                 std::uint16_t slot, bool verified) {
  return step(ns, controlplane::overlay::Delivery{message, {slot, kGeneration}, verified});
}

controlplane::overlay::ParsedMessage parsed(std::span<const std::byte> message) {
  controlplane::overlay::ParsedMessage out;
  const auto error = controlplane::overlay::parse_message(message, out);
  EXPECT_TRUE(error.ok()) << wire::reload::fault_text(error.fault) << " at " << error.offset;
  return out;
}

std::uint16_t error_code(std::span<const std::byte> message) {
  const auto response = parsed(message);
  wire::reload::ErrorResponse error;
  if (response.contents.message_code != 0xffff ||
      !wire::reload::parse_error_response(response.contents.body, error).ok()) {
    return 0;
  }
  return error.error_code;
}

}  // namespace tests
