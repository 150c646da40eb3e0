// SPDX-License-Identifier: Apache-2.0
// Two control planes with a TLS link on real sockets of the loopback interface, and stand-ins for
// their dataplanes: who calls whom, what passes between rings and streams, and what survives whose
// end.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <thread>

#include "controlplane/links/own_context.h"
#include "tests/controlplane/test_planes.h"

namespace tests {
namespace {

namespace asio = boost::asio;
using controlplane::events::StreamStatus;
using controlplane::links::Failure;
using controlplane::links::Role;
using wire::reload::Bytes;
using wire::shm::LinkRecord;
using wire::shm::PacketKind;
using wire::shm::PacketRecord;

constexpr std::chrono::seconds kPatience{20};  // a busy machine is no failure

controlplane::overlay::Now now() {
  static const auto start = std::chrono::steady_clock::now();
  const auto spent = std::chrono::steady_clock::now() - start;
  return at(kSecond + static_cast<std::uint64_t>(std::chrono::nanoseconds(spent).count()));
}

/// A node whose dataplane keeps what it is given.
class StreamNode {
 public:
  StreamNode(const TestOverlay& overlay, const std::string& directory, char letter)
      : test(overlay, directory, letter, "tls") {}

  void start(asio::io_context& io) {
    test.start();
    test.plane().on_note([this](const auto& note) { notes.push_back(note.text); });
    test.open_streams(io, now);
  }
  void turn() {
    test.plane().turn(now());
    if (!test.has_dataplane()) return;
    rings().injected.consume(64, [this](const PacketRecord& record) {
      given.push_back({record.kind, record.link_slot, record.generation,
                       Bytes(record.bytes.begin(), record.bytes.begin() + record.length)});
    });
    test.dataplane()->rings.commands.consume(64, [](const auto&) {});
  }
  /// Has the dataplane send @p message on the link.
  void send(const Bytes& message) {
    auto record = std::make_unique<PacketRecord>();
    record->kind = PacketKind::kVirtualOut;
    record->link_slot = link().slot;
    record->generation = link().generation;
    record->length = static_cast<std::uint16_t>(message.size());
    std::ranges::copy(message, record->bytes.begin());
    EXPECT_TRUE(rings().virtual_out.push(*record));
  }

  const LinkRecord& link() { return test.plane().links().front(); }
  wire::shm::LcoreRings& rings() { return test.dataplane()->rings.lcores[0]; }
  StreamStatus status() { return test.plane().stream_links()->status().front(); }
  bool is_up() { return !status().session.empty(); }
  /// Whether the published routes lead to the peer.
  bool has_route() {
    auto& routes = test.dataplane()->tables.routes;
    return routes.copy[routes.generation.load() & 1U].peer_count == 1;
  }

  struct Given {
    PacketKind kind;
    std::uint16_t slot;
    std::uint8_t generation;
    Bytes bytes;
  };
  std::vector<Given> given;
  std::vector<std::string> notes;
  TestPlane test;
};

class StreamLinksTest : public testing::Test {
 protected:
  void start() {
    for (StreamNode* node : {&a_, &b_}) {
      node->test.start_dataplane();
      node->start(io_);
    }
  }
  /// Until @p done, for whom both nodes and their sockets run.
  template <class Done>
  [[nodiscard]] bool run_until(Done done) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      a_.turn();
      b_.turn();
      io_.run_one_for(std::chrono::milliseconds(1));
      io_.restart();
    }
    return true;
  }
  bool both_up() { return a_.is_up() && b_.is_up() && a_.has_route() && b_.has_route(); }
  [[nodiscard]] Bytes ping(std::size_t padding) const {
    return wire::reload::MessageBuilder()
        .overlay(overlay_.settings(node_id(0x80)).overlay)
        .configuration_sequence(7)
        .ttl(100)
        .transaction(wire::reload::TransactionId{7})
        .destination(node_id(0x80))
        .contents(wire::reload::MessageCode::kPingReq,
                  wire::reload::ping_request_body(static_cast<std::uint16_t>(padding)))
        .sign(overlay_.identity(node_id(0x10)).identity);
  }

  asio::io_context io_;
  TestOverlay overlay_;
  TemporaryDirectory directory_;
  StreamNode a_{overlay_, directory_.path(), 'a'};
  StreamNode b_{overlay_, directory_.path(), 'b'};
};

