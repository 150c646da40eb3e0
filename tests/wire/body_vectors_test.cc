// SPDX-License-Identifier: Apache-2.0
// The bodies of tests/vectors/bodies: each is read as its file says, and built again to the byte.

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/support/hex_vector.h"
#include "tests/support/method_bodies.h"
#include "wire/reload/message_contents.h"

namespace {

using namespace wire::reload;
using tests::HexVector;

std::vector<HexVector> vectors() {
  return tests::load_hex_vectors(std::filesystem::path(VECTORS_DIRECTORY) / "bodies");
}

/// A vector's kind is the name of its message code. 0, which no message has, for any other text.
std::uint16_t code_of(const HexVector& vector) {
#define CODE(Name, value, name, cls) \
  if (vector.kind == (name)) return value;
#include "wire/reload/message_code.def"
#undef CODE
  return 0;
}

std::string verdict(ParseError error) {
  if (error.ok()) return "ok";
  return std::string(fault_name(error.fault)) + " at " + std::to_string(error.offset);
}

TEST(BodyVectors, EachIsReadAsItsFileSays) {
  for (const HexVector& vector : vectors()) {
    ASSERT_NE(code_of(vector), 0) << vector.name;
    EXPECT_EQ(verdict(tests::read_body(code_of(vector), vector.bytes).fault), vector.expect)
        << vector.name;
  }
}

TEST(BodyVectors, WhatIsReadIsBuiltAgainToTheByte) {
  for (const HexVector& vector : vectors()) {
    const auto read = tests::read_body(code_of(vector), vector.bytes);
    if (vector.expect != "ok" || !read.rebuilt) continue;
    EXPECT_EQ(*read.rebuilt == vector.bytes, !read.reordered) << vector.name;
    EXPECT_TRUE(tests::read_body(code_of(vector), *read.rebuilt).fault.ok()) << vector.name;
  }
}

TEST(BodyVectors, EveryTruncationIsRefusedInsideTheBytes) {
  for (const HexVector& vector : vectors()) {
    for (std::size_t size = 0; size < vector.bytes.size(); ++size) {
      if (vector.expect != "ok") continue;
      const ParseError fault =
          tests::read_body(code_of(vector), std::span(vector.bytes).first(size)).fault;
      EXPECT_FALSE(fault.ok()) << vector.name << " cut to " << size;
      EXPECT_LE(fault.offset, size) << vector.name << " cut to " << size;
    }
  }
}

TEST(BodyVectors, AByteMoreIsRefusedWhereItStands) {
  for (HexVector& vector : vectors()) {
    if (vector.expect != "ok") continue;
    const std::size_t size = vector.bytes.size();
    vector.bytes.push_back(std::byte{0});
    const ParseError fault = tests::read_body(code_of(vector), vector.bytes).fault;
    EXPECT_FALSE(fault.ok()) << vector.name;
    EXPECT_LE(fault.offset, size) << vector.name;
  }
}

TEST(BodyVectors, ThereIsAGoodOneForEachMethodOfTopologyAndLinks) {
  std::set<std::string> shown;
  for (const HexVector& vector : vectors()) {
    if (vector.expect == "ok") shown.insert(vector.kind);
  }
  for (const char* name :
       {"join_req", "join_ans", "leave_req", "leave_ans", "update_req", "update_ans",
        "route_query_req", "route_query_ans", "probe_req", "probe_ans", "attach_req", "attach_ans",
        "app_attach_req", "app_attach_ans", "config_update_req", "config_update_ans"}) {
    EXPECT_TRUE(shown.contains(name)) << name;
  }
}

}  // namespace
