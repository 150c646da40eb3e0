// SPDX-License-Identifier: Apache-2.0
// The Internet checksum against the definition in RFC 1071: every variant, length and alignment.

#include "dataplane/checksum.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "dataplane/checksum_avx2.h"

namespace {

using namespace dataplane;

/// Sixteen-bit words in memory order, carries added back at once.
std::uint16_t by_definition(const std::byte* from, std::size_t n) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < n; i += 2) {
    std::uint32_t word = static_cast<std::uint8_t>(from[i]);
    if (i + 1 < n) word |= std::uint32_t{static_cast<std::uint8_t>(from[i + 1])} << 8U;
    sum += word;
    if (sum > 0xffff) sum -= 0xffff;
  }
  return static_cast<std::uint16_t>(sum);
}

using Sum = std::uint64_t (*)(const std::byte*, std::size_t, std::uint64_t) noexcept;

struct Variant {
  const char* name;
  Sum sum;
  bool runs_here;
};

class EveryVariant : public testing::TestWithParam<Variant> {
 protected:
  void SetUp() override {
    if (!GetParam().runs_here) GTEST_SKIP() << "this CPU lacks " << GetParam().name;
  }
};

TEST_P(EveryVariant, SumsEveryLengthAtEveryAlignment) {
  std::vector<std::byte> bytes(2100 + 16);
  std::mt19937 random(1071);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  for (std::size_t offset = 0; offset < 16; ++offset) {
    for (std::size_t n = 0; n <= 2100; n += offset == 0 ? 1 : 37) {
      const std::byte* const from = bytes.data() + offset;
      ASSERT_EQ(folded(GetParam().sum(from, n, 0)), by_definition(from, n))
          << n << " bytes at offset " << offset;
    }
  }
}

TEST_P(EveryVariant, LosesNoCarryWhenAllBitsAreSet) {
  const std::vector<std::byte> bytes(65536, std::byte{0xff});
  for (const std::size_t n : {2U, 16U, 128U, 1500U, 9000U, 65534U}) {
    EXPECT_EQ(folded(GetParam().sum(bytes.data(), n, 0)), 0xffff) << n;
  }
}

TEST_P(EveryVariant, AddsToWhatWasSummedBefore) {
  const std::vector<std::byte> bytes(300, std::byte{0x5a});
  const std::uint64_t before = 0xfffffffffULL;
  EXPECT_EQ(folded(GetParam().sum(bytes.data(), bytes.size(), before)),
            folded(std::uint64_t{folded(before)} + by_definition(bytes.data(), bytes.size())));
}

INSTANTIATE_TEST_SUITE_P(
    Checksum, EveryVariant,
    testing::Values(Variant{"portable", sum_short_bytes, true},
                    Variant{"avx2", sum_bytes_avx2, __builtin_cpu_supports("avx2") != 0},
                    Variant{"chosen",
                            [](const std::byte* from, std::size_t n, std::uint64_t sum) noexcept {
                              return sum_bytes(from, n, sum);
                            },
                            true}),
    [](const auto& variant) { return std::string(variant.param.name); });

TEST(Checksum, FoldsWithTheCarryAddedBack) {
  EXPECT_EQ(folded(0), 0);
  EXPECT_EQ(folded(0xffff), 0xffff);
  EXPECT_EQ(folded(0x10000), 1);
  EXPECT_EQ(folded(0x1fffe), 0xffff);
  EXPECT_EQ(folded(0xffffffffffffffffU), 0xffff);
  EXPECT_EQ(folded(0x8000000080000000U), 1);
}

TEST(Checksum, OfUdpIsNeverZero) {  // RFC 768: zero would mean none
  EXPECT_EQ(checksum_of(0xffff), 0);
  EXPECT_EQ(udp_checksum_of(0xffff), 0xffff);
  EXPECT_EQ(udp_checksum_of(0x1234), 0xffff - 0x1234);
}

TEST(Checksum, HoldsForTheExampleOfRfc1071) {  // section 3: 00 01 f2 03 f4 f5 f6 f7 gives dd f2
  const std::array<std::uint8_t, 8> example{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(folded(sum_bytes(reinterpret_cast<const std::byte*>(example.data()), example.size())),
            0xf2dd);
}

}  // namespace
