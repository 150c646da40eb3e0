// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dataplane.h"

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <sys/random.h>
#include <time.h>

#include <cstring>
#include <vector>

#include "crypto/kernels/select.h"
#include "dataplane/lcore_loop.h"
#include "dataplane/main_lcore.h"
#include "dataplane/port.h"
#include "dataplane/under_tsan.h"

namespace dataplane {
namespace {

constexpr unsigned kPoolCache = 256;
constexpr unsigned kCapturePool = 1023;
/// Current and previous ones, and one that workers may still be letting go of.
constexpr std::size_t kKeysPerLink = 3;
constexpr long kMainSleepNs = 1'000'000;

static_assert(sizeof(CaptureVerdict) <= sizeof(PacketContext));

std::string numbered(const char* what, std::uint32_t serial) {
  return std::string(what) + "_" + std::to_string(serial);
}

std::uint32_t next_serial() noexcept {
  static std::atomic<std::uint32_t> serial{0};  // pool and ring names are global in the EAL
  return serial.fetch_add(1, std::memory_order_relaxed);
}

rte_mempool* make_pool(const std::string& name, unsigned mbufs, unsigned cache) {
  constexpr auto kPrivate =
      static_cast<std::uint16_t>(RTE_ALIGN(sizeof(PacketContext), RTE_MBUF_PRIV_ALIGN));
  return rte_pktmbuf_pool_create(name.c_str(), mbufs, cache, kPrivate, RTE_MBUF_DEFAULT_BUF_SIZE,
                                 SOCKET_ID_ANY);
}

}  // namespace

/// In the order they are made; destroyed the other way round, so workers go before what they use.
struct Dataplane::Parts {
  Parts(const config::NodeConfig& node, wire::shm::NodeRegion& shared)
      : config(node), region(shared) {}
  ~Parts();
  [[nodiscard]] std::string make_memory();
  [[nodiscard]] std::string open_ports();
  [[nodiscard]] std::string make_tables(const crypto::KernelTable& kernel,
                                        std::function<bool()> control_plane_lives);
  [[nodiscard]] std::string make_workers(const crypto::KernelTable& kernel);
  void publish_status(const crypto::KernelTable& kernel) noexcept;

