// SPDX-License-Identifier: Apache-2.0
#include "dataplane/pcapng.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "dataplane/capture.h"
#include "tests/dataplane/frames.h"

namespace dataplane {
namespace {

using tests::dataplane::at;
using tests::dataplane::Bytes;
using tests::dataplane::udp_frame;

std::string output_of(const std::string& command) {
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::string all;
  std::array<char, 4096> block;
  while (pipe != nullptr) {
    const std::size_t count = std::fread(block.data(), 1, block.size(), pipe);
    if (count == 0) break;
    all.append(block.data(), count);
  }
  if (pipe != nullptr) ::pclose(pipe);
  return all;
}

class Pcapng : public ::testing::Test {
 protected:
  ~Pcapng() override { ::unlink(path_.c_str()); }
  const std::string path_ =
      ::testing::TempDir() + "hopseal_pcapng_" + std::to_string(::getpid()) + ".pcapng";
};

TEST_F(Pcapng, IsReadByTsharkWithCommentsTimesAndInterfaces) {
  if (output_of("command -v tshark").empty()) GTEST_SKIP() << "tshark is not installed";
  std::string why;
  const std::vector<std::string> names{"p0", "wan"};
  const auto file = PcapngFile::create(path_, names, why);
  ASSERT_NE(file, nullptr) << why;
  for (unsigned length = 0; length < 5; ++length) {  // every padding
    const Bytes frame =
        udp_frame(at("10.0.1.2", 7), at("10.0.1.1", 9), Bytes(length, std::byte{1}));
    ASSERT_TRUE(file->write(length % 2, 1'700'000'000'123'456'789U + length, frame,
                            static_cast<std::uint32_t>(frame.size()) + length,
                            "hopseal: verdict " + std::string(length, 'x')));
  }
  ASSERT_TRUE(file->flush());
  EXPECT_EQ(output_of("tshark -r " + path_ +
                      " -T fields -E separator=, -e frame.interface_name -e frame.time_epoch "
                      "-e frame.cap_len -e frame.len -e udp.dstport -e frame.comment 2>/dev/null"),
            "p0,1700000000.123456789,42,42,9,hopseal: verdict \n"
            "wan,1700000000.123456790,43,44,9,hopseal: verdict x\n"
            "p0,1700000000.123456791,44,46,9,hopseal: verdict xx\n"
            "wan,1700000000.123456792,45,48,9,hopseal: verdict xxx\n"
            "p0,1700000000.123456793,46,50,9,hopseal: verdict xxxx\n");
}

TEST_F(Pcapng, SaysWhyAFileCannotBeMade) {
  std::string why;
  EXPECT_EQ(PcapngFile::create("/no/such/directory/x", {}, why), nullptr);
  EXPECT_EQ(why, "/no/such/directory/x: No such file or directory");
}

TEST_F(Pcapng, DoesNotFollowASymbolicLink) {
  ASSERT_EQ(::symlink("/dev/null", path_.c_str()), 0);
  std::string why;
  EXPECT_EQ(PcapngFile::create(path_, {}, why), nullptr);
}

TEST(CaptureComment, NamesWhatBecameOfThePacket) {
  CaptureVerdict verdict{};
  verdict.fate = Fate::kDropped;
  verdict.reason = wire::shm::DropReason::kBadSignature;
  EXPECT_EQ(capture_comment(verdict), "hopseal: dropped bad_signature at verify");
  verdict.fate = Fate::kForwarded;
  verdict.link_out = 3;
  verdict.verified = true;
  EXPECT_EQ(capture_comment(verdict), "hopseal: verified, forwarded to link 3");
  verdict.verified = false;
  EXPECT_EQ(capture_comment(verdict), "hopseal: not verified, forwarded to link 3");
  verdict.fate = Fate::kDelivered;
  EXPECT_EQ(capture_comment(verdict), "hopseal: not verified, delivered");
  verdict.fate = Fate::kAbsorbed;
  EXPECT_EQ(capture_comment(verdict), "hopseal: absorbed");
}

}  // namespace
}  // namespace dataplane
