// SPDX-License-Identifier: Apache-2.0
#include "tests/support/stage_rig.h"

#include <rte_mempool.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "crypto/kernels/select.h"
#include "wire/byte_order.h"

namespace tests {

using namespace wire::reload;
using dataplane::Burst;
using dataplane::context_of;
using dataplane::PacketContext;

namespace {

/// One pool a process, as one EAL: rte_mempool names are process-wide.
rte_mempool* the_pool() {
  static rte_mempool* const pool = rte_pktmbuf_pool_create(
      "stage_rig", 4095, 0, RTE_ALIGN_CEIL(sizeof(PacketContext), RTE_MBUF_PRIV_ALIGN),
      RTE_PKTMBUF_HEADROOM + 2048, SOCKET_ID_ANY);
  if (pool == nullptr) throw std::runtime_error("no memory for mbufs");
  return pool;
}

SignatureScheme scheme_of(crypto::Algorithm algorithm) {
  switch (algorithm) {
    case crypto::Algorithm::kRsaPkcs1Sha256:
      return SignatureScheme::kRsaPkcs1Sha256;
    case crypto::Algorithm::kEcdsaP256Sha256:
      return SignatureScheme::kEcdsaP256Sha256;
    case crypto::Algorithm::kEd25519:
      break;
  }
  return SignatureScheme::kEd25519;
}

}  // namespace

NodeId node_at(std::uint64_t high) {
  NodeId id;
  wire::store_be64(id.bytes.data(), high);
  wire::store_be64(id.bytes.data() + 8, 1);
  return id;
}

TestSigner make_forger(std::uint8_t tag) {
  TestSigner signer;
  signer.identity.scheme = SignatureScheme::kEd25519;
  signer.identity.signer.type = SignerIdentityType::kCertHash;
  signer.identity.signer.hash.fill(std::byte{tag});
  signer.identity.certificates = {Bytes(300, std::byte{0x30})};
  signer.identity.sign = [](std::span<const std::byte>) { return Bytes(64, std::byte{0x51}); };
  signer.record.key = signer.identity.signer;
  signer.record.expires_unix_s = 2'000'000'000;
  return signer;
}

TestSigner make_signer(crypto::Algorithm algorithm, std::uint8_t tag) {
  TestSigner signer = make_forger(tag);
  signer.key = crypto::SigningKey::generate(algorithm);
  signer.identity.scheme = scheme_of(algorithm);
  signer.identity.sign = [key = signer.key](std::span<const std::byte> bytes) {
    return key->sign(bytes);
  };
  signer.record.algorithm = static_cast<wire::shm::SignatureAlgorithm>(algorithm);
  const std::vector<std::byte> spki = signer.key->public_spki();
  signer.record.public_key_length = static_cast<std::uint16_t>(spki.size());
  std::copy(spki.begin(), spki.end(), signer.record.public_key.begin());
  return signer;
}

StageRig::StageRig() : pool(the_pool()) {
  quiescence = dataplane::Quiescence::create(1);
  links = dataplane::LinkTable::create(64, 1, *quiescence);
  signers = dataplane::SignerTable::create(256, *quiescence);
  policy.overlay = OverlayHash{kOverlay};
  admit_state = dataplane::AdmitState::create(256, kTscHz, 0x1234567890abcdefU);
  dataplane::VerifyState::Setup setup;
  std::string why;
  setup.kernel = crypto::find_kernel("portable", why);
  setup.rings = rings.get();
  setup.links = {link_status.get(), wire::shm::kMaxLinks};
  setup.tsc_hz = kTscHz;
  setup.secret = 0xfedcba0987654321U;
  setup.digest_cache_entries = 1024;
  verify_state = dataplane::VerifyState::create(setup);
  rewrite_state.pool = pool;
  if (links == nullptr || signers == nullptr || admit_state == nullptr || verify_state == nullptr) {
    throw std::runtime_error("no memory for the rig");
  }
}

StageRig::~StageRig() {
  dataplane::condemn_all(*verify_state, wire::shm::DropReason::kShutdown);
  Burst burst;
  while (dataplane::release_for_route(burst, *verify_state) != 0) free(burst);
  while (dataplane::release_pieces(burst, rewrite_state) != 0) free(burst);
}

rte_mbuf* StageRig::packet(std::span<const std::byte> message, std::uint16_t link_in) {
  rte_mbuf* const mbuf = rte_pktmbuf_alloc(pool);
  if (mbuf == nullptr) throw std::runtime_error("out of mbufs");
  PacketContext& context = context_of(mbuf);
  // Nothing may depend on what the private area held before.
  std::memset(static_cast<void*>(&context), 0xa5, sizeof context);
  dataplane::reset_context(context, turn.tsc);
  char* const to = rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(message.size()));
  if (to == nullptr) {
    rte_pktmbuf_free(mbuf);
    throw std::runtime_error("message does not fit an mbuf");
  }
  if (!message.empty()) std::memcpy(to, message.data(), message.size());
  context.link_in = link_in;
  context.inject_on_link = false;
  context.link_class = wire::shm::LinkClass::kBackbone;
  if (const dataplane::LinkEntry* const link = links->by_slot(link_in); link != nullptr) {
    context.link_generation = link->record.generation;
    context.link_class = link->record.link_class;
  }
  return mbuf;
}