TEST_F(StreamLinksTest, TheLowerNodeIdCallsAndRoutesFollow) {
  start();
  a_.turn();
  EXPECT_FALSE(a_.has_route());
  ASSERT_TRUE(run_until([&] { return both_up(); }));
  EXPECT_EQ(a_.status().role, Role::kClient);
  EXPECT_EQ(b_.status().role, Role::kServer);
  EXPECT_EQ(b_.test.plane().stream_links()->socket_counters().connected, 0U);
  EXPECT_THAT(a_.status().session, testing::StartsWith("TLSv1.3 TLS_"));
}

TEST_F(StreamLinksTest, MessagesPassWholeBetweenRingsInOrder) {
  start();
  ASSERT_TRUE(run_until([&] { return both_up(); }));
  for (std::size_t length = 1; length <= 200; ++length) {
    a_.send(Bytes(length, std::byte{1}));
    b_.send(Bytes(length, std::byte{2}));
  }
  ASSERT_TRUE(run_until([&] { return a_.given.size() == 200 && b_.given.size() == 200; }));
  for (StreamNode* node : {&a_, &b_}) {
    for (std::size_t i = 0; i < node->given.size(); ++i) {
      const auto& given = node->given[i];
      EXPECT_EQ(given.kind, PacketKind::kVirtualIn);
      EXPECT_EQ(given.slot, node->link().slot);
      EXPECT_EQ(given.generation, node->link().generation);
      ASSERT_EQ(given.bytes, Bytes(i + 1, node == &a_ ? std::byte{2} : std::byte{1}));
    }
  }
  EXPECT_EQ(a_.test.plane().stream_links()->counters().messages_out, 200U);
  EXPECT_EQ(a_.test.plane().stream_links()->counters().messages_in, 200U);
  ASSERT_TRUE(run_until([&] { return a_.status().srtt_ns != 0; })) << "acks measure it";
}

TEST_F(StreamLinksTest, WhatOneRingRecordDoesNotHoldGoesDownInFragments) {
  start();
  ASSERT_TRUE(run_until([&] { return both_up(); }));
  // A peer of another make may send it whole; our dataplanes send what fits a record.
  const Bytes message = ping(3000);
  auto injector = controlplane::events::Injector(*b_.test.dataplane(), 1500);
  injector.send_from_stream({b_.link().slot, b_.link().generation}, message);
  b_.turn();
  ASSERT_GE(b_.given.size(), 2U);
  std::size_t payload = 0;
  for (const auto& given : b_.given) {
    EXPECT_EQ(given.kind, PacketKind::kVirtualIn);
    wire::reload::ForwardingHeader header;
    ASSERT_TRUE(wire::reload::parse_forwarding_header(given.bytes, header).ok());
    EXPECT_FALSE(header.fragment.is_whole());
    payload += given.bytes.size() - header.size();
  }
  wire::reload::ForwardingHeader header;
  ASSERT_TRUE(wire::reload::parse_forwarding_header(message, header).ok());
  EXPECT_EQ(payload, message.size() - header.size());
}

TEST_F(StreamLinksTest, ALinkWhosePeerStartsAnewComesBack) {
  start();
  ASSERT_TRUE(run_until([&] { return both_up(); }));
  b_.test.stop();
  b_.start(io_);
  ASSERT_TRUE(run_until([&] { return !a_.has_route(); }));
  ASSERT_TRUE(run_until([&] { return both_up(); }));
  a_.send(Bytes(10, std::byte{1}));
  ASSERT_TRUE(run_until([&] { return b_.given.size() == 1; }));
}

TEST_F(StreamLinksTest, WithoutADataplaneThereIsNoConnection) {
  start();
  ASSERT_TRUE(run_until([&] { return both_up(); }));
  b_.test.stop_dataplane();
  ASSERT_TRUE(run_until([&] { return !a_.is_up() && !b_.is_up() && !a_.has_route(); }));
  // A call is turned away at once, and costs no handshake.
  ASSERT_TRUE(run_until([&] { return a_.status().failures != 0; }));
  EXPECT_FALSE(a_.is_up());
  EXPECT_NE(b_.test.plane().stream_links()->socket_counters().refused_stranger, 0U);
  b_.test.start_dataplane();
  ASSERT_TRUE(run_until([&] { return both_up(); }));
}

