// SPDX-License-Identifier: Apache-2.0
// What POST /v1/query accepts, and how it tells what came back.

#include "controlplane/admin/peer_query.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/controlplane/test_overlay.h"
#include "wire/reload/chord_bodies.h"
#include "wire/reload/probe.h"
#include "wire/reload/route_query.h"

namespace tests {
namespace {

using controlplane::admin::describe_answer;
using controlplane::admin::parse_query;
using controlplane::admin::PeerQuery;
using controlplane::overlay::Outcome;
using controlplane::overlay::RequestResult;
using nlohmann::json;
using wire::reload::DestinationType;
using wire::reload::MessageCode;
using wire::reload::ProbeInformationType;

constexpr const char* kNode = "80000000000000000000000000000000";

std::optional<PeerQuery> query_of(const json& body, std::string* said = nullptr) {
  std::string why;
  auto query = parse_query(body.dump(), config::NodeConfig{}, why);
  if (said != nullptr) *said = why;
  return query;
}

TEST(PeerQuery, AProbeAsksForAllANodeCanSay) {  // A-44, I-12
  const auto query = query_of({{"method", "probe"}, {"of", kNode}, {"timeout_ms", 250}});
  ASSERT_TRUE(query);
  EXPECT_EQ(query->method, PeerQuery::Method::kProbe);
  EXPECT_EQ(query->request.code, MessageCode::kProbeReq);
  EXPECT_EQ(query->request.destination_list, to_node(node_id(0x80)));
  EXPECT_EQ(query->request.lifetime_ns, kSecond / 4);
  wire::reload::ProbeReq probe;
  ASSERT_TRUE(wire::reload::parse_probe_request(query->request.body, probe).ok());
  EXPECT_EQ(probe.requested_info,
            (std::vector{ProbeInformationType::kResponsibleSet, ProbeInformationType::kNumResources,
                         ProbeInformationType::kUptime}));
}

TEST(PeerQuery, ARouteQueryCarriesItsDestinationAndAsksForNoUpdate) {  // A-43, I-10
  const std::string point = "resource:" + std::string(kNode);
  const auto query = query_of({{"method", "route_query"}, {"of", kNode}, {"destination", point}});
  ASSERT_TRUE(query);
  EXPECT_EQ(query->method, PeerQuery::Method::kRouteQuery);
  EXPECT_EQ(query->request.code, MessageCode::kRouteQueryReq);
  EXPECT_EQ(query->request.lifetime_ns, 0U);
  wire::reload::RouteQueryReq asked;
  ASSERT_TRUE(wire::reload::parse_route_query_request(query->request.body, asked).ok());
  EXPECT_FALSE(asked.send_update);
  EXPECT_EQ(asked.destination.type, DestinationType::kResource);
  EXPECT_EQ(asked.destination.value.size(), wire::reload::kNodeIdBytes);
}

TEST(PeerQuery, WhatItDoesNotUnderstandItNames) {
  const std::string zero(32, '0');
  const struct {
    json body;
    const char* named;
  } refused[] = {
      {json::array(), "no JSON object"},
      {{{"method", "store"}, {"of", kNode}}, "method: accepted are"},
      {{{"of", kNode}}, "method: accepted are"},
      {{{"method", "probe"}}, "of: accepted are"},
      {{{"method", "probe"}, {"of", 7}}, "of: accepted are"},
      {{{"method", "probe"}, {"of", "nobody"}}, "of = \"nobody\""},
      {{{"method", "probe"}, {"of", kNode}, {"destination", kNode}}, "belongs to route_query"},
      {{{"method", "route_query"}, {"of", kNode}}, "destination: accepted are"},
      {{{"method", "route_query"}, {"of", kNode}, {"destination", zero}}, "Node-ID zero"},
      {{{"method", "probe"}, {"of", kNode}, {"timeout_ms", 0}}, "timeout_ms = 0"},
      {{{"method", "probe"}, {"of", kNode}, {"colour", "red"}}, "unknown key colour"},
  };
  for (const auto& [body, named] : refused) {
    std::string why;
    EXPECT_FALSE(query_of(body, &why)) << body;
    EXPECT_NE(why.find(named), std::string::npos) << body << " says: " << why;
  }
}

RequestResult answered(wire::reload::Bytes body) {
  RequestResult result;
  result.outcome = Outcome::kAnswered;
  result.responder = node_id(0x80);
  result.rtt_ns = 1'234'567;
  result.sends = 1;
  result.body = std::move(body);
  return result;
}

TEST(PeerQuery, TellsWhatANodeSaysOfItself) {
  wire::reload::ProbeReq all{{ProbeInformationType::kUptime, ProbeInformationType::kNumResources}};
  const auto body =
      wire::reload::probe_answer_body(wire::reload::probe_answer(all, {125'000'000, 3, 3600}));
  const json line = json::parse(describe_answer(PeerQuery::Method::kProbe, answered(body)));
  EXPECT_EQ(line["status"], "ok");
  EXPECT_EQ(line["responder"], kNode);
  EXPECT_EQ(line["rtt_us"], 1234);
  EXPECT_EQ(line["uptime_s"], 3600);
  EXPECT_EQ(line["num_resources"], 3);
  EXPECT_FALSE(line.contains("responsible_ppb"));  // not told, so not made up
}

TEST(PeerQuery, TellsTheNextPeer) {
  const auto body = wire::reload::chord_route_query_answer_body({node_id(0x20)});
  const json line = json::parse(describe_answer(PeerQuery::Method::kRouteQuery, answered(body)));
  EXPECT_EQ(line["status"], "ok");
  EXPECT_EQ(line["next_peer"], "20000000000000000000000000000000");
}

TEST(PeerQuery, AnAnswerOfAnotherMethodIsMalformed) {
  const auto body = wire::reload::chord_route_query_answer_body({node_id(0x20)});
  const json line = json::parse(describe_answer(PeerQuery::Method::kProbe, answered(body)));
  EXPECT_EQ(line["status"], "malformed");
}

TEST(PeerQuery, AnErrorKeepsItsWordsEvenIfTheyAreNoText) {
  RequestResult result = answered({});
  result.outcome = Outcome::kError;
  result.error_code = 3;
  result.text = "no \xff here";
  const json line = json::parse(describe_answer(PeerQuery::Method::kRouteQuery, result));
  EXPECT_EQ(line["status"], "error");
  EXPECT_EQ(line["error_code"], 3);
  EXPECT_FALSE(line["error"].get<std::string>().empty());
  EXPECT_FALSE(line.contains("next_peer"));
}

}  // namespace
}  // namespace tests
