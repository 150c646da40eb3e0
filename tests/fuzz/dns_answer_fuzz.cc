// SPDX-License-Identifier: Apache-2.0
// DNS answers from the network: read or refused with a reason; what is named can be called, and
// sorting loses nobody.

#include <span>
#include <string>

#include "controlplane/ctl/dns_answer.h"
#include "controlplane/ctl/host_name.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace controlplane::ctl;
  std::string why;
  auto answer = parse_dns_answer(std::as_bytes(std::span(bytes, size)), why);
  FUZZ_CHECK(answer.has_value() == why.empty());
  if (!answer) return 0;
  FUZZ_CHECK(answer->services.size() + answer->addresses.size() <= kMostDnsRecords);
  for (const DnsService& service : answer->services) {
    FUZZ_CHECK(service.port != 0 && is_host_name(service.target));
  }
  for (const auto& address : answer->addresses) {
    FUZZ_CHECK(address.family == 4 || address.family == 6);
  }
  const std::size_t count = answer->services.size();
  std::uint32_t turn = 0;
  order_services(answer->services, [&](std::uint32_t most) { return turn++ % (most + 1); });
  FUZZ_CHECK(answer->services.size() == count);
  for (std::size_t i = 1; i < count; ++i) {
    FUZZ_CHECK(answer->services[i - 1].priority <= answer->services[i].priority);
  }
  return 0;
}
