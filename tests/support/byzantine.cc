// SPDX-License-Identifier: Apache-2.0
// A peer that cheats: the real dataplane, linked with one more step between its checks and its
// links. It flips a bit in the body of some messages it forwards, and is honest in all else: keys,
// records, acks and headers are as they should be, so only the originator's signature can tell.
//
// The linker puts the step in (--wrap, see meson.build): no code of the product knows of it.
//
//   HOPSEAL_BYZANTINE_ONE_IN=100 HOPSEAL_BYZANTINE_LOG=tampered.jsonl byzantine_dataplane --config
//   …
//
// The log has a line per tampered message: the link it left by, its transaction, its contents.

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <random>

#include "dataplane/burst.h"
#include "dataplane/keyed_tables.h"
#include "tests/support/frame_view.h"
#include "wire/shm/route_table.h"

namespace tests::support {
namespace {

class Cheat {
 public:
  Cheat() {
    if (const char* one_in = std::getenv("HOPSEAL_BYZANTINE_ONE_IN")) {
      one_in_ = std::strtoul(one_in, nullptr, 10);
    }
    if (const char* path = std::getenv("HOPSEAL_BYZANTINE_LOG")) log_ = std::fopen(path, "w");
  }

  void tamper(rte_mbuf* mbuf) {
    const dataplane::PacketContext& context = dataplane::context_of(mbuf);
    const bool in_transit = !context.deliver && !context.injected;
    if (!in_transit || context.contents_offset == 0 || one_in_ == 0) return;
    const std::span<std::byte> contents =
        dataplane::bytes_of(mbuf).subspan(context.contents_offset, context.contents_length);
    wire::reload::MessageContents parsed;
    if (!wire::reload::parse_message_contents(contents, parsed).ok() || parsed.body.empty()) return;
    const std::lock_guard guard(mutex_);
    if (random_() % one_in_ != 0) return;
    const std::size_t bit = random_() % (parsed.body.size() * 8);
    const auto at = static_cast<std::size_t>(parsed.body.data() - contents.data()) + bit / 8;
    contents[at] ^= std::byte{static_cast<unsigned char>(1U << (bit % 8))};
    if (log_ == nullptr) return;
    std::fprintf(log_,
                 "{\"link\": %u, \"transaction\": \"%016llx\", \"code\": %u, \"contents\": "
                 "\"%016llx\"}\n",
                 context.next_hop, static_cast<unsigned long long>(context.header.transaction_id),
                 context.message_code,
                 static_cast<unsigned long long>(contents_fingerprint(contents)));
    std::fflush(log_);
  }

 private:
  unsigned long one_in_ = 100;
  std::FILE* log_ = nullptr;
  std::mt19937_64 random_{7};
  std::mutex mutex_;  // workers share the log
};

}  // namespace
}  // namespace tests::support

// What lcore_loop.cc calls as dataplane::route() is the first; the second is the stage itself.
void wrapped_route(dataplane::Burst& burst, const wire::shm::RouteTable& routes,
                   const dataplane::LinkTable& links) noexcept
    asm("__wrap__ZN9dataplane5routeERNS_5BurstERKN4wire3shm10RouteTableERKNS_9LinkTableE");
void real_route(dataplane::Burst& burst, const wire::shm::RouteTable& routes,
                const dataplane::LinkTable& links) noexcept
    asm("__real__ZN9dataplane5routeERNS_5BurstERKN4wire3shm10RouteTableERKNS_9LinkTableE");

void wrapped_route(dataplane::Burst& burst, const wire::shm::RouteTable& routes,
                   const dataplane::LinkTable& links) noexcept {
  static tests::support::Cheat cheat;
  real_route(burst, routes, links);
  for (std::uint64_t left = burst.live; left != 0; left &= left - 1) {
    cheat.tamper(burst.mbufs[static_cast<unsigned>(std::countr_zero(left))]);
  }
}
