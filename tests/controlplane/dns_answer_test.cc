// SPDX-License-Identifier: Apache-2.0
// Which services and addresses a DNS answer names, and in which order services are tried.

#include "controlplane/ctl/dns_answer.h"

#include <gtest/gtest.h>

#include <map>

#include "config/node_config.h"

namespace controlplane::ctl {
namespace {

using namespace std::string_literals;

constexpr int kA = 1;
constexpr int kCname = 5;
constexpr int kAaaa = 28;
constexpr int kSrv = 33;

std::string be16(int value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

/// One answer record; its owner is the question.
std::string record(int type, const std::string& data, int size = -1) {
  return "\xc0\x0c"s + be16(type) + be16(1) + "\0\0\0\x3c"s +
         be16(size < 0 ? static_cast<int>(data.size()) : size) + data;
}

/// An answer to a question for "a.example".
std::string answer(const std::vector<std::string>& records) {
  std::string text = "\x12\x34\x81\x80"s + be16(1) + be16(static_cast<int>(records.size())) +
                     be16(0) + be16(0) + "\x01"s + "a\x07"s + "example\0"s + be16(kSrv) + be16(1);
  for (const std::string& one : records) text += one;
  return text;
}

std::string srv(int priority, int weight, int port, const std::string& name) {
  return record(kSrv, be16(priority) + be16(weight) + be16(port) + name);
}

std::optional<DnsAnswer> parse(const std::string& message) {
  std::string why;
  const auto parsed = parse_dns_answer(std::as_bytes(std::span(message)), why);
  EXPECT_EQ(parsed.has_value(), why.empty());
  return parsed;
}

TEST(DnsAnswer, NamesServicesAndAddresses) {  // J-42
  const auto parsed = parse(answer({
      srv(1, 2, 443, "\x03"s + "WWW\x07"s + "example\0"s),
      srv(3, 4, 8443, "\x01"s + "b\xc0\x0e"s),  // compressed: b.example
      record(kA, "\xc0\x00\x02\x07"s),
      record(kAaaa, "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x01"s),
      record(kCname, "\x01"s + "c\xc0\x0e"s),
  }));
  ASSERT_TRUE(parsed);
  const std::vector<DnsService> expected = {{1, 2, 443, "www.example"}, {3, 4, 8443, "b.example"}};
  EXPECT_EQ(parsed->services, expected);
  ASSERT_EQ(parsed->addresses.size(), 2U);
  EXPECT_EQ(config::to_string(parsed->addresses[0]), "192.0.2.7");
  EXPECT_EQ(config::to_string(parsed->addresses[1]), "2001:db8::1");
  EXPECT_FALSE(parsed->no_service);
}

TEST(DnsAnswer, MaySayThatThereIsNoSuchService) {
  const auto parsed = parse(answer({srv(0, 0, 0, "\0"s)}));
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->no_service);
  EXPECT_TRUE(parsed->services.empty());
}

TEST(DnsAnswer, LeavesOutTargetsThatAreNoHosts) {
  const auto parsed =
      parse(answer({srv(0, 0, 443, "\x03"s + "a b\0"s), srv(0, 0, 0, "\x01"s + "b\0"s),
                    srv(0, 0, 443, "\x04"s + "\x1b[2J\0"s)}));
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->services.empty());
  EXPECT_FALSE(parsed->no_service);
}

TEST(DnsAnswer, IsRefusedWhenItIsCutOrLies) {
  const std::string whole = answer({srv(1, 2, 443, "\x01"s + "b\xc0\x0e"s)});
  EXPECT_TRUE(parse(whole));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse(whole.substr(0, size)));
  EXPECT_FALSE(parse(answer({srv(1, 2, 443, "\xc0\xff"s)}))) << "a pointer out of the message";
  EXPECT_FALSE(parse(answer({srv(1, 2, 443, "\xc0\x2d"s)}))) << "a pointer to itself";
  EXPECT_FALSE(parse(answer({record(kSrv, "\0\1\0\2"s)}))) << "too short";
  EXPECT_FALSE(parse(answer({record(kA, "\1\2\3"s)})));
  EXPECT_FALSE(parse(answer({record(kAaaa, "\1\2\3\4"s)})));
  EXPECT_FALSE(parse(answer({record(kA, "\1\2\3\4"s, 400)})));
}

TEST(DnsAnswer, OfManyRecordsTheFirstCount) {
  const auto parsed = parse(answer(std::vector<std::string>(200, record(kA, "\1\2\3\4"s))));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->addresses.size(), kMostDnsRecords);
}

std::string names(const std::vector<DnsService>& services) {
  std::string text;
  for (const DnsService& service : services) text += service.target;
  return text;
}

TEST(DnsServices, AreTriedByPriorityThenByWhatIsDrawn) {
  std::vector<DnsService> services = {
      {20, 0, 1, "z"}, {10, 3, 1, "a"}, {10, 0, 1, "b"}, {10, 1, 1, "c"}};
  order_services(services, [](std::uint32_t) { return 0U; });
  EXPECT_EQ(names(services), "bacz") << "0 draws weight 0 first";
  order_services(services, [](std::uint32_t most) { return most; });
  EXPECT_EQ(names(services), "cabz");
  std::vector<DnsService> none;
  order_services(none, [](std::uint32_t) { return 0U; });
  EXPECT_TRUE(none.empty());
}

TEST(DnsServices, AreDrawnAsOftenAsTheyWeigh) {
  std::map<std::string, int> first;
  std::uint32_t next = 0;
  for (int i = 0; i < 401; ++i) {
    std::vector<DnsService> services = {{1, 100, 1, "a"}, {1, 300, 1, "b"}};
    std::uint32_t largest = 0;
    order_services(services, [&](std::uint32_t most) {
      largest = std::max(largest, most);
      return std::min(next, most);
    });
    EXPECT_EQ(largest, 400U);
    ++first[services.front().target];
    ++next;
  }
  EXPECT_EQ(first["a"], 101);  // 0 to 100
  EXPECT_EQ(first["b"], 300);
}

}  // namespace
}  // namespace controlplane::ctl