  config::NodeConfig config;
  wire::shm::NodeRegion& region;
  std::uint32_t serial = next_serial();
  std::uint64_t tsc_hz = rte_get_tsc_hz();
  rte_mempool* pool = nullptr;
  rte_mempool* capture_pool = nullptr;
  std::vector<rte_ring*> capture_rings;  // by worker
  PortTable ports;
  std::unique_ptr<Quiescence> quiescence;
  std::unique_ptr<KnownSigners> known_signers;
  std::unique_ptr<AssociationStore> keys;
  std::unique_ptr<LinkTable> links;
  std::unique_ptr<SignerTable> signers;
  std::unique_ptr<NeighborTable> neighbors;
  std::unique_ptr<HandOff> hand_off;
  TraceSwitch trace;
  std::unique_ptr<Capture> capture;
  std::unique_ptr<MainLcore> main;
  std::vector<std::unique_ptr<LcoreContext>> lcores;
};

std::string Dataplane::Parts::make_memory() {
  pool = make_pool(numbered("packets", serial), config.dataplane.mbufs, kPoolCache);
  if (pool == nullptr) {
    return "no memory for dataplane.mbufs = " + std::to_string(config.dataplane.mbufs) + ": " +
           rte_strerror(rte_errno) + "; raise dataplane.memory_mib or lower mbufs";
  }
  under_tsan::watch(pool);
  capture_pool = make_pool(numbered("captured", serial), kCapturePool, 0);
  for (std::uint32_t worker = 0; worker < config.dataplane.workers; ++worker) {
    const std::string name = numbered("captured", serial) + numbered("", worker);
    capture_rings.push_back(rte_ring_create(name.c_str(), Capture::kRingDepth, SOCKET_ID_ANY,
                                            RING_F_SP_ENQ | RING_F_SC_DEQ));
    if (capture_pool == nullptr || capture_rings.back() == nullptr) {
      return "no memory for captures; raise dataplane.memory_mib";
    }
  }
  return {};
}

std::string Dataplane::Parts::open_ports() {
  ports.service_port = config.dataplane.service_port;
  for (const config::Port& wanted : config.dataplane.ports) {
    if (std::string why =
            open_port(wanted, config.dataplane.workers, pool, ports.ports[ports.count]);
        !why.empty()) {
      return why;
    }
    ++ports.count;
  }
  return {};
}

std::string Dataplane::Parts::make_tables(const crypto::KernelTable& kernel,
                                          std::function<bool()> control_plane_lives) {
  const config::Dataplane& wanted = config.dataplane;
  quiescence = Quiescence::create(wanted.workers);
  hand_off = HandOff::create(wanted.workers);
  if (quiescence != nullptr) {
    std::string why;
    keys = AssociationStore::create(kKeysPerLink * wanted.max_links, why);
    if (keys == nullptr) return why;
    links = LinkTable::create(wanted.max_links, wanted.workers, *quiescence, keys.get());
    known_signers = KnownSigners::create({.kernel = kernel,
                                          .bytes = std::uint64_t{wanted.known_signer_mib} << 20U,
                                          .max_signers = wanted.max_signers,
                                          .workers = wanted.workers,
                                          .quiescence = *quiescence});
    if (known_signers == nullptr) {
      return "no memory for dataplane.known_signer_mib = " +
             std::to_string(wanted.known_signer_mib) + "; lower it";
    }
    signers = SignerTable::create(wanted.max_signers, *quiescence, &known_signers->pool());
    neighbors = NeighborTable::create(wanted.max_links, *quiescence);
  }
  if (links == nullptr || signers == nullptr || neighbors == nullptr || hand_off == nullptr) {
    return "no memory for max_links = " + std::to_string(wanted.max_links) +
           " and max_signers = " + std::to_string(wanted.max_signers) +
           "; raise dataplane.memory_mib";
  }
  capture = std::make_unique<Capture>(ports, capture_rings, tsc_hz, region.dataplane.status);
  main = std::make_unique<MainLcore>(region, ports, *links, *signers, *neighbors, trace, *capture,
                                     *known_signers, std::move(control_plane_lives));
  return {};
}

std::string Dataplane::Parts::make_workers(const crypto::KernelTable& kernel) {
  std::uint64_t secret = 0;
  if (::getrandom(&secret, sizeof secret, 0) != sizeof secret) return "no random numbers";
  const Shared shared{.region = region,
                      .ports = ports,
                      .links = *links,
                      .signers = *signers,
                      .neighbors = *neighbors,
                      .quiescence = *quiescence,
                      .hand_off = *hand_off,
                      .trace = trace,
                      .capture = capture->setting(),
                      .pool = pool,
                      .capture_pool = capture_pool,
                      .kernel = kernel,
                      .tables = known_signers->pool(),
                      .workers = config.dataplane.workers,
                      .max_links = config.dataplane.max_links,
                      .max_signers = config.dataplane.max_signers,
                      .digest_cache_entries = config.dataplane.digest_cache_entries,
                      .tsc_hz = tsc_hz,
                      .secret = secret,
                      .adaptive = config.dataplane.poll == config::Poll::kAdaptive,
                      .idle_sleep_us = config.dataplane.idle_sleep_us};
  for (std::uint32_t worker = 0; worker < shared.workers; ++worker) {
    lcores.push_back(std::make_unique<LcoreContext>(worker, shared, capture_rings[worker]));
    if (std::string why; !lcores.back()->allocate(why)) return why;
  }
  for (const auto& lcore : lcores) {
    lcore->route_reader.online();
    lcore->policy_reader.online();
    quiescence->online(lcore->worker);
  }
  return {};
}

void Dataplane::Parts::publish_status(const crypto::KernelTable& kernel) noexcept {
  wire::shm::DataplaneStatus& status = region.dataplane.status;
  const bool adaptive = config.dataplane.poll == config::Poll::kAdaptive;
  std::strncpy(status.kernel.data(), kernel.name, status.kernel.size() - 1);
  std::strncpy(status.poll.data(), adaptive ? "adaptive" : "busy", status.poll.size() - 1);
  known_signers->publish(status);
  status.tsc_hz.store(tsc_hz, std::memory_order_relaxed);
  status.worker_count.store(config.dataplane.workers, std::memory_order_release);
}

Dataplane::Parts::~Parts() {
  // Twice: what the first round's workers still gave each other is taken in the second.
  for (int round = 0; round < 2; ++round) {
    for (const auto& lcore : lcores) empty_lcore(*lcore);
  }
  for (const auto& lcore : lcores) {
    lcore->route_reader.offline();
    lcore->policy_reader.offline();
    quiescence->offline(lcore->worker);
  }
  // PMDs give their mbufs back when they close.
  for (std::uint16_t port = 0; port < ports.count; ++port) {
    close_port(config.dataplane.ports[port], ports[port]);
  }
  lcores.clear();
  main.reset();
  capture.reset();
  for (rte_ring* ring : capture_rings) rte_ring_free(ring);
  rte_mempool_free(capture_pool);
  rte_mempool_free(pool);
}

Dataplane::Dataplane(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
Dataplane::~Dataplane() = default;

std::unique_ptr<Dataplane> Dataplane::create(const config::NodeConfig& config,
                                             wire::shm::NodeRegion& region,
                                             std::function<bool()> control_plane_lives,
                                             std::string& why) {
  const std::string& name = config.dataplane.kernel;
  const crypto::KernelTable* const kernel =
      name.empty() ? &crypto::best_kernel() : crypto::find_kernel(name, why);
  if (kernel == nullptr) return nullptr;
  auto parts = std::make_unique<Parts>(config, region);
  why = parts->make_memory();
  if (why.empty()) why = parts->open_ports();
  if (why.empty()) why = parts->make_tables(*kernel, std::move(control_plane_lives));
  if (why.empty()) why = parts->make_workers(*kernel);
  if (!why.empty()) return nullptr;
  parts->publish_status(*kernel);
  return std::unique_ptr<Dataplane>(new Dataplane(std::move(parts)));
}

bool Dataplane::run() {
  struct Job {
    LcoreContext* lcore;
    const std::atomic<bool>* stop;
  };
  std::vector<Job> jobs;
  for (const auto& lcore : parts_->lcores) jobs.push_back({lcore.get(), &stop_});
  for (Job& job : jobs) {
    const auto main_loop = [](void* argument) {
      const Job& mine = *static_cast<Job*>(argument);
      under_tsan::taken(argument);
      run_lcore(*mine.lcore, *mine.stop);
      under_tsan::given(argument);
      return 0;
    };
    under_tsan::given(&job);
    if (rte_eal_remote_launch(main_loop, &job, job.lcore->worker + 1) != 0) {
      stop();
      rte_eal_mp_wait_lcore();
      return false;
    }
  }
  while (!stop_.load(std::memory_order_relaxed)) {
    if (parts_->main->turn() != 0) continue;
    const timespec pause{0, kMainSleepNs};
    ::nanosleep(&pause, nullptr);
  }
  rte_eal_mp_wait_lcore();
  for (Job& job : jobs) under_tsan::taken(&job);
  return true;
}

unsigned Dataplane::turn(std::uint32_t worker) noexcept {
  return run_turn(*parts_->lcores[worker]);
}
std::size_t Dataplane::main_turn() { return parts_->main->turn(); }
void Dataplane::empty() noexcept {
  for (int round = 0; round < 2; ++round) {
    for (const auto& lcore : parts_->lcores) empty_lcore(*lcore);
  }
}

std::uint32_t Dataplane::workers() const noexcept { return parts_->config.dataplane.workers; }
const PortTable& Dataplane::ports() const noexcept { return parts_->ports; }
LcoreContext& Dataplane::lcore(std::uint32_t worker) noexcept { return *parts_->lcores[worker]; }
rte_mempool* Dataplane::pool() const noexcept { return parts_->pool; }
const std::string& Dataplane::last_command_error() const noexcept {
  return parts_->main->last_error();
}

}  // namespace dataplane
