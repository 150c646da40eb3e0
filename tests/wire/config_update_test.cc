// SPDX-License-Identifier: Apache-2.0
// The body of a ConfigUpdate: both kinds of content, what is unknown, limits.

#include "wire/reload/config_update.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "tests/support/hex_vector.h"

namespace {

using namespace wire::reload;
using tests::from_hex;

ConfigUpdateReq of_kinds(std::vector<std::span<const std::byte>> kinds) {
  ConfigUpdateReq request;
  request.type = ConfigUpdateType::kKind;
  request.kinds = std::move(kinds);
  return request;
}

ConfigUpdateReq of_document(std::span<const std::byte> document) {
  ConfigUpdateReq request;
  request.type = ConfigUpdateType::kConfig;
  request.config_data = document;
  return request;
}

TEST(ConfigUpdateBody, CarriesADocumentOfSixteenMegabytesAndNoMore) {
  const Bytes most(0xffffff, std::byte{'x'});
  const Bytes body = config_update_request_body(of_document(most));
  EXPECT_EQ(body.size(), 1U + 4 + 3 + most.size());
  ConfigUpdateReq read;
  ASSERT_TRUE(parse_config_update_request(body, read).ok());
  EXPECT_EQ(read.type, ConfigUpdateType::kConfig);
  EXPECT_EQ(read.config_data.size(), most.size());
  EXPECT_EQ(read.config_data.data(), body.data() + 8);  // borrowed, not copied
  const Bytes more(0x1000000);
  EXPECT_THROW((void)config_update_request_body(of_document(more)), std::length_error);
}

TEST(ConfigUpdateBody, CarriesKindBlocksOfSixtyFourKilobytesEach) {
  const Bytes most(65535, std::byte{'k'});
  const Bytes small = from_hex("3c2f3e");
  const Bytes body = config_update_request_body(of_kinds({most, small}));
  ConfigUpdateReq read;
  ASSERT_TRUE(parse_config_update_request(body, read).ok());
  ASSERT_EQ(read.kinds.size(), 2U);
  EXPECT_EQ(read.kinds[0].size(), 65535U);
  EXPECT_TRUE(std::ranges::equal(read.kinds[1], small));
  const Bytes more(65536);
  EXPECT_THROW((void)config_update_request_body(of_kinds({more})), std::length_error);
}

TEST(ConfigUpdateBody, HasALimitOnKindBlocks) {
  const Bytes kind = from_hex("3c2f3e");
  std::vector<std::span<const std::byte>> kinds(kMaxKindDescriptions, kind);
  ConfigUpdateReq read;
  ASSERT_TRUE(parse_config_update_request(config_update_request_body(of_kinds(kinds)), read).ok());
  EXPECT_EQ(read.kinds.size(), kMaxKindDescriptions);
  kinds.emplace_back(kind);
  EXPECT_THROW((void)config_update_request_body(of_kinds(kinds)), std::length_error);

  Bytes body = from_hex("02 00000205 000202");  // 257 empty ones
  body.resize(body.size() + 514);
  const ParseError fault = parse_config_update_request(body, read);
  EXPECT_EQ(fault.fault, ParseFault::kTooManyEntries);
  EXPECT_EQ(fault.offset, 8U + 512);
}

TEST(ConfigUpdateBody, ATypeOfTheFutureIsHandedOut) {
  const Bytes body = from_hex("03 00000004 deadbeef");
  ConfigUpdateReq read;
  ASSERT_TRUE(parse_config_update_request(body, read).ok());
  EXPECT_EQ(read.type, ConfigUpdateType{3});
  EXPECT_EQ(config_update_type_name(read.type), nullptr);
  EXPECT_TRUE(std::ranges::equal(read.unknown_content, from_hex("deadbeef")));
  EXPECT_THROW((void)config_update_request_body(read), std::invalid_argument);
}

TEST(ConfigUpdateBody, IsNotBuiltWithWhatItsTypeHasNoPlaceFor) {
  const Bytes some = from_hex("00");
  ConfigUpdateReq request;
  EXPECT_THROW((void)config_update_request_body(request), std::invalid_argument);
  EXPECT_THROW((void)config_update_request_body(of_kinds({})), std::invalid_argument);
  request = of_kinds({some});
  request.config_data = some;
  EXPECT_THROW((void)config_update_request_body(request), std::invalid_argument);
  request = of_document(some);
  request.kinds = {some};
  EXPECT_THROW((void)config_update_request_body(request), std::invalid_argument);
}

}  // namespace
