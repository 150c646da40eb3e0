// SPDX-License-Identifier: Apache-2.0
// The API over a real Unix socket: a client thread asks, this thread runs both control planes.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <fstream>
#include <functional>
#include <future>
#include <nlohmann/json.hpp>

#include "controlplane/admin/api.h"
#include "controlplane/ctl/admin_client.h"
#include "tests/controlplane/test_planes.h"

namespace tests {
namespace {

using controlplane::admin::Api;
using controlplane::admin::HttpServer;
using controlplane::ctl::AdminClient;
using controlplane::ctl::AdminReply;
using nlohmann::json;

class Admin : public testing::Test {
 protected:
  void SetUp() override {
    for (TestPlane* each : {&a_, &b_}) {
      each->start_dataplane();
      each->start();
    }
    api_ = std::make_unique<Api>(a_.plane(), kUnixMs);
    std::string why;
    server_ = listen(why);
    ASSERT_TRUE(server_) << why;
    turn();
  }

  std::unique_ptr<HttpServer> listen(std::string& why) {
    return HttpServer::listen(
        io_, a_.config().admin_path(),
        [this](const auto& request, const auto& open) { return api_->serve(request, open); }, why);
  }

  void turn() {
    const auto since = std::chrono::steady_clock::now() - start_;
    const auto now = at(static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(since).count()));
    io_.poll();
    io_.restart();
    api_->turn(now);
    a_.plane().turn(now);
    b_.plane().turn(now);
    if (connected_) {
      carry(a_, b_);
      carry(b_, a_);
    }
  }

  /// Runs @p ask in another thread and the control planes in this one until it returns.
  template <class Ask>
  auto run(Ask ask) {
    auto answer = std::async(std::launch::async, ask);
    while (answer.wait_for(std::chrono::seconds(0)) != std::future_status::ready) turn();
    return answer.get();
  }
  AdminReply call(const std::string& method, const std::string& target,
                  const std::string& body = {}) {
    return run([=, this] { return client_.call(method, target, body); });
  }
  std::vector<json> ping(const json& body) {
    const AdminReply reply = call("POST", "/v1/ping", body.dump());
    EXPECT_EQ(reply.status, 200U) << reply.body;
    std::vector<json> lines;
    std::istringstream stream(reply.body);
    for (std::string line; std::getline(stream, line);) lines.push_back(json::parse(line));
    return lines;
  }

  TestOverlay overlay_;
  TemporaryDirectory directory_;
  TestPlane a_{overlay_, directory_.path(), 'a'};
  TestPlane b_{overlay_, directory_.path(), 'b'};
  boost::asio::io_context io_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<HttpServer> server_;
  AdminClient client_{a_.config().admin_path()};
  bool connected_ = true;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

TEST_F(Admin, PingsThePeerAndSumsUp) {
  const auto lines = ping({{"destination", "b"}, {"count", 5}, {"interval_us", 1000}});
  ASSERT_EQ(lines.size(), 6U);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(lines[i]["status"], "ok");
    EXPECT_EQ(lines[i]["sequence"], i + 1);
    EXPECT_EQ(lines[i]["responder"], config::to_string(node_id(0x80)));
    EXPECT_EQ(lines[i]["sends"], 1);
    EXPECT_EQ(lines[i]["transaction_id"].get<std::string>().size(), 16U);
  }
  EXPECT_EQ(lines[5]["sent"], 5);
  EXPECT_EQ(lines[5]["answered"], 5);
  EXPECT_LE(lines[5]["p50_us"], lines[5]["max_us"]);
  EXPECT_EQ(b_.plane().node().counters().requests_served, 5U);
}

TEST_F(Admin, PingsFastWithoutLines) {
  const auto lines = ping({{"destination", config::to_string(node_id(0x80))},
                           {"count", 1000},
                           {"interval_us", 200},
                           {"padding", 200},
                           {"quiet", true}});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["answered"], 1000);
}

TEST_F(Admin, SaysWhichPingsWentUnanswered) {
  connected_ = false;
  const auto lines =
      ping({{"destination", "b"}, {"count", 2}, {"interval_us", 1000}, {"timeout_ms", 50}});
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0]["status"], "timeout");
  EXPECT_GE(lines[0]["rtt_us"], 50'000);
  EXPECT_EQ(lines[2]["timeouts"], 2);
  EXPECT_EQ(a_.plane().node().transactions().size(), 0U);
}

TEST_F(Admin, GivesUpTheRequestsOfAClientThatLeft) {
  connected_ = false;
  run([this] {
    return client_
        .stream("POST", "/v1/ping",
                R"({"destination":"b","count":100,"interval_us":100,"timeout_ms":100})",
                [](std::string_view) { return false; })
        .status;
  });
  for (int i = 0; i < 1000 && a_.plane().node().transactions().size() != 0; ++i) turn();
  EXPECT_EQ(a_.plane().node().transactions().size(), 0U);
  EXPECT_EQ(json::parse(call("GET", "/v1/transactions").body)["pings"].size(), 0U);
}

