// SPDX-License-Identifier: Apache-2.0
#include "wire/dtls/client_hello.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/support/hex_vector.h"

namespace {

using namespace wire::dtls;
using tests::from_hex;

// The second ClientHello of a handshake: with a cookie, two suites, one extension.
std::vector<std::byte> client_hello() {
  return from_hex(
      "16 feff 0000 000000000007 0040"
      "01 000034 0001 000000 000034"
      "fefd 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
      "00"
      "02 aabb"
      "0004 c02b cca9"
      "01 00"
      "0004 0017 0000");
}

TEST(ClientHello, IsReadFieldByField) {
  const auto datagram = client_hello();
  ClientHello hello;
  ASSERT_EQ(parse_client_hello(datagram, hello), ClientHelloFault::kNone);
  EXPECT_EQ(hello.record_sequence, 7U);
  EXPECT_EQ(hello.message_sequence, 1U);
  EXPECT_EQ(hello.version, kVersion12);
  EXPECT_EQ(hello.random.size(), kRandomBytes);
  EXPECT_EQ(hello.random[31], std::byte{0x1f});
  EXPECT_TRUE(hello.session_id.empty());
  EXPECT_TRUE(std::ranges::equal(hello.cookie, from_hex("aabb")));
  EXPECT_TRUE(std::ranges::equal(hello.cipher_suites, from_hex("c02bcca9")));
  EXPECT_TRUE(std::ranges::equal(hello.compression_methods, from_hex("00")));
  EXPECT_TRUE(std::ranges::equal(hello.extensions, from_hex("00170000")));
  EXPECT_EQ(hello.record_bytes, datagram.size());
}

TEST(ClientHello, MayHaveNoExtensionsAndBytesBehindItsRecord) {
  auto datagram = client_hello();
  datagram.resize(datagram.size() - 6);  // without extensions
  datagram[12] = std::byte{0x3a};
  datagram[16] = datagram[24] = std::byte{0x2e};
  const std::size_t record = datagram.size();
  datagram.resize(record + 3, std::byte{0xff});
  ClientHello hello;
  ASSERT_EQ(parse_client_hello(datagram, hello), ClientHelloFault::kNone);
  EXPECT_TRUE(hello.extensions.empty());
  EXPECT_EQ(hello.record_bytes, record);
}

TEST(ClientHello, IsRefusedWhenCutShortAnywhere) {
  const auto whole = client_hello();
  ClientHello hello;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_NE(parse_client_hello(cut, hello), ClientHelloFault::kNone) << length;
    if (length < kRecordHeaderBytes + kHandshakeHeaderBytes) continue;
    // The same, with lengths of record and message that fit what is left.
    cut[12] = static_cast<std::byte>(length - kRecordHeaderBytes);
    cut[16] = cut[24] = static_cast<std::byte>(length - kRecordHeaderBytes - kHandshakeHeaderBytes);
    const bool without_extensions = length == whole.size() - 6;
    EXPECT_EQ(parse_client_hello(cut, hello) == ClientHelloFault::kNone, without_extensions)
        << length;
  }
}

TEST(ClientHello, IsRefusedByName) {
  const auto fault_with = [](std::size_t at, unsigned value) {
    auto datagram = client_hello();
    datagram[at] = static_cast<std::byte>(value);
    ClientHello hello;
    return parse_client_hello(datagram, hello);
  };
  EXPECT_EQ(fault_with(0, 21), ClientHelloFault::kNotClientHello);  // an alert
  EXPECT_EQ(fault_with(4, 1), ClientHelloFault::kNotClientHello);   // epoch 1
  EXPECT_EQ(fault_with(13, 2), ClientHelloFault::kNotClientHello);  // a ServerHello
  EXPECT_EQ(fault_with(21, 1), ClientHelloFault::kFragmented);      // fragment_offset 1
  EXPECT_EQ(fault_with(24, 0x20), ClientHelloFault::kFragmented);   // the first piece
  EXPECT_EQ(fault_with(59, 33), ClientHelloFault::kMalformed);      // session_id too long
  EXPECT_EQ(fault_with(64, 3), ClientHelloFault::kMalformed);       // half a suite
  EXPECT_EQ(fault_with(69, 0), ClientHelloFault::kMalformed);       // no compression method
  EXPECT_EQ(fault_with(72, 3), ClientHelloFault::kMalformed);       // a byte behind extensions
}

TEST(HelloVerifyRequest, RepeatsTheNumbersOfTheClientHello) {  // RFC 6347 section 4.2.1
  ClientHello hello;
  const auto datagram = client_hello();
  ASSERT_EQ(parse_client_hello(datagram, hello), ClientHelloFault::kNone);
  std::vector<std::byte> answer(kMaxHelloVerifyBytes);
  answer.resize(write_hello_verify_request(hello, from_hex("0102 0304"), answer));
  EXPECT_EQ(answer, from_hex("16 feff 0000 000000000007 0013"
                             "03 000007 0001 000000 000007"
                             "feff 04 01020304"));
}

TEST(HelloVerifyRequest, IsNotWrittenWhereItDoesNotFit) {
  ClientHello hello;
  std::vector<std::byte> room(40);
  EXPECT_EQ(write_hello_verify_request(hello, std::vector<std::byte>(12), room), 40U);
  EXPECT_EQ(write_hello_verify_request(hello, std::vector<std::byte>(13), room), 0U);
  std::vector<std::byte> large(kMaxHelloVerifyBytes + 1);
  EXPECT_EQ(write_hello_verify_request(hello, std::vector<std::byte>(255), large),
            kMaxHelloVerifyBytes);
  EXPECT_EQ(write_hello_verify_request(hello, std::vector<std::byte>(256), large), 0U);
}

}  // namespace