TEST_F(StreamLinksTest, OfTwoConnectionsTheLowerNodeIdsStays) {
  start();
  const auto calls = [](StreamNode& node) {
    return node.test.plane().stream_links()->socket_counters().connected;
  };
  // b grows impatient, because no socket is looked at.
  while (calls(a_) == 0) a_.turn();
  while (calls(b_) == 0) {
    b_.turn();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(calls(a_), 1U);
  ASSERT_TRUE(run_until([&] {
    return both_up() && a_.test.plane().stream_links()->connections() == 1 &&
           b_.test.plane().stream_links()->connections() == 1;
  }));
  EXPECT_EQ(a_.status().role, Role::kClient);
  EXPECT_EQ(b_.status().role, Role::kServer);
  EXPECT_EQ(calls(a_), 1U);
  a_.send(Bytes(10, std::byte{1}));
  b_.send(Bytes(10, std::byte{2}));
  ASSERT_TRUE(run_until([&] { return a_.given.size() == 1 && b_.given.size() == 1; }));
}

TEST_F(StreamLinksTest, AMessageAboveTheLimitIsAnsweredAndEndsTheConnection) {  // C-34
  b_.test.config().overlay.policy.max_message_size = 500;
  start();
  ASSERT_TRUE(run_until([&] { return both_up(); }));
  a_.send(ping(600));
  ASSERT_TRUE(run_until([&] { return !b_.given.empty(); }));
  EXPECT_EQ(b_.given[0].kind, PacketKind::kInject);
  EXPECT_EQ(error_code(b_.given[0].bytes),
            static_cast<std::uint16_t>(wire::reload::ErrorCode::kMessageTooLarge));
  const auto answer = parsed(b_.given[0].bytes);
  EXPECT_EQ(answer.header.transaction_id, wire::reload::TransactionId{7});
  EXPECT_EQ(Bytes(answer.destination_list.begin(), answer.destination_list.end()),
            to_node(node_id(0x10)));
  // The dataplane sends it on the link, which still takes it.
  b_.send(b_.given[0].bytes);
  ASSERT_TRUE(run_until([&] { return a_.given.size() == 1; }));
  EXPECT_EQ(a_.given[0].bytes, b_.given[0].bytes);
  ASSERT_TRUE(run_until([&] { return !b_.has_route(); }));
  EXPECT_EQ(b_.status().last_failure.failure, Failure::kMessageTooLarge);
}

TEST_F(StreamLinksTest, CallsThatFailAreNotedOnceAndRepeatedEverLessOften) {
  a_.test.start_dataplane();
  a_.start(io_);
  const auto run_a = [&](auto done) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!done() && std::chrono::steady_clock::now() < end) {
      a_.turn();
      io_.run_one_for(std::chrono::milliseconds(1));
      io_.restart();
    }
    return done();
  };
  ASSERT_TRUE(run_a([&] { return a_.status().failures == 2; }));
  EXPECT_EQ(a_.status().last_failure.failure, Failure::kNotConnected);
  EXPECT_GT(a_.status().next_call_ns, now().ns + kSecond);
  EXPECT_EQ(
      std::ranges::count_if(
          a_.notes, [](const auto& note) { return note.find("call failed") != std::string::npos; }),
      1);
}

TEST_F(StreamLinksTest, AnAddressThatCannotBeListenedAtIsNamed) {
  a_.test.start_dataplane();
  a_.start(io_);
  b_.test.config().links.tls_listen = a_.test.config().links.tls_listen;
  b_.test.start();
  std::string why;
  const auto loaded = controlplane::trust::load_credentials(b_.test.config(), kUnixMs / 1000);
  auto context = controlplane::links::own_context(b_.test.config(), *loaded.credentials,
                                                  controlplane::links::Transport::kStream, why);
  EXPECT_FALSE(b_.test.plane().open_streams(io_, std::move(context), now, why));
  EXPECT_THAT(why, testing::AllOf(testing::StartsWith("links.tls_listen = 127."),
                                  testing::HasSubstr("in use")));
}

TEST_F(StreamLinksTest, GivesKeyLogLinesOnlyWhileSomebodyTakesThem) {
  start();
  std::vector<std::string> lines;
  a_.test.plane().log_keys([&](std::string_view line) { lines.emplace_back(line); });
  ASSERT_TRUE(run_until([&] { return both_up(); }));
  ASSERT_FALSE(lines.empty());
  EXPECT_THAT(lines[0], testing::HasSubstr("_TRAFFIC_SECRET"));
  a_.test.plane().log_keys({});
  const std::size_t before = lines.size();
  b_.test.stop();
  b_.start(io_);
  ASSERT_TRUE(run_until([&] { return !a_.has_route(); }));
  ASSERT_TRUE(run_until([&] { return both_up(); }));
  EXPECT_EQ(lines.size(), before);
}

}  // namespace
}  // namespace tests