TEST_F(Admin, RefusesPingsItCannotMakeSenseOf) {
  const auto refused = [&](const std::string& body) {
    const AdminReply reply = call("POST", "/v1/ping", body);
    EXPECT_EQ(reply.status, 400U) << body;
    return reply.error();
  };
  EXPECT_NE(refused("[]").find("no JSON object"), std::string::npos);
  EXPECT_NE(refused("{}").find("destination is missing"), std::string::npos);
  EXPECT_NE(refused(R"({"destination":"nobody"})").find("a Node-ID (32 hex digits)"),
            std::string::npos);
  EXPECT_NE(refused(R"({"destination":"b","count":0})").find("accepted are 1 to"),
            std::string::npos);
  EXPECT_NE(refused(R"({"destination":"b","identity":"x"})").find("accepted are own"),
            std::string::npos);
  EXPECT_NE(refused(R"({"destination":"b","colour":1})").find("unknown key colour"),
            std::string::npos);
  EXPECT_NE(refused(R"({"destination_list":["resource:00","b"]})").find("malformed"),
            std::string::npos);
}

TEST_F(Admin, TellsStatusSignersAndEvidence) {
  const json status = json::parse(call("GET", "/v1/status").body);
  EXPECT_EQ(status["name"], "a");
  EXPECT_EQ(status["node_id"], config::to_string(node_id(0x10)));
  EXPECT_EQ(status["dataplane"]["alive"], true);
  EXPECT_EQ(status["lab_links"], true);

  const json signers = json::parse(call("GET", "/v1/signers").body)["signers"];
  ASSERT_EQ(signers.size(), 1U);
  EXPECT_EQ(signers[0]["state"], "accepted");
  EXPECT_EQ(signers[0]["configured"], true);

  wire::shm::Event event;
  event.reason = wire::shm::DropReason::kBadSignature;
  event.link_slot = a_.plane().links()[0].slot;
  event.generation = a_.plane().links()[0].generation;
  event.count = 3;
  ASSERT_TRUE(a_.dataplane()->rings.lcores[0].events.push(event));
  turn();
  const json evidence = json::parse(call("GET", "/v1/evidence").body)["evidence"];
  ASSERT_EQ(evidence.size(), 1U);
  EXPECT_EQ(evidence[0]["name"], "b");
  EXPECT_EQ(evidence[0]["reason"], "bad_signature");
  EXPECT_EQ(evidence[0]["count"], 3);
  EXPECT_EQ(evidence[0]["accuses"], true);
  event.reason = wire::shm::DropReason::kRecordForged;
  ASSERT_TRUE(a_.dataplane()->rings.lcores[0].events.push(event));
  turn();
  const json both = json::parse(call("GET", "/v1/evidence").body)["evidence"];
  ASSERT_EQ(both.size(), 2U);
  for (const json& entry : both) {
    EXPECT_EQ(entry["accuses"], entry["reason"] == "bad_signature") << "records can be forged";
  }
}

TEST_F(Admin, TellsLinksAndAsksForKeysOnlyWhereThereCanBeAny) {
  const json links = json::parse(call("GET", "/v1/links").body)["links"];
  ASSERT_EQ(links.size(), 1U);
  EXPECT_EQ(links[0]["name"], "b");
  EXPECT_EQ(links[0]["protocol"], "lab");
  EXPECT_FALSE(links[0].contains("association"));
  const AdminReply lab = call("POST", "/v1/rekey", R"({"peer":"b"})");
  EXPECT_EQ(lab.status, 409U);
  EXPECT_NE(lab.error().find("its protocol is \"lab\""), std::string::npos) << lab.error();
  EXPECT_EQ(call("POST", "/v1/rekey", "{}").status, 404U);
  EXPECT_EQ(call("POST", "/v1/rekey", R"({"peer":"nobody"})").status, 404U);
  EXPECT_EQ(call("POST", "/v1/rekey", R"({"peer":7})").status, 400U);
  EXPECT_EQ(call("POST", "/v1/rekey", "nothing").status, 400U);
}

TEST_F(Admin, SwitchesTraceAndCapture) {
  a_.dataplane()->rings.commands.consume(100, [](const wire::shm::Command&) {});
  EXPECT_EQ(call("POST", "/v1/trace", R"({"sample_one_in":8,"destination":"b"})").status, 200U);
  EXPECT_EQ(call("POST", "/v1/capture", R"({"path":"/tmp/x.pcapng","max_packets":9})").status,
            200U);
  EXPECT_EQ(call("DELETE", "/v1/capture").status, 200U);
  turn();
  std::vector<wire::shm::Command> commands;
  a_.dataplane()->rings.commands.consume(
      100, [&](const wire::shm::Command& command) { commands.push_back(command); });
  ASSERT_EQ(commands.size(), 3U);
  EXPECT_EQ(commands[0].trace.sample_one_in, 8U);
  EXPECT_EQ(commands[0].trace.destination, node_id(0x80));
  EXPECT_STREQ(commands[1].capture.path.data(), "/tmp/x.pcapng");
  EXPECT_EQ(commands[1].capture.max_packets, 9U);
  EXPECT_EQ(commands[2].kind, wire::shm::CommandKind::kStopCapture);
  EXPECT_EQ(call("POST", "/v1/capture", R"({"path":"relative"})").status, 400U);
  EXPECT_EQ(call("GET", "/v1/nothing").status, 404U);
}

