// SPDX-License-Identifier: Apache-2.0
#include "dataplane/association_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>

namespace dataplane {
namespace {

using wire::shm::AssociationRecord;

AssociationRecord record(std::uint32_t number) {
  AssociationRecord out;
  out.association = number;
  out.write_sequence = 5;
  out.write.key.fill(std::byte{0xa5});
  out.read.key.fill(std::byte{0x5a});
  return out;
}

class AssociationStoreTest : public ::testing::Test {
 protected:
  std::string why_;
  std::unique_ptr<AssociationStore> store_ = AssociationStore::create(4, why_);
};

TEST_F(AssociationStoreTest, ExpandsKeysUntilItIsFullAndTakesThemBack) {
  ASSERT_NE(store_, nullptr) << why_;
  std::vector<std::shared_ptr<const Association>> made;
  for (std::uint32_t number = 1; number <= 4; ++number) {
    made.push_back(store_->make(record(number), why_));
    ASSERT_NE(made.back(), nullptr) << why_;
    EXPECT_EQ(made.back()->number, number);
    EXPECT_EQ(made.back()->first_sequence, 5U);
  }
  EXPECT_EQ(store_->make(record(5), why_), nullptr);
  EXPECT_EQ(why_, "no room for more keys");
  made.erase(made.begin() + 1);
  EXPECT_EQ(store_->in_use(), 3U);
  EXPECT_NE(store_->make(record(5), why_), nullptr);
}

TEST_F(AssociationStoreTest, RefusesACipherItDoesNotKnow) {
  AssociationRecord odd = record(1);
  odd.aead = static_cast<wire::dtls::Aead>(3);
  EXPECT_EQ(store_->make(odd, why_), nullptr);
  EXPECT_EQ(why_, "no such cipher");
  EXPECT_EQ(store_->in_use(), 0U);
}

TEST_F(AssociationStoreTest, LeavesNoKeyBehind) {
  auto made = store_->make(record(1), why_);
  ASSERT_NE(made, nullptr);
  // The store keeps its memory, so what is left there can be looked at.
  const auto* const place = reinterpret_cast<const std::byte*>(made.get());
  const auto holds_key = [&] {
    const std::byte key[16] = {std::byte{0xa5}, std::byte{0xa5}, std::byte{0xa5}, std::byte{0xa5},
                               std::byte{0xa5}, std::byte{0xa5}, std::byte{0xa5}, std::byte{0xa5},
                               std::byte{0xa5}, std::byte{0xa5}, std::byte{0xa5}, std::byte{0xa5},
                               std::byte{0xa5}, std::byte{0xa5}, std::byte{0xa5}, std::byte{0xa5}};
    const auto* const end = place + sizeof(RecordKeys);
    return std::search(place, end, std::begin(key), std::end(key)) != end;
  };
  EXPECT_TRUE(holds_key()) << "the first round key of AES is the key";
  made.reset();
  const auto* const end = place + sizeof(RecordKeys);
  EXPECT_FALSE(holds_key());
  EXPECT_LE(std::count_if(place, end, [](std::byte byte) { return byte != std::byte{0}; }), 64)
      << "of an expanded key nothing is left either";
}

TEST_F(AssociationStoreTest, IsInNoCoreDump) {
  const auto made = store_->make(record(1), why_);
  const auto address = reinterpret_cast<std::uintptr_t>(made.get());
  std::ifstream maps("/proc/self/smaps");
  bool inside = false, seen = false;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t from = 0, to = 0;
    char dash = 0;
    std::istringstream head(line);
    if (head >> std::hex >> from >> dash >> to && dash == '-') {
      inside = from <= address && address < to;
    } else if (inside && line.starts_with("VmFlags:")) {
      seen = true;
      EXPECT_NE(line.find(" dd"), std::string::npos) << line;
    }
  }
  EXPECT_TRUE(seen);
}

}  // namespace
}  // namespace dataplane