void StageRig::add_link(std::uint16_t slot, const NodeId& peer, wire::shm::LinkClass cls,
                        std::uint16_t mtu, std::uint8_t generation, bool barred) {
  wire::shm::LinkRecord record;
  record.slot = slot;
  record.generation = generation;
  record.link_class = cls;
  record.barred = barred ? 1 : 0;
  record.mtu = mtu;
  record.local = {.address = {}, .port = 6084, .family = 4, .zero = 0};
  record.local.address[15] = 1;
  record.remote = {
      .address = {}, .port = static_cast<std::uint16_t>(7000 + slot), .family = 4, .zero = 0};
  record.remote.address[15] = 2;
  record.peer = peer;
  std::string why;
  if (!links->upsert(record, why)) throw std::runtime_error("link refused: " + why);
}

void StageRig::know(const wire::shm::SignerRecord& record) {
  std::string why;
  if (!signers->upsert(record, why)) throw std::runtime_error("signer refused: " + why);
}

void StageRig::set_routes(const NodeId& self, const NodeId& predecessor,
                          std::vector<std::pair<NodeId, std::uint16_t>> connections,
                          std::vector<std::pair<NodeId, std::uint16_t>> peers) {
  const auto fill = [](auto& nodes, auto& entries) {
    std::sort(nodes.begin(), nodes.end());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      entries[i] = {.id = nodes[i].first, .link_slot = nodes[i].second, .zero = {}};
    }
    return static_cast<std::uint32_t>(nodes.size());
  };
  routes->self = self;
  routes->predecessor = predecessor;
  routes->is_peer = 1;
  routes->connection_count = fill(connections, routes->connections);
  routes->peer_count = fill(peers, routes->peers);
}

MessageBuilder StageRig::ping(const NodeId& destination, std::uint64_t id,
                              std::size_t padding) const {
  return MessageBuilder()
      .overlay(policy.overlay)
      .ttl(policy.initial_ttl)
      .transaction(TransactionId{id})
      .destination(destination)
      .contents(MessageCode::kPingReq, ping_request_body(padding));
}

void StageRig::free(Burst& burst) {
  const std::uint64_t here = burst.live | burst.dropped | burst.absorbed | burst.delivered;
  for (std::uint64_t left = here; left != 0; left &= left - 1) {
    rte_pktmbuf_free(burst.mbufs[static_cast<unsigned>(std::countr_zero(left))]);
  }
  burst.clear();
}

std::size_t StageRig::mbufs_in_use() const { return rte_mempool_in_use_count(pool); }

Burst burst_of(std::initializer_list<rte_mbuf*> mbufs) {
  Burst burst;
  for (rte_mbuf* const mbuf : mbufs) burst.add(mbuf);
  return burst;
}

std::string fate(const Burst& burst, unsigned i) {
  const std::uint64_t bit = std::uint64_t{1} << i;
  if ((burst.live & bit) != 0) return "live";
  if ((burst.delivered & bit) != 0) return "delivered";
  if ((burst.dropped & bit) == 0) return "taken";
  return wire::shm::kDropReasons[static_cast<std::size_t>(burst.reason[i])].name;
}

}  // namespace tests
