// SPDX-License-Identifier: Apache-2.0
// Bodies of Join, Leave, Update, RouteQuery and Probe: fields, limits, and what builders refuse.

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "tests/support/hex_vector.h"
#include "wire/reload/append.h"
#include "wire/reload/chord_bodies.h"
#include "wire/reload/join_leave.h"
#include "wire/reload/probe.h"
#include "wire/reload/route_query.h"

namespace {

using namespace wire::reload;
using tests::from_hex;

NodeId node(std::size_t n) {
  NodeId id;
  id.bytes.fill(std::byte{0x10});
  wire::store_be16(id.bytes.data() + 14, static_cast<std::uint16_t>(n));
  return id;
}

std::vector<NodeId> nodes(std::size_t count) {
  std::vector<NodeId> ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back(node(i));
  return ids;
}

Bytes vector_body(const char* name) {
  return tests::load_hex_vector(std::filesystem::path(VECTORS_DIRECTORY) / "bodies" /
                                (std::string(name) + ".hex"))
      .bytes;
}

TEST(JoinBody, CarriesTheNodeIdAndTheDataOfTheTopology) {
  const Bytes body = vector_body("join_req_with_data");
  JoinReq request;
  ASSERT_TRUE(parse_join_request(body, request).ok());
  EXPECT_EQ(request.joining_peer_id, node(0x1005));
  EXPECT_TRUE(std::ranges::equal(request.overlay_specific_data, from_hex("c0ffee")));
  JoinAns answer;
  ASSERT_TRUE(parse_join_answer(from_hex("0002abcd"), answer).ok());
  EXPECT_EQ(answer.overlay_specific_data.size(), 2U);
}

TEST(JoinBody, WhatDoesNotFitIsNotBuilt) {
  const Bytes most(65535);
  const Bytes more(65536);
  EXPECT_EQ(join_request_body({node(1), most}).size(), 16U + 2 + 65535);
  EXPECT_THROW((void)join_request_body({node(1), more}), std::length_error);
  EXPECT_THROW((void)join_answer_body({more}), std::length_error);
  EXPECT_THROW((void)leave_request_body({node(1), more}), std::length_error);
  EXPECT_THROW((void)join_request_body({NodeId{}, {}}), std::invalid_argument);
  EXPECT_THROW((void)leave_request_body({NodeId::wildcard(), {}}), std::invalid_argument);
}

TEST(LeaveBody, HandsOverTheListOfItsSide) {
  const Bytes body = vector_body("leave_req");
  LeaveReq request;
  ASSERT_TRUE(parse_leave_request(body, request).ok());
  EXPECT_EQ(request.leaving_peer_id, node(0x1005));
  ChordLeaveData leave;
  ASSERT_TRUE(parse_chord_leave_data(request.overlay_specific_data, leave).ok());
  EXPECT_EQ(leave.type, ChordLeaveType::kFromSucc);
  EXPECT_EQ(leave.peers, (std::vector{node(0x1006), node(0x1007)}));
}

TEST(ChordUpdateBody, HasUptimeAndTheListsOfItsType) {  // A-59, I-48
  ChordUpdate update;
  ASSERT_TRUE(parse_chord_update(vector_body("update_req_full"), update).ok());
  EXPECT_EQ(update.uptime_s, 3600U);
  EXPECT_EQ(update.type, ChordUpdateType::kFull);
  EXPECT_EQ(update.predecessors, std::vector{node(0x1004)});
  EXPECT_EQ(update.successors, std::vector{node(0x1006)});
  EXPECT_EQ(update.fingers, (std::vector{node(0x1040), node(0x1080)}));
  // What was in the output before is gone.
  ASSERT_TRUE(parse_chord_update(vector_body("update_req_peer_ready"), update).ok());
  EXPECT_EQ(update, (ChordUpdate{3600, ChordUpdateType::kPeerReady, {}, {}, {}}));
}

TEST(ChordUpdateBody, FingersAreSentAscendingAndReadInAnyOrder) {  // I-49
  ChordUpdate update{1, ChordUpdateType::kFull, {}, {}, {node(9), node(3), node(5)}};
  EXPECT_FALSE(update.fingers_ascend());
  ChordUpdate read;
  ASSERT_TRUE(parse_chord_update(chord_update_body(update), read).ok());
  EXPECT_EQ(read.fingers, (std::vector{node(3), node(5), node(9)}));
  EXPECT_TRUE(read.fingers_ascend());
  ASSERT_TRUE(parse_chord_update(vector_body("update_req_unsorted_fingers"), read).ok());
  EXPECT_FALSE(read.fingers_ascend());
  EXPECT_EQ(read.fingers.size(), 2U);
}

TEST(ChordUpdateBody, NeighborsKeepTheirOrder) {
  const ChordUpdate update{1, ChordUpdateType::kNeighbors, {node(9), node(3)}, {node(1)}, {}};
  ChordUpdate read;
  ASSERT_TRUE(parse_chord_update(chord_update_body(update), read).ok());
  EXPECT_EQ(read, update);
}

TEST(ChordUpdateBody, ListsHaveLimitsOnBothSides) {
  const ChordUpdate most{1, ChordUpdateType::kFull, nodes(kMaxListedNeighbors),
                         nodes(kMaxListedNeighbors), nodes(kMaxListedFingers)};
  ChordUpdate read;
  ASSERT_TRUE(parse_chord_update(chord_update_body(most), read).ok());
  EXPECT_EQ(read, most);

  ChordUpdate more = most;
  more.successors = nodes(kMaxListedNeighbors + 1);
  EXPECT_THROW((void)chord_update_body(more), std::length_error);
  more = most;
  more.fingers = nodes(kMaxListedFingers + 1);
  EXPECT_THROW((void)chord_update_body(more), std::length_error);

  Bytes body = from_hex("00000001 03");
  append_node_ids(body, nodes(kMaxListedNeighbors + 1), kMaxListedNeighbors + 1);
  ParseError fault = parse_chord_update(body, read);
  EXPECT_EQ(fault.fault, ParseFault::kTooManyEntries);
  EXPECT_EQ(fault.offset, 5U);
  body = from_hex("00000001 03 0000 0000");
  append_node_ids(body, nodes(kMaxListedFingers + 1), kMaxListedFingers + 1);
  fault = parse_chord_update(body, read);
  EXPECT_EQ(fault.fault, ParseFault::kTooManyEntries);
  EXPECT_EQ(fault.offset, 9U);
  EXPECT_TRUE(read.fingers.empty());
}

TEST(ChordUpdateBody, IsNotBuiltWithWhatItsTypeHasNoPlaceFor) {
  EXPECT_THROW((void)chord_update_body({1, ChordUpdateType::kInvalid, {}, {}, {}}),
               std::invalid_argument);
  EXPECT_THROW((void)chord_update_body({1, ChordUpdateType::kPeerReady, {node(1)}, {}, {}}),
               std::invalid_argument);
  EXPECT_THROW((void)chord_update_body({1, ChordUpdateType::kNeighbors, {}, {}, {node(1)}}),
               std::invalid_argument);
  EXPECT_THROW((void)chord_update_body({1, ChordUpdateType::kNeighbors, {NodeId{}}, {}, {}}),
               std::invalid_argument);
}

TEST(ChordLeave, HasALimitAndATypeOnBothSides) {
  EXPECT_THROW((void)chord_leave_data({ChordLeaveType::kInvalid, {}}), std::invalid_argument);
  const ChordLeaveData most{ChordLeaveType::kFromPred, nodes(kMaxListedNeighbors)};
  ChordLeaveData read;
  ASSERT_TRUE(parse_chord_leave_data(chord_leave_data(most), read).ok());
  EXPECT_EQ(read, most);
  EXPECT_THROW((void)chord_leave_data({ChordLeaveType::kFromSucc, nodes(kMaxListedNeighbors + 1)}),
               std::length_error);
  Bytes data = from_hex("01");
  append_node_ids(data, nodes(kMaxListedNeighbors + 1), kMaxListedNeighbors + 1);
  const ParseError fault = parse_chord_leave_data(data, read, 100);
  EXPECT_EQ(fault.fault, ParseFault::kTooManyEntries);
  EXPECT_EQ(fault.offset, 101U);
}

TEST(RouteQueryBody, AsksForAnyDestinationThatCanBeRoutedTo) {
  RouteQueryReq request;
  const Bytes to_node = vector_body("route_query_req");
  ASSERT_TRUE(parse_route_query_request(to_node, request).ok());
  EXPECT_TRUE(request.send_update);
  EXPECT_EQ(request.destination.node_id(), node(0x1007));
  const Bytes to_resource = vector_body("route_query_req_resource");
  ASSERT_TRUE(parse_route_query_request(to_resource, request).ok());
  EXPECT_FALSE(request.send_update);
  EXPECT_TRUE(std::ranges::equal(request.destination.value, from_hex("464f4f")));
  EXPECT_EQ(request.overlay_specific_data.size(), 2U);

  const NodeId seven = node(0x1007);
  EXPECT_EQ(route_query_request_body({true, node_destination(seven), {}}), to_node);
  const Bytes foo = from_hex("464f4f");
  EXPECT_EQ(route_query_request_body({false, resource_destination(foo), from_hex("abcd")}),
            to_resource);
}

TEST(RouteQueryBody, IsNotBuiltForADestinationThatIsNone) {
  const NodeId zero;
  const Bytes long_id(255);
  Destination compact;
  compact.compact = true;
  const Bytes no_top_bit = from_hex("1002");
  compact.value = no_top_bit;
  EXPECT_THROW((void)route_query_request_body({}), std::invalid_argument);
  EXPECT_THROW((void)route_query_request_body({false, node_destination(zero), {}}),
               std::invalid_argument);
  EXPECT_THROW((void)route_query_request_body({false, compact, {}}), std::invalid_argument);
  EXPECT_THROW((void)route_query_request_body({false, resource_destination(long_id), {}}),
               std::length_error);
  EXPECT_THROW((void)chord_route_query_answer_body({NodeId::wildcard()}), std::invalid_argument);
}

TEST(ProbeBody, KeepsUnknownTypesAsideAndKnownOnesAsNumbers) {  // A-44, I-12
  ProbeAns answer;
  const Bytes body = vector_body("probe_ans");
  ASSERT_TRUE(parse_probe_answer(body, answer).ok());
  ASSERT_EQ(answer.probe_info.size(), 4U);
  EXPECT_EQ(answer.find(ProbeInformationType::kResponsibleSet), 250000000U);
  EXPECT_EQ(answer.find(ProbeInformationType::kUptime), 3600U);
  EXPECT_EQ(answer.find(ProbeInformationType::kNumResources), 17U);
  EXPECT_EQ(answer.find(ProbeInformationType::kInvalid), std::nullopt);
  EXPECT_TRUE(std::ranges::equal(answer.probe_info[3].unknown_value, from_hex("aa")));
}

TEST(ProbeBody, AnAnswerHasWhatWasAskedAndIsKnownInThatOrder) {  // I-13
  ProbeReq request;
  ASSERT_TRUE(parse_probe_request(vector_body("probe_req"), request).ok());
  request.requested_info.push_back(ProbeInformationType::kUptime);  // twice is once
  const ProbeAns answer = probe_answer(request, {250000000, 17, 3600});
  ASSERT_EQ(answer.probe_info.size(), 3U);
  EXPECT_EQ(answer.probe_info[0].type, ProbeInformationType::kResponsibleSet);
  EXPECT_EQ(answer.probe_info[1].type, ProbeInformationType::kUptime);
  EXPECT_EQ(answer.probe_info[1].value, 3600U);
  EXPECT_EQ(answer.probe_info[2].type, ProbeInformationType::kNumResources);
  EXPECT_TRUE(probe_answer({}, {1, 2, 3}).probe_info.empty());
}

TEST(ProbeBody, HasRoomForTwoHundredAndFiftyFive) {
  ProbeReq request;
  request.requested_info.assign(255, ProbeInformationType::kUptime);
  ProbeReq read;
  ASSERT_TRUE(parse_probe_request(probe_request_body(request), read).ok());
  EXPECT_EQ(read.requested_info.size(), 255U);
  request.requested_info.resize(256);
  EXPECT_THROW((void)probe_request_body(request), std::length_error);

  ProbeAns answer;
  answer.probe_info.assign(255, {ProbeInformationType::kUptime, 1, {}});
  Bytes body = probe_answer_body(answer);
  ProbeAns read_answer;
  EXPECT_TRUE(parse_probe_answer(body, read_answer).ok());
  answer.probe_info.resize(256);
  EXPECT_THROW((void)probe_answer_body(answer), std::length_error);
  append(body, from_hex("c800"));
  wire::store_be16(body.data(), static_cast<std::uint16_t>(body.size() - 2));
  const ParseError fault = parse_probe_answer(body, read_answer);
  EXPECT_EQ(fault.fault, ParseFault::kTooManyEntries);
  EXPECT_EQ(fault.offset, 2U + 255 * 6);
}

}  // namespace
