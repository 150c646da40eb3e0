// SPDX-License-Identifier: Apache-2.0
#include "bench/baseline/udp_socket.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace {

using bench::baseline::Io;
using bench::baseline::UdpSocket;
using Bytes = std::vector<std::byte>;

class UdpSocketTest : public ::testing::TestWithParam<Io> {
 protected:
  void SetUp() override {
    ASSERT_NE(a_, nullptr);
    ASSERT_NE(b_, nullptr);
    ASSERT_TRUE(UdpSocket::connect(*a_, *b_));
  }
  static void push(UdpSocket& socket, const Bytes& datagram) {
    std::ranges::copy(datagram, socket.room().begin());
    socket.push(datagram.size());
  }
  static std::vector<Bytes> all_of(UdpSocket& socket) {
    std::vector<Bytes> all;
    for (auto came = socket.receive(); !came.empty(); came = socket.receive()) {
      for (const auto datagram : came) all.emplace_back(datagram.begin(), datagram.end());
    }
    return all;
  }
  /// @p count datagrams of @p bytes, each with another content.
  static std::vector<Bytes> run_of(std::size_t count, std::size_t bytes) {
    std::vector<Bytes> run;
    for (std::size_t i = 0; i < count; ++i) run.emplace_back(bytes, static_cast<std::byte>(i + 1));
    return run;
  }
  std::unique_ptr<UdpSocket> a_ = UdpSocket::open(GetParam()), b_ = UdpSocket::open(GetParam());
};

TEST_P(UdpSocketTest, CarriesRunsOfAnySizeInOrder) {
  // The third run is too long for one train, the fourth has one datagram of each size.
  std::vector<std::vector<Bytes>> runs{run_of(40, 300), run_of(3, 46), run_of(60, 1237)};
  runs.push_back({Bytes(10), Bytes(20), Bytes(30)});
  std::vector<Bytes> sent;
  for (const auto& run : runs) sent.insert(sent.end(), run.begin(), run.end());
  for (const Bytes& datagram : sent) push(*a_, datagram);
  a_->flush();
  EXPECT_EQ(all_of(*b_), sent);
  EXPECT_EQ(a_->lost(), 0U);
}

TEST_P(UdpSocketTest, SendsAFullBatchWithoutFlush) {
  const std::vector<Bytes> batch = run_of(UdpSocket::kBatch, 100);
  for (std::size_t i = 0; i + 1 < batch.size(); ++i) push(*a_, batch[i]);
  EXPECT_TRUE(all_of(*b_).empty());
  push(*a_, batch.back());
  EXPECT_EQ(all_of(*b_), batch);
}

TEST_P(UdpSocketTest, CarriesDatagramsBothWays) {
  push(*a_, Bytes(5));
  a_->flush();
  push(*b_, Bytes(7));
  b_->flush();
  EXPECT_EQ(all_of(*b_), std::vector<Bytes>{Bytes(5)});
  EXPECT_EQ(all_of(*a_), std::vector<Bytes>{Bytes(7)});
}

TEST_P(UdpSocketTest, TakesNothingFromStrangers) {
  const std::unique_ptr<UdpSocket> stranger = UdpSocket::open(GetParam());
  const std::unique_ptr<UdpSocket> other = UdpSocket::open(GetParam());
  ASSERT_TRUE(UdpSocket::connect(*stranger, *other));
  ASSERT_TRUE(UdpSocket::connect(*a_, *other));  // other listens to a_ now, stranger still sends
  push(*stranger, Bytes(9));
  stranger->flush();
  EXPECT_TRUE(all_of(*other).empty());
}

TEST_P(UdpSocketTest, CountsWhatTheKernelDoesNotTake) {
  b_.reset();
  push(*a_, Bytes(8));
  a_->flush();  // goes out, and its port answers that nobody is there
  push(*a_, Bytes(8));
  a_->flush();
  EXPECT_EQ(a_->lost(), 1U);
}

INSTANTIATE_TEST_SUITE_P(EveryIo, UdpSocketTest, ::testing::Values(Io::kEach, Io::kTrains),
                         [](const auto& one) {
                           return one.param == Io::kEach ? "Each" : "Trains";
                         });

}  // namespace
