// SPDX-License-Identifier: Apache-2.0
#include "controlplane/enroll/rate_table.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace controlplane::enroll {
namespace {

constexpr std::uint64_t kHourNs = 3'600'000'000'000;
constexpr std::uint64_t kSecondNs = 1'000'000'000;

}  // namespace

RateTable::RateTable(const EnrollRate& rate, std::size_t entries)
    : sets_(std::max<std::size_t>((entries + kWays - 1) / kWays, 1)) {
  if (rate.per_hour != 0) {
    interval_ns_ = kHourNs / rate.per_hour;
    ahead_ns_ = interval_ns_ * (std::max<std::uint32_t>(rate.burst, 1) - 1);
  }
  // Secret, so that nobody can choose names that push out each other's buckets.
  if (RAND_bytes(secret_.data(), static_cast<int>(secret_.size())) != 1) {
    throw std::runtime_error("the random number generator of OpenSSL is not seeded");
  }
}

RateTable::Place RateTable::place(std::string_view name) const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()),
           reinterpret_cast<const unsigned char*>(name.data()), name.size(), digest.data(),
           &length) == nullptr) {
    throw std::runtime_error("OpenSSL cannot compute HMAC-SHA-256");
  }
  std::uint64_t words[2];
  std::memcpy(words, digest.data(), sizeof words);
  return {words[0] % sets_.size(), words[1] == 0 ? 1 : words[1]};
}

bool RateTable::has(std::string_view name, std::uint64_t now_ns) const {
  if (interval_ns_ == 0) return true;
  const Place at = place(name);
  for (const Bucket& bucket : sets_[at.set]) {
    if (bucket.tag == at.tag) return bucket.full_at_ns <= now_ns + ahead_ns_;
  }
  return true;
}

bool RateTable::take(std::string_view name, std::uint64_t now_ns) {
  if (interval_ns_ == 0) return true;
  const Place at = place(name);
  auto& set = sets_[at.set];
  auto found = std::ranges::find(set, at.tag, &Bucket::tag);
  if (found == set.end()) {
    found = std::ranges::min_element(set, {}, &Bucket::full_at_ns);
    *found = {at.tag, 0};
  }
  const std::uint64_t start = std::max(found->full_at_ns, now_ns);
  if (start - now_ns > ahead_ns_) return false;
  found->full_at_ns = start + interval_ns_;
  return true;
}

void RateTable::give_back(std::string_view name) {
  if (interval_ns_ == 0) return;
  const Place at = place(name);
  for (Bucket& bucket : sets_[at.set]) {
    if (bucket.tag != at.tag) continue;
    bucket.full_at_ns -= std::min(bucket.full_at_ns, interval_ns_);
  }
}

std::uint64_t RateTable::retry_after_s() const noexcept {
  return std::max<std::uint64_t>((interval_ns_ + kSecondNs - 1) / kSecondNs, 1);
}

std::string limited_part(const std::string& address) {
  in6_addr six{};
  if (::inet_pton(AF_INET6, address.c_str(), &six) != 1) return address;
  if (IN6_IS_ADDR_V4MAPPED(&six)) return address.substr(address.rfind(':') + 1);
  constexpr std::size_t kNetworkBytes = 8;
  std::fill(six.s6_addr + kNetworkBytes, six.s6_addr + sizeof six.s6_addr, std::uint8_t{0});
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET6, &six, text.data(), text.size());
  return text.data();
}

}  // namespace controlplane::enroll
