// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port.h"

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "dataplane/eal_arguments.h"
#include "dataplane/under_tsan.h"

namespace dataplane {
namespace {

constexpr std::uint16_t kDescriptors = 1024;
constexpr std::uint64_t kRxChecksums = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
constexpr std::uint64_t kRssFields = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP;

/// "net_af_packet0,iface=veth0" is called net_af_packet0; PCI addresses get their domain.
std::string device_name(const std::string& device) {
  if (is_pci_address(device)) {
    return std::count(device.begin(), device.end(), ':') == 1 ? "0000:" + device : device;
  }
  return device.substr(0, device.find(','));
}

std::string failure(const config::Port& wanted, const std::string& what, int error) {
  return "port " + wanted.name + " (" + wanted.device + "): " + what +
         (error == 0 ? std::string()
                     : ": " + std::string(rte_strerror(error < 0 ? -error : error)));
}

/// These come with as many queues as their arguments say, and each must be polled; other devices
/// make queues when they are configured.
bool has_fixed_queues(std::string_view driver) {
  return driver == "net_ring" || driver == "net_af_packet" || driver == "net_pcap" ||
         driver == "net_af_xdp";
}

std::string attach(const config::Port& wanted, const std::string& name, std::uint16_t& id) {
  if (rte_eth_dev_get_port_by_name(name.c_str(), &id) == 0) return {};
  if (is_pci_address(wanted.device)) {
    return failure(wanted, "no such device is bound to a DPDK driver (see dpdk-devbind.py)", 0);
  }
  const std::size_t comma = wanted.device.find(',');
  const std::string arguments =
      comma == std::string::npos ? std::string() : wanted.device.substr(comma + 1);
  if (const int error = rte_eal_hotplug_add("vdev", name.c_str(), arguments.c_str()); error != 0) {
    return failure(wanted, "the device does not start; run with `-- --log-level=info` to see why",
                   error);
  }
  // A probe may succeed and leave no port behind.
  if (rte_eth_dev_get_port_by_name(name.c_str(), &id) != 0) {
    return failure(wanted, "the device started without an Ethernet port", 0);
  }
  return {};
}

std::string configure(const config::Port& wanted, std::uint32_t workers, rte_mempool* pool,
                      Port& port) {
  rte_eth_dev_info info;
  if (const int error = rte_eth_dev_info_get(port.id, &info); error != 0) {
    return failure(wanted, "does not describe itself", error);
  }
  const std::string_view driver = info.driver_name;
  const auto per_worker = static_cast<std::uint16_t>(workers);
  port.rx_queues =
      has_fixed_queues(driver) ? info.max_rx_queues : std::min(info.max_rx_queues, per_worker);
  port.tx_queues = std::min(info.max_tx_queues, per_worker);
  if (port.rx_queues == 0 || port.tx_queues == 0) {
    return failure(wanted, "the device has no RX or no TX queue", 0);
  }
  port.tx_shares_buffers = driver == "net_ring";

  rte_eth_conf conf;
  std::memset(&conf, 0, sizeof conf);
  // Devices that report a smaller maximum than they carry (net_af_packet) stay at theirs.
  conf.rxmode.mtu = std::clamp<std::uint32_t>(
      port.mtu, info.min_mtu,
      info.max_mtu == 0 ? port.mtu : std::max<std::uint32_t>(info.max_mtu, info.min_mtu));
  if ((info.rx_offload_capa & kRxChecksums) == kRxChecksums) {
    conf.rxmode.offloads |= kRxChecksums;
    port.rx_checks_checksums = true;
  }
  if (port.rx_queues > 1 && (info.flow_type_rss_offloads & kRssFields) != 0) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_hf = info.flow_type_rss_offloads & kRssFields;
  }
  if (const int error = rte_eth_dev_configure(port.id, port.rx_queues, port.tx_queues, &conf);
      error != 0) {
    return failure(wanted, "configuration refused", error);
  }
  std::uint16_t rx_descriptors = kDescriptors, tx_descriptors = kDescriptors;
  if (const int error = rte_eth_dev_adjust_nb_rx_tx_desc(port.id, &rx_descriptors, &tx_descriptors);
      error != 0) {
    return failure(wanted, "no usable queue length", error);
  }
  const int any_socket = SOCKET_ID_ANY;
  for (std::uint16_t queue = 0; queue < port.rx_queues; ++queue) {
    if (const int error = rte_eth_rx_queue_setup(port.id, queue, rx_descriptors,
                                                 static_cast<unsigned>(any_socket), nullptr, pool);
        error != 0) {
      return failure(wanted, "RX queue refused; dataplane.mbufs may be too small", error);
    }
  }
  for (std::uint16_t queue = 0; queue < port.tx_queues; ++queue) {
    if (const int error = rte_eth_tx_queue_setup(port.id, queue, tx_descriptors,
                                                 static_cast<unsigned>(any_socket), nullptr);
        error != 0) {
      return failure(wanted, "TX queue refused", error);
    }
  }
  return {};
}

std::string set_address(const config::Port& wanted, Port& port) {
  rte_ether_addr address;
  if (const int error = rte_eth_macaddr_get(port.id, &address); error != 0) {
    return failure(wanted, "has no MAC address", error);
  }
  if (wanted.mac) {
    for (unsigned i = 0; i < 6; ++i) {
      port.mac[i] = static_cast<std::uint8_t>(*wanted.mac >> (40U - 8U * i));
    }
    if (std::memcmp(address.addr_bytes, port.mac.data(), 6) != 0) {
      rte_ether_addr own;
      std::memcpy(own.addr_bytes, port.mac.data(), 6);
      // Where the device keeps its own address it still hears us in promiscuous mode.
      const int error = rte_eth_dev_default_mac_addr_set(port.id, &own);
      if (error != 0 && error != -ENOTSUP) return failure(wanted, "MAC address refused", error);
    }
    return {};
  }
  std::memcpy(port.mac.data(), address.addr_bytes, 6);
  return {};
}

void describe(const config::Port& wanted, Port& port) {
  port.mtu = wanted.mtu;
  for (const config::PortAddress& address : wanted.addresses) {
    if (port.address_count == kMaxPortAddresses) break;
    port.addresses[port.address_count++] = {address.address, address.prefix_bits};
  }
  for (const wire::shm::Endpoint& gateway : wanted.gateways) {
    (gateway.family == 4 ? port.gateway4 : port.gateway6) = gateway;
  }
  const std::size_t length = std::min(wanted.name.size(), port.name.size() - 1);
  std::memcpy(port.name.data(), wanted.name.data(), length);
}

}  // namespace

