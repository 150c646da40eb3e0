// SPDX-License-Identifier: Apache-2.0
#include "controlplane/enroll/password.h"

#include <gtest/gtest.h>

namespace controlplane::enroll {
namespace {

constexpr ScryptCost kCheap = {.log2_n = 4, .r = 8, .p = 1};

TEST(Password, IsKnownByItsHashAndNoOtherIs) {
  const std::string stored = hash_password("correct horse", kCheap);
  EXPECT_TRUE(check_password("correct horse", stored));
  EXPECT_FALSE(check_password("correct horsf", stored));
  EXPECT_FALSE(check_password("", stored));
  EXPECT_FALSE(check_password(std::string("correct horse\0", 14), stored));
  EXPECT_THROW((void)hash_password(std::string("x\0", 2), kCheap), std::invalid_argument);
  EXPECT_TRUE(check_password("", hash_password("", kCheap)));
}

TEST(Password, HashesOfTheSamePasswordDiffer) {
  EXPECT_NE(hash_password("x", kCheap), hash_password("x", kCheap));
}

TEST(Password, AgreesWithAnotherScrypt) {
  // Python: hashlib.scrypt(b"password", salt=bytes(range(16)), n=1024, r=8, p=2, dklen=32)
  const std::string stored =
      "$scrypt$ln=10,r=8,p=2$AAECAwQFBgcICQoLDA0ODw==$2"
      "fs6JV7IbiGgyjyPIxLxLLy5vXNrhQ+FJbFF9Dg9WqE=";
  EXPECT_EQ(cost_of(stored), (ScryptCost{10, 8, 2}));
  EXPECT_TRUE(check_password("password", stored));
  EXPECT_FALSE(check_password("passwore", stored));
}

TEST(Password, TextKeepsItsCost) { EXPECT_EQ(cost_of(hash_password("x", kCheap)), kCheap); }

TEST(Password, NothingMatchesATextThatIsNoHash) {
  for (const char* const text :
       {"", "x", "$scrypt$", "$scrypt$ln=4,r=8,p=1$", "$scrypt$ln=4,r=8,p=1$AAAA$AAAA",
        "$scrypt$ln=0,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA==$", "$scrypt$ln=24,r=64,p=1$A$A",
        "$scrypt$ln=4,r=8,p=1$????????????????????????$???????????????????????????????????????????"
        "?"}) {
    EXPECT_FALSE(check_password("", text)) << text;
    EXPECT_FALSE(cost_of(text)) << text;
  }
}

TEST(Password, MemoryIsWhatScryptTakes) {
  EXPECT_EQ(memory_bytes({.log2_n = 15, .r = 8, .p = 3}), std::uint64_t{32} << 20U);
}

}  // namespace
}  // namespace controlplane::enroll
