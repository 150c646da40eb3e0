// SPDX-License-Identifier: Apache-2.0
// The forwarding header, its options, and the address form of RFC 6940 section 6.3.1.1.

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/support/hex_vector.h"
#include "wire/reload/forwarding_header.h"
#include "wire/reload/forwarding_option.h"
#include "wire/reload/ip_address_port.h"

namespace {

using namespace wire::reload;
using tests::from_hex;
using Bytes = std::vector<std::byte>;

void expect_fault(ParseError error, ParseFault fault, std::uint32_t offset) {
  EXPECT_STREQ(fault_name(error.fault), fault_name(fault));
  EXPECT_EQ(error.offset, offset);
}

ForwardingHeader distinct_fields() {
  ForwardingHeader header;
  header.overlay = OverlayHash{0x65b0781f};
  header.configuration_sequence = 0x0123;
  header.ttl = 0x45;
  header.fragment = FragmentWord::make(0x00abcdef, false);
  header.transaction_id = TransactionId{0x1122334455667788};
  header.max_response_length = 0x99aabbcc;
  header.via_list_length = 2;
  header.destination_list_length = 2;
  header.options_length = 4;
  header.length = header.size() + 1;
  return header;
}

Bytes encode(const ForwardingHeader& header) {
  Bytes message(header.length);
  write_forwarding_header(header, message);
  return message;
}

TEST(ForwardingHeader, FieldsAreWrittenInTheOrderOfTheRfc) {
  Bytes expected = from_hex(
      "d2454c4f 65b0781f 0123 0a 45 80abcdef 0000002f 11223344 55667788 99aabbcc 0002 0002 0004");
  ASSERT_EQ(expected.size(), kFixedHeaderBytes);
  const Bytes message = encode(distinct_fields());
  EXPECT_TRUE(std::ranges::equal(std::span(message).first(kFixedHeaderBytes), expected));
}

TEST(ForwardingHeader, WhatWasWrittenIsRead) {
  const ForwardingHeader header = distinct_fields();
  ForwardingHeader read;
  ASSERT_TRUE(parse_forwarding_header(encode(header), read).ok());
  EXPECT_EQ(read.overlay, header.overlay);
  EXPECT_EQ(read.configuration_sequence, header.configuration_sequence);
  EXPECT_EQ(read.ttl, header.ttl);
  EXPECT_EQ(read.fragment.offset(), 0xabcdefU);
  EXPECT_FALSE(read.fragment.is_last());
  EXPECT_EQ(read.length, header.length);
  EXPECT_EQ(read.transaction_id, header.transaction_id);
  EXPECT_EQ(read.max_response_length, header.max_response_length);
  EXPECT_EQ(read.destination_list_offset(), 40U);
  EXPECT_EQ(read.options_offset(), 42U);
  EXPECT_EQ(read.size(), 46U);
}

// The token is asked first and the lists last, whatever else is wrong.
TEST(ForwardingHeader, ChecksComeInTheOrderOfTheHeader) {
  ForwardingHeader read;
  Bytes message(kFixedHeaderBytes);
  expect_fault(parse_forwarding_header(message, read), ParseFault::kNotReload, 0);
  wire::store_be32(message.data(), kReloToken);
  expect_fault(parse_forwarding_header(message, read), ParseFault::kBadVersion, 10);
  message[10] = std::byte{kVersion};
  expect_fault(parse_forwarding_header(message, read), ParseFault::kBadFragment, 12);
  wire::store_be32(message.data() + 12, FragmentWord::kWhole);
  expect_fault(parse_forwarding_header(message, read), ParseFault::kBadLength, 16);
  wire::store_be32(message.data() + 16, kFixedHeaderBytes);
  expect_fault(parse_forwarding_header(message, read), ParseFault::kEmptyDestination, 34);
}

TEST(ForwardingHeader, AnyVersionButOneIsRefused) {
  for (unsigned version = 0; version < 256; ++version) {
    Bytes message = encode(distinct_fields());
    message[header_offset::kVersion] = static_cast<std::byte>(version);
    ForwardingHeader read;
    EXPECT_EQ(parse_forwarding_header(message, read).ok(), version == 10) << version;
  }
}

TEST(ForwardingHeader, AWholeMessageIsItsOwnLastFragment) {  // D-10
  EXPECT_EQ(FragmentWord{}.word, 0xc0000000U);
  EXPECT_TRUE(FragmentWord{}.is_whole());
  EXPECT_TRUE(FragmentWord{0xff000000}.is_whole());  // reserved bits are ignored
  EXPECT_FALSE(FragmentWord{0x80000000}.is_whole());
  EXPECT_FALSE(FragmentWord{0xc0000100}.is_whole());
}

TEST(ForwardingHeader, AFragmentWordWithoutBit31IsRefusedWhateverElseItSays) {  // D-08
  for (const std::uint32_t word : {0x00000000U, 0x40000000U, 0x7fffffffU}) {
    ForwardingHeader header = distinct_fields();
    header.fragment.word = word;
    ForwardingHeader read;
    expect_fault(parse_forwarding_header(encode(header), read), ParseFault::kBadFragment, 12);
  }
}

TEST(ForwardingHeader, NoFragmentBeginsInsideTheFirst256Bytes) {  // D-04
  for (const std::uint32_t offset : {0U, 1U, 255U, 256U, 0xffffffU}) {
    ForwardingHeader header = distinct_fields();
    header.fragment = FragmentWord::make(offset, true);
    ForwardingHeader read;
    EXPECT_EQ(parse_forwarding_header(encode(header), read).ok(), offset == 0 || offset >= 256)
        << offset;
  }
}

TEST(ForwardingHeader, TheFirstListThatLeadsPastTheEndIsNamed) {
  ForwardingHeader read;
  ForwardingHeader header = distinct_fields();
  header.options_length = 6;
  expect_fault(parse_forwarding_header(encode(header), read), ParseFault::kListsTooLong, 36);
  header.destination_list_length = 0xffff;
  expect_fault(parse_forwarding_header(encode(header), read), ParseFault::kListsTooLong, 34);
  header.via_list_length = 0xffff;
  expect_fault(parse_forwarding_header(encode(header), read), ParseFault::kListsTooLong, 32);
}

TEST(ForwardingOption, LengthCountsTheValueOnlyAndMayBeZero) {
  Bytes encoded(6);
  EXPECT_EQ(write_option(33, 5, from_hex("0102"), encoded), 6U);
  EXPECT_EQ(encoded, from_hex("21 05 0002 0102"));
  ForwardingOption option;
  ASSERT_TRUE(read_option(from_hex("22 00 0000 ff"), option).ok());
  EXPECT_EQ(option.encoded.size(), 4U);
  EXPECT_TRUE(option.value.empty());
  EXPECT_EQ(write_option(33, 5, from_hex("0102"), std::span(encoded).first(5)), 0U);
}

TEST(ForwardingOption, EachFlagIsSeen) {
  OptionSummary summary;
  ASSERT_TRUE(check_options(from_hex("21 00 0000  22 08 0000"), summary).ok());
  EXPECT_FALSE(summary.forward_critical || summary.destination_critical || summary.response_copy);
  ASSERT_TRUE(check_options(from_hex("21 00 0000  22 01 0000"), summary).ok());
  EXPECT_TRUE(summary.forward_critical);
  EXPECT_FALSE(summary.destination_critical || summary.response_copy);
  ASSERT_TRUE(check_options(from_hex("21 02 0000  22 00 0000"), summary).ok());
  EXPECT_TRUE(summary.destination_critical);
  EXPECT_FALSE(summary.forward_critical || summary.response_copy);
  ASSERT_TRUE(check_options(from_hex("21 04 0001 aa"), summary).ok());
  EXPECT_TRUE(summary.response_copy);
  EXPECT_FALSE(summary.forward_critical || summary.destination_critical);
}

TEST(ForwardingOption, MalformedOptionsAreRefusedWhereTheyGoWrong) {
  OptionSummary summary;
  expect_fault(check_options(from_hex("21 00 0000  00 00 0000"), summary, 100),
               ParseFault::kBadOption, 104);
  expect_fault(check_options(from_hex("21 00 0000  22 00 0001"), summary, 100),
               ParseFault::kTruncated, 106);
  expect_fault(check_options(from_hex("21 00 0000  22 00 00"), summary, 100),
               ParseFault::kTruncated, 107);
}

TEST(ForwardingOption, AResponseCarriesTheCopiedOptionsWithoutTheThreeFlags) {  // B-40, B-41
  const Bytes options = from_hex("21 01 0001 aa  22 07 0002 bbcc  23 0c 0000  24 00 0000");
  Bytes copied(options.size());
  copied.resize(copy_for_response(options, copied));
  EXPECT_EQ(copied, from_hex("22 00 0002 bbcc  23 08 0000"));
}

TEST(IpAddressPort, TheExampleOfTheRfcEncodesAsPrinted) {
  Bytes encoded(8);
  EXPECT_EQ(write_ip_address_port(from_hex("c0000201"), 6084, encoded), 8U);
  EXPECT_EQ(encoded, from_hex("01 06 c0 00 02 01 17 c4"));
  IpAddressPort read;
  ASSERT_TRUE(read_ip_address_port(encoded, read).ok());
  EXPECT_EQ(read.type, AddressType::kIpv4);
  EXPECT_EQ(read.port, 6084);
  EXPECT_TRUE(std::ranges::equal(read.address, from_hex("c0000201")));
}

TEST(IpAddressPort, AnIpv6AddressTakesTwentyBytes) {
  const Bytes address = from_hex("20010db8 00000000 00000000 00000001");
  Bytes encoded(20);
  EXPECT_EQ(write_ip_address_port(address, 6084, encoded), 20U);
  EXPECT_EQ(encoded[0], std::byte{0x02});
  EXPECT_EQ(encoded[1], std::byte{0x12});
  EXPECT_EQ(write_ip_address_port(address, 6084, std::span(encoded).first(19)), 0U);
  EXPECT_EQ(write_ip_address_port(std::span(address).first(5), 6084, encoded), 0U);
}

TEST(IpAddressPort, AnUnknownTypeIsSteppedOverAndAWrongLengthIsNot) {
  IpAddressPort read;
  ASSERT_TRUE(read_ip_address_port(from_hex("09 02 aabb 01"), read).ok());
  EXPECT_EQ(read.type, AddressType::kInvalid);
  EXPECT_EQ(read.wire_type, 9);
  EXPECT_EQ(read.encoded.size(), 4U);
  expect_fault(read_ip_address_port(from_hex("01 05 c000020117"), read), ParseFault::kBadBody, 1);
  expect_fault(read_ip_address_port(from_hex("01 06 c0000201"), read), ParseFault::kTruncated, 1);
}

}  // namespace