std::string open_port(const config::Port& wanted, std::uint32_t workers, rte_mempool* pool,
                      Port& port) {
  if (wanted.addresses.size() > kMaxPortAddresses) {
    return failure(wanted, "more than " + std::to_string(kMaxPortAddresses) + " addresses", 0);
  }
  describe(wanted, port);
  if (std::string why = attach(wanted, device_name(wanted.device), port.id); !why.empty()) {
    return why;
  }
  std::string why = configure(wanted, workers, pool, port);
  if (why.empty()) why = set_address(wanted, port);
  if (why.empty()) {
    if (const int error = rte_eth_dev_start(port.id); error != 0) {
      why = failure(wanted, "does not start", error);
    }
  }
  if (!why.empty()) {
    close_port(wanted, port);
    return why;
  }
  // ethernet filters by address itself. What cannot be switched on (virtio_user) was not filtered.
  (void)rte_eth_promiscuous_enable(port.id);
  (void)rte_eth_allmulticast_enable(port.id);
  under_tsan::watch(port);
  return {};
}

void close_port(const config::Port& wanted, const Port& port) noexcept {
  (void)rte_eth_dev_stop(port.id);
  (void)rte_eth_dev_close(port.id);
  if (!is_pci_address(wanted.device)) {
    (void)rte_eal_hotplug_remove("vdev", device_name(wanted.device).c_str());
  }
}

}  // namespace dataplane