TEST_F(Admin, AsksAPeerAndTellsWhatItSays) {
  const auto ask = [this](const std::string& body) {
    return json::parse(call("POST", "/v1/query", body).body);
  };
  // With a static topology a peer has nothing to say to that, and says so.
  const json answer = ask(R"({"method":"probe","of":"b"})");
  EXPECT_EQ(answer["status"], "error");
  EXPECT_EQ(answer["responder"], config::to_string(node_id(0x80)));
  EXPECT_EQ(call("POST", "/v1/query", R"({"method":"probe"})").status, 400U);

  connected_ = false;
  const json late = ask(R"({"method":"route_query","of":"b","destination":"b","timeout_ms":50})");
  EXPECT_EQ(late["status"], "timeout");
  run([this] {
    return client_
        .stream("POST", "/v1/query", R"({"method":"probe","of":"b","timeout_ms":50})",
                [](std::string_view) { return false; })
        .status;
  });
  EXPECT_EQ(a_.plane().node().transactions().size(), 0U);
}

TEST_F(Admin, WritesOpenMetrics) {
  static_cast<void>(ping({{"destination", "b"}, {"count", 1}}));
  const std::string text = call("GET", "/metrics").body;
  EXPECT_TRUE(text.ends_with("# EOF\n"));
  for (const char* line :
       {"# TYPE hopseal_received counter\n", "hopseal_received_total{lcore=\"0\"} 0\n",
        "# TYPE hopseal_held gauge\n",
        "hopseal_drops_total{lcore=\"0\",stage=\"verify\",reason=\"bad_signature\"} 0\n",
        "hopseal_stage_cycles_total{lcore=\"0\",stage=\"parse\"} 0\n",
        "hopseal_verify_checks_total{lcore=\"0\",algorithm=\"ed25519\",path=\"known\"} 0\n",
        "hopseal_verify_passes_total{lcore=\"0\",lanes=\"8\"} 0\n",
        "hopseal_verify_batches_total{lcore=\"0\",checks=\"33-64\"} 0\n",
        "hopseal_digest_cache_hits_total{lcore=\"0\"} 0\n",
        "# TYPE hopseal_known_signer_bytes gauge\n", "hopseal_known_signer_bytes_max 0\n",
        "hopseal_known_signer_evictions_total 0\n", "# TYPE hopseal_verify_kernel gauge\n",
        "hopseal_handshake_completed_total 0\n", "hopseal_handshakes_half_open 0\n",
        "hopseal_controlplane_answers_accepted_total 1\n", "hopseal_dataplane_up 1\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
}

TEST_F(Admin, SaysWhenThereIsNoDataplane) {
  a_.stop_dataplane();
  connected_ = false;
  start_ -= std::chrono::seconds(2);  // the next look at the dataplane's role is due
  turn();
  const AdminReply reply = call("POST", "/v1/ping", R"({"destination":"b"})");
  EXPECT_EQ(reply.status, 503U);
  EXPECT_NE(reply.error().find("start hopseal-dataplane"), std::string::npos);
}

TEST_F(Admin, OwnsItsSocketAlone) {
  struct stat status {};
  ASSERT_EQ(::stat(a_.config().admin_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  std::string why;
  EXPECT_FALSE(listen(why));
  EXPECT_NE(why.find("another process listens"), std::string::npos) << why;
  server_.reset();
  EXPECT_NE(::stat(a_.config().admin_path().c_str(), &status), 0) << "removed at the end";
  EXPECT_THROW(static_cast<void>(client_.call("GET", "/v1/status")), controlplane::ctl::AdminError);
  std::ofstream(a_.config().admin_path()) << "no socket";
  EXPECT_FALSE(listen(why));
  EXPECT_NE(why.find("is no socket"), std::string::npos) << why;
}

TEST_F(Admin, ReplacesTheSocketOfAProcessThatWasKilled) {
  const std::string path = a_.config().admin_path();
  ::rename(path.c_str(), (path + ".kept").c_str());
  server_.reset();  // stops listening; its file has another name and stays
  ::rename((path + ".kept").c_str(), path.c_str());
  std::string why;
  server_ = listen(why);
  ASSERT_TRUE(server_) << why;
  EXPECT_EQ(call("GET", "/v1/status").status, 200U);
}

}  // namespace
}  // namespace tests
