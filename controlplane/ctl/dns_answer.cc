// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/dns_answer.h"

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "controlplane/ctl/host_name.h"

namespace controlplane::ctl {
namespace {

constexpr std::size_t kSrvFixedBytes = 6;  // priority, weight, port

bool read_service(const ns_msg& message, const ns_rr& record, DnsAnswer& answer) {
  const unsigned char* const data = ns_rr_rdata(record);
  const std::size_t length = ns_rr_rdlen(record);
  if (length <= kSrvFixedBytes) return false;
  DnsService service;
  service.priority = static_cast<std::uint16_t>(ns_get16(data));
  service.weight = static_cast<std::uint16_t>(ns_get16(data + 2));
  service.port = static_cast<std::uint16_t>(ns_get16(data + 4));
  std::array<char, NS_MAXDNAME> name{};
  // Compressed names may refer to what is before them, so the message's own bounds count.
  if (ns_name_uncompress(ns_msg_base(message), ns_msg_end(message), data + kSrvFixedBytes,
                         name.data(), name.size()) < 0) {
    return false;
  }
  service.target = name.data();
  if (service.target.empty() || service.target == ".") {
    answer.no_service = true;
    return true;
  }
  std::ranges::transform(service.target, service.target.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  if (service.port != 0 && is_host_name(service.target)) {
    answer.services.push_back(std::move(service));
  }
  return true;
}

bool read_address(const ns_rr& record, DnsAnswer& answer) {
  wire::shm::Endpoint endpoint;
  const bool four = ns_rr_type(record) == ns_t_a;
  const std::size_t size = four ? sizeof(in_addr) : sizeof(in6_addr);
  const std::size_t length = ns_rr_rdlen(record);
  if (length != size) return false;
  endpoint.family = four ? 4 : 6;
  std::memcpy(endpoint.address.data() + endpoint.address.size() - size, ns_rr_rdata(record), size);
  answer.addresses.push_back(endpoint);
  return true;
}

/// Moves one of equal priority from [first, last) to @p first, each as likely as its weight.
void draw(std::vector<DnsService>::iterator first, std::vector<DnsService>::iterator last,
          const std::function<std::uint32_t(std::uint32_t)>& random) {
  std::uint32_t sum = 0;
  for (auto it = first; it != last; ++it) sum += it->weight;
  const std::uint32_t drawn = random(sum);
  std::uint32_t running = 0;
  for (auto it = first; it != last; ++it) {
    running += it->weight;
    if (running < drawn) continue;
    std::rotate(first, it, it + 1);
    return;
  }
}

}  // namespace

std::optional<DnsAnswer> parse_dns_answer(std::span<const std::byte> message, std::string& why) {
  ns_msg parsed;
  DnsAnswer answer;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(message.data());
  if (message.size() > NS_MAXMSG ||
      ns_initparse(bytes, static_cast<int>(message.size()), &parsed) != 0) {
    why = "the DNS answer is not well-formed";
    return std::nullopt;
  }
  const int records = std::min<int>(ns_msg_count(parsed, ns_s_an), kMostDnsRecords);
  for (int i = 0; i < records; ++i) {
    ns_rr record;
    bool good = ns_parserr(&parsed, ns_s_an, i, &record) == 0;
    if (good && ns_rr_class(record) == ns_c_in) {
      const auto type = ns_rr_type(record);
      if (type == ns_t_srv) good = read_service(parsed, record, answer);
      if (type == ns_t_a || type == ns_t_aaaa) good = read_address(record, answer);
    }
    if (!good) {
      why = "the DNS answer's record " + std::to_string(i + 1) + " is not well-formed";
      return std::nullopt;
    }
  }
  return answer;
}

void order_services(std::vector<DnsService>& services,
                    const std::function<std::uint32_t(std::uint32_t)>& random) {
  // Those of weight 0 first among equals: then they are drawn only by 0 (RFC 2782).
  std::ranges::stable_sort(services, [](const DnsService& a, const DnsService& b) {
    if (a.priority != b.priority) return a.priority < b.priority;
    return a.weight == 0 && b.weight != 0;
  });
  for (auto first = services.begin(); first != services.end(); ++first) {
    const auto last = std::find_if(first, services.end(), [&](const DnsService& other) {
      return other.priority != first->priority;
    });
    draw(first, last, random);
  }
}

}  // namespace controlplane::ctl
