// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/dns_lookup.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "config/node_config.h"

namespace controlplane::ctl {
namespace {

constexpr std::uint16_t kDnsPort = 53;
constexpr int kSecondsOfATry = 2;
constexpr int kTries = 2;

/// The resolver's state, which is this object's alone.
class Resolver {
 public:
  Resolver() { ready_ = ::res_ninit(&state_) == 0; }
  ~Resolver() {
    if (ready_) ::res_nclose(&state_);
  }
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  [[nodiscard]] bool ready() const noexcept { return ready_; }

  /// False when there is no memory.
  [[nodiscard]] bool use(const wire::shm::Endpoint& server) {
    const std::uint16_t port = htons(server.port != 0 ? server.port : kDnsPort);
    state_.nscount = 1;
    state_.retrans = kSecondsOfATry;
    state_.retry = kTries;
    sockaddr_in& four = state_.nsaddr_list[0];
    four = {};
    if (server.family == 4) {
      four.sin_family = AF_INET;
      four.sin_port = port;
      std::memcpy(&four.sin_addr, server.address.data() + 12, sizeof four.sin_addr);
      return true;
    }
    // An IPv6 server stands beside the list; res_nclose frees it.
    auto* const six = static_cast<sockaddr_in6*>(std::calloc(1, sizeof(sockaddr_in6)));
    if (six == nullptr) return false;
    six->sin6_family = AF_INET6;
    six->sin6_port = port;
    std::memcpy(&six->sin6_addr, server.address.data(), sizeof six->sin6_addr);
    std::free(state_._u._ext.nsaddrs[0]);
    state_._u._ext.nsaddrs[0] = six;
    state_._u._ext.nscount = 1;
    return true;
  }

  [[nodiscard]] int query(const std::string& name, int type, std::vector<std::byte>& answer) {
    return ::res_nquery(&state_, name.c_str(), ns_c_in, type,
                        reinterpret_cast<unsigned char*>(answer.data()),
                        static_cast<int>(answer.size()));
  }
  [[nodiscard]] int error() const noexcept { return state_.res_h_errno; }

 private:
  struct __res_state state_ = {};
  bool ready_ = false;
};

int number_of(DnsType type) {
  switch (type) {
    case DnsType::kService:
      return ns_t_srv;
    case DnsType::kAddress4:
      return ns_t_a;
    case DnsType::kAddress6:
      break;
  }
  return ns_t_aaaa;
}

}  // namespace

DnsOutcome ask_dns(const std::string& name, DnsType type,
                   const std::optional<wire::shm::Endpoint>& server) {
  DnsOutcome outcome;
  Resolver resolver;
  if (!resolver.ready() || (server && !resolver.use(*server))) {
    outcome.why = name + ": the machine's resolver cannot be set up";
    return outcome;
  }
  std::vector<std::byte> answer(NS_MAXMSG);
  const int length = resolver.query(name, number_of(type), answer);
  if (length >= 0) {
    answer.resize(std::min(answer.size(), static_cast<std::size_t>(length)));
    outcome.answer = parse_dns_answer(answer, outcome.why);
    if (!outcome.answer) outcome.why = name + ": " + outcome.why;
    return outcome;
  }
  if (resolver.error() == HOST_NOT_FOUND || resolver.error() == NO_DATA) {
    outcome.answer.emplace();
    return outcome;
  }
  outcome.why = name + ": " + (server ? config::to_string(*server) : "the machine's name servers") +
                ": " + ::hstrerror(resolver.error());
  return outcome;
}

}  // namespace controlplane::ctl
