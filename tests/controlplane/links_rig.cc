// SPDX-License-Identifier: Apache-2.0
#include "tests/controlplane/links_rig.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

#include "controlplane/trust/certificate.h"
#include "wire/dtls/record.h"

namespace tests {

using controlplane::links::Bytes;
using controlplane::links::ContextSettings;
using controlplane::links::Now;
using controlplane::links::open_record;
using controlplane::links::seal_record;
using controlplane::links::SecureContext;
using wire::dtls::ContentType;
using wire::dtls::RecordCursor;
using wire::dtls::RecordHeader;
using wire::reload::NodeId;

// --- certificates --------------------------------------------------------------------------------

LinkOverlay::LinkOverlay(controlplane::trust::Validity validity) {
  std::string why;
  authority_ = controlplane::trust::Authority::create(crypto::Algorithm::kEcdsaP256Sha256,
                                                      "links root", validity, why);
  if (!authority_) throw std::runtime_error(why);
  const std::vector<std::string> roots{authority_->certificate_pem()};
  checker_ = controlplane::trust::CertificateChecker::make(roots, kName, why);
  if (!checker_) throw std::runtime_error(why);
}

LinkIdentity LinkOverlay::identity(const NodeId& id, const IdentityWish& wish) const {
  LinkIdentity made;
  made.node_id = id;
  made.key = crypto::SigningKey::generate(wish.algorithm);
  const std::string overlay = wish.overlay.empty() ? kName : wish.overlay;
  std::string why;
  made.pem = authority_->issue(
      made.key->public_spki(),
      {"node@links.hopseal.example", {controlplane::trust::node_uri(id, overlay)}, wish.validity},
      why);
  if (made.pem.empty()) throw std::runtime_error(why);
  made.der = controlplane::trust::Certificate::from_pem(made.pem, why).value().der;
  return made;
}

ContextSettings LinkOverlay::context_settings(const LinkIdentity& identity) const {
  ContextSettings settings;
  settings.certificate = identity.der;
  settings.key = identity.key;
  settings.checker = checker_;
  return settings;
}

std::shared_ptr<const SecureContext> make_context(const ContextSettings& settings) {
  std::string why;
  std::shared_ptr<const SecureContext> context = SecureContext::make(settings, why);
  EXPECT_NE(context, nullptr) << why;
  return context;
}

Now links_at(std::uint64_t ns) {
  return {ns, static_cast<std::uint64_t>(kLinksUnixS) * 1000 + ns / 1'000'000};
}

wire::shm::Endpoint link_endpoint(unsigned last) {
  wire::shm::Endpoint endpoint;
  endpoint.family = 4;
  endpoint.port = 6084;
  endpoint.address[12] = 10;
  endpoint.address[15] = static_cast<std::uint8_t>(last);
  return endpoint;
}

// --- a node --------------------------------------------------------------------------------------

LinkNode::LinkNode(const NodeId& node_id, unsigned at_address,
                   std::shared_ptr<const SecureContext> context,
                   controlplane::links::HandshakeSettings settings)
    : id(node_id), address(at_address) {
  settings.self = node_id;
  handshakes = std::make_unique<controlplane::links::Handshakes>(settings, std::move(context));
}

void LinkNode::link_to(const Now& now, const NodeId& peer, unsigned peer_address, std::uint16_t mtu,
                       controlplane::links::Initiative initiative) {
  peer_address_ = peer_address;
  controlplane::links::SecureLink link;
  link.slot = kSlot;
  link.generation = kGeneration;
  link.mtu = mtu;
  link.endpoints = {link_endpoint(address), link_endpoint(peer_address)};
  link.peer = peer;
  link.initiative = initiative;
  handshakes->set_links(now, std::span(&link, 1), out);
  carry_out();
}

void LinkNode::receive(const Now& now, unsigned from, std::span<const std::byte> datagram) {
  RecordHeader header;
  if (!wire::dtls::parse_record(datagram, 0, header).ok()) return;
  if (header.type != ContentType::kApplicationData) {
    const controlplane::links::EndpointPair endpoints{link_endpoint(address), link_endpoint(from)};
    if (!handshakes->receive(now, endpoints, datagram, out) && admits_strangers) {
      handshakes->meet(now, {endpoints, 0, {}}, datagram, out);
    }
    carry_out();
    for (const controlplane::links::Admission& admission : std::exchange(admissions_, {})) {
      link_to(now, {}, from, 1500, controlplane::links::Initiative::kTheirs);
      handshakes->receive(now, admission.from.endpoints, admission.client_hello, out);
      carry_out();
    }
    return;
  }
  for (const std::uint32_t number : installed) {
    const Keys& keys = ever.at(number);
    if (auto opened = open_record(keys.keys.aead, keys.keys.read, header, datagram)) {
      data.push_back(std::move(*opened));
      return;
    }
  }
}

void LinkNode::tick(const Now& now) {
  if (handshakes->next_timer() > now.ns) return;
  handshakes->tick(now, out);
  carry_out();
}

bool LinkNode::send_data(std::span<const std::byte> bytes) {
  if (installed.empty()) return false;
  seal(installed.back(), ContentType::kApplicationData, bytes);
  return true;
}

void LinkNode::seal(std::uint32_t association, ContentType type, std::span<const std::byte> bytes) {
  if (std::ranges::find(installed, association) == installed.end()) return;
  Keys& keys = ever.at(association);
  RecordHeader header;
  header.type = type;
  header.epoch = wire::dtls::kDataEpoch;
  header.sequence = keys.next_sequence++;
  Bytes datagram;
  EXPECT_TRUE(seal_record(keys.keys.aead, keys.keys.write, header, bytes, datagram));
  send(std::move(datagram));
}

void LinkNode::send(Bytes datagram) {
  RecordCursor records(datagram);
  RecordHeader header;
  while (records.next(header)) {
    if (header.epoch == 0) continue;
    const auto at = datagram.begin() + static_cast<std::ptrdiff_t>(records.offset());
    protected_records.emplace_back(at, at + static_cast<std::ptrdiff_t>(header.record_bytes()));
  }
  EXPECT_TRUE(records.error().ok());
  to_wire.push_back(std::move(datagram));
}

void LinkNode::carry_out() {
  for (const wire::shm::AssociationRecord& record : out.associations) {
    EXPECT_EQ(record.slot, kSlot);
    EXPECT_EQ(record.generation, kGeneration);
    EXPECT_NE(record.association, 0U);
    EXPECT_EQ(ever.count(record.association), 0U) << "an association was numbered twice";
    Keys& keys = ever[record.association];
    keys.keys.aead = record.aead;
    keys.keys.write = record.write;
    keys.keys.read = record.read;
    keys.first_sequence = keys.next_sequence = record.write_sequence;
    installed.push_back(record.association);
    if (installed.size() > 2) installed.erase(installed.begin());
  }
  for (controlplane::links::Datagram& datagram : out.datagrams) send(std::move(datagram.bytes));
  for (controlplane::links::Reply& reply : out.replies) send(std::move(reply.bytes));
  std::ranges::move(out.admissions, std::back_inserter(admissions_));
  for (const controlplane::links::PlainRecord& record : out.records) {
    seal(record.association, static_cast<ContentType>(record.content_type), record.bytes);
  }
  if (!out.forgets.empty()) installed.clear();
  std::ranges::move(out.reports, std::back_inserter(reports));
  std::ranges::move(out.key_log, std::back_inserter(key_log));
  out.clear();
}

void LinkNode::restart_dataplane(const Now& now) {
  installed.clear();
  handshakes->dataplane_restarted(now);
}

std::size_t expect_no_number_twice(const LinkNode& node) {
  std::set<std::pair<std::uint32_t, std::uint64_t>> seen;
  for (const Bytes& record : node.protected_records) {
    RecordHeader header;
    EXPECT_TRUE(wire::dtls::parse_record(record, 0, header).ok());
    std::uint32_t association = 0;
    for (const auto& [number, keys] : node.ever) {
      if (open_record(keys.keys.aead, keys.keys.write, header, record)) association = number;
    }
    // Handshakes that came to nothing had keys, too, which nobody was told.
    if (association == 0) continue;
    EXPECT_TRUE(seen.emplace(association, header.sequence).second)
        << "association " << association << " sent number " << header.sequence << " twice";
  }
  return seen.size();
}

void expect_same_keys(const LinkNode& a, const LinkNode& b) {
  ASSERT_TRUE(a.is_secure());
  ASSERT_TRUE(b.is_secure());
  const LinkNode::Keys& one = a.ever.at(a.installed.back());
  const LinkNode::Keys& other = b.ever.at(b.installed.back());
  EXPECT_EQ(one.keys.aead, other.keys.aead);
  EXPECT_EQ(one.keys.write.key, other.keys.read.key);
  EXPECT_EQ(one.keys.write.iv, other.keys.read.iv);
  EXPECT_EQ(one.keys.read.key, other.keys.write.key);
  EXPECT_EQ(one.keys.read.iv, other.keys.write.iv);
}

std::string reports_of(const LinkNode& node) {
  std::string text;
  for (const controlplane::links::LinkReport& report : node.reports) {
    text += std::string("\n  ") + role_name(report.role) + ": " +
            failure_name(report.failure.failure) + ", " + refusal_name(report.failure.refusal) +
            ", alert sent " + std::to_string(report.failure.alert_sent) + ", received " +
            std::to_string(report.failure.alert_received) + " " + report.failure.detail;
  }
  return text;
}

// --- the network ---------------------------------------------------------------------------------

LinkNetwork::LinkNetwork(LinkNode& a, LinkNode& b, std::uint32_t seed, Weather its_weather)
    : weather(its_weather), a_(a), b_(b), random_(seed) {}

void LinkNetwork::post(LinkNode& from, LinkNode& to) {
  const auto chance = [this](unsigned percent) { return random_() % 100 < percent; };
  for (Bytes& datagram : std::exchange(from.to_wire, {})) {
    largest_datagram = std::max(largest_datagram, datagram.size());
    if (swallow && swallow(to.address, datagram)) continue;
    for (int copies = chance(weather.repeat) ? 2 : 1; copies > 0; --copies) {
      if (chance(weather.loss)) continue;
      const std::uint64_t jitter = weather.jitter_ms == 0 ? 0 : random_() % weather.jitter_ms;
      on_the_way_.push_back(
          {now_ns + (weather.delay_ms + jitter) * controlplane::links::kMillisecond, from.address,
           &to, datagram});
    }
  }
}

void LinkNetwork::collect() {
  post(a_, b_);
  post(b_, a_);
}

bool LinkNetwork::run_until(const std::function<bool()>& done, std::uint64_t limit_ns) {
  const std::uint64_t end = now_ns + limit_ns;
  while (!done()) {
    collect();
    std::uint64_t next = std::min(a_.handshakes->next_timer(), b_.handshakes->next_timer());
    const auto first = std::ranges::min_element(on_the_way_, {}, &OnTheWay::at_ns);
    if (first != on_the_way_.end()) next = std::min(next, first->at_ns);
    if (next > end) {
      now_ns = end;
      return done();
    }
    now_ns = std::max(now_ns, next);
    if (first != on_the_way_.end() && first->at_ns <= now_ns) {
      const OnTheWay arrived = std::move(*first);
      on_the_way_.erase(first);
      arrived.to->receive(now(), arrived.from, arrived.bytes);
    }
    a_.tick(now());
    b_.tick(now());
  }
  return true;
}

void LinkNetwork::run_for(std::uint64_t ns) {
  run_until([] { return false; }, ns);
}

}  // namespace tests
