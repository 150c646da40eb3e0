// SPDX-License-Identifier: Apache-2.0
// One worker's link layer with everything it works with, on a clock that only the test moves, and a
// port whose frames the test takes and gives. Needs a running EAL. TSC cycles are nanoseconds.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dataplane/link_layer.h"
#include "dataplane/neighbor_resolver.h"
#include "dataplane/tracer.h"
#include "wire/reload/link_framing.h"
#include "wire/shm/policy_table.h"
#include "wire/shm/region.h"

struct rte_ring;

namespace tests {

using Bytes = std::vector<std::byte>;

/// A frame taken apart by code that shares nothing with the dataplane's.
struct SeenFrame {
  bool checksums_right = false;
  std::uint64_t destination_mac = 0;
  wire::shm::Endpoint source, destination;
  Bytes payload;              ///< of the datagram
  bool is_frame = false;      ///< the payload is one: then
  wire::reload::Frame frame;  ///< frame.message points into the frame that was looked at
  Bytes message;
};
[[nodiscard]] SeenFrame look_at(const Bytes& ethernet_frame);

[[nodiscard]] wire::shm::Endpoint link_address(std::uint8_t family, std::uint8_t host);

struct LinkRigOptions {
  std::uint8_t host = 1;  ///< own address is 10.0.0.host or fd00::host
  std::uint8_t family = 4;
  bool shares_buffers = false;                                       ///< as Port::tx_shares_buffers
  wire::shm::LinkProtocol protocol = wire::shm::LinkProtocol::kLab;  ///< of links that are added
  std::uint32_t worker = 0;
  std::uint32_t workers = 1;
};

class LinkRig {
 public:
  static constexpr std::uint64_t kTscHz = 1'000'000'000;
  static constexpr std::uint64_t kMs = kTscHz / 1000;

  explicit LinkRig(const LinkRigOptions& options = {});
  ~LinkRig();
  LinkRig(const LinkRig&) = delete;
  LinkRig& operator=(const LinkRig&) = delete;

  /// Installs a link to host @p host; with @p resolve its MAC address is known at once.
  void add_link(std::uint16_t slot, std::uint8_t host, bool resolve = true,
                std::uint8_t generation = 0);
  void remove_link(std::uint16_t slot, std::uint8_t generation = 0);
  /// Gives a secure link keys. Empty, or why not.
  std::string install(const wire::shm::AssociationRecord& record);
  /// A neighbour's ARP or ND answer arrives.
  void resolve(std::uint8_t host);
  [[nodiscard]] static std::uint64_t mac_of(std::uint8_t host);

  /// Sends messages on a link as the stages before link_send would give them.
  void send(std::uint16_t slot, const std::vector<Bytes>& messages,
            wire::reload::TrafficClass cls = wire::reload::TrafficClass::kBulk,
            bool injected = false);
  /// The same within a turn: between links->begin_turn() and end_turn().
  void submit(std::uint16_t slot, const std::vector<Bytes>& messages,
              wire::reload::TrafficClass cls = wire::reload::TrafficClass::kBulk,
              bool injected = false);
  /// Everything the port has transmitted since the last call.
  [[nodiscard]] std::vector<Bytes> take_frames();
  /// Frames arrive; returns the messages that link_receive passed on, in order.
  std::vector<Bytes> receive(const std::vector<Bytes>& frames);
  /// The control plane has a plaintext sealed as one record.
  void send_record(std::uint16_t slot, std::uint8_t content_type, std::uint32_t association,
                   const Bytes& plaintext);
  /// The control plane sends a datagram on a link.
  void send_datagram(std::uint16_t slot, const Bytes& payload);
  /// What went up to the control plane since the last call.
  [[nodiscard]] std::vector<wire::shm::PacketRecord> take_handshakes();
  [[nodiscard]] std::vector<wire::shm::PacketRecord> take_virtual();
  /// One datagram from host @p host.
  std::vector<Bytes> receive_datagram(std::uint8_t host, const Bytes& payload);

  /// Moves the clock by whole milliseconds, housekeeping at each.
  void run_ms(unsigned ms);
  /// End of a turn: serves links, transmits, frees.
  void end_turn();
  /// As between two turns: the worker holds no old entry, and those that left the table are freed.
  void let_go();

  [[nodiscard]] std::uint64_t drops(wire::shm::DropReason reason) const {
    return counters.drops[static_cast<std::size_t>(reason)].get();
  }
  [[nodiscard]] const wire::shm::LinkStatus& status(std::uint16_t slot) const {
    return region->dataplane.links[slot];
  }
  [[nodiscard]] wire::shm::LinkState state(std::uint16_t slot) const {
    return static_cast<wire::shm::LinkState>(status(slot).state.load());
  }
  [[nodiscard]] std::vector<wire::shm::Event> take_events();
  /// What the ledger does not explain.
  [[nodiscard]] std::int64_t unaccounted() const;
  [[nodiscard]] unsigned mbufs_in_use() const;
  LinkRigOptions options;
  std::string missing;    ///< why a part could not be made
  bool starving = false;  ///< no buffer is left once a frame has come in
  std::uint64_t now = 1000 * kMs;
  wire::shm::PolicyTable policy;
  std::unique_ptr<wire::shm::NodeRegion> region;
  wire::shm::LcoreCounters& counters;
  std::unique_ptr<dataplane::Quiescence> quiescence;
  std::unique_ptr<dataplane::AssociationStore> keys;
  std::unique_ptr<dataplane::LinkTable> table;
  std::unique_ptr<dataplane::NeighborTable> neighbors;
  std::unique_ptr<dataplane::HandOff> hand_off;
  rte_mempool* pool;
  dataplane::PortTable ports;

 private:
  void settle(dataplane::Burst& burst);
  void starve(bool on);

  [[nodiscard]] rte_mbuf* packet(const Bytes& bytes);
  std::unique_ptr<crypto::LinkCipher> cipher_;
  rte_ring* out_ = nullptr;
  std::uint64_t passed_on_ = 0;
  std::uint64_t sent_ = 0;
  std::vector<rte_mbuf*> starved_;
  dataplane::TraceSwitch trace_switch_;
  dataplane::CaptureSwitch capture_switch_;
  std::optional<dataplane::Tracer> tracer_;
  std::optional<dataplane::CaptureTap> capture_;
  std::optional<dataplane::Doors> doors_;
  std::optional<dataplane::TransmitQueues> transmit_;
  std::optional<dataplane::NeighborResolver> resolver_;

 public:
  std::unique_ptr<dataplane::LinkLayer> links;
};

}  // namespace tests
