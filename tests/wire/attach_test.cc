// SPDX-License-Identifier: Apache-2.0
// Bodies of Attach and AppAttach: fields, what is stepped over, limits, what a receiver must know.

#include "wire/reload/attach.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "tests/support/hex_vector.h"
#include "wire/byte_order.h"

namespace {

using namespace wire::reload;
using tests::from_hex;

Bytes vector_body(const char* name) {
  return tests::load_hex_vector(std::filesystem::path(VECTORS_DIRECTORY) / "bodies" /
                                (std::string(name) + ".hex"))
      .bytes;
}

const Bytes kIpv4 = from_hex("c0000201");
const Bytes kIpv6 = from_hex("20010db8 00000000 00000000 00000001");

IceCandidate host(OverlayLinkType link) {
  IceCandidate candidate;
  candidate.addr_port = borrow_address(kIpv4, 6084);
  candidate.overlay_link = link;
  candidate.foundation = "1";
  candidate.priority = 2122317823;
  candidate.type = CandType::kHost;
  return candidate;
}

AttachReqAns offer(std::vector<IceCandidate> candidates) {
  AttachReqAns attach;
  attach.role = kOffererRole;
  attach.candidates = std::move(candidates);
  return attach;
}

TEST(AttachBody, IsBuiltToTheBytesOfTheVector) {
  IceCandidate second = host(OverlayLinkType::kTlsTcpFhNoIce);
  second.addr_port = borrow_address(kIpv6, 6084);
  second.foundation = "2";
  second.priority -= 1;
  AttachReqAns attach = offer({host(OverlayLinkType::kDtlsUdpSrNoIce), second});
  attach.send_update = true;
  EXPECT_EQ(attach_body(attach), vector_body("attach_req"));
}

TEST(AttachBody, EveryFieldOfACandidateIsRead) {  // A-46, G-06, G-07, X-21
  AttachReqAns attach;
  const Bytes body = vector_body("attach_ans");
  ASSERT_TRUE(parse_attach(body, attach).ok());
  EXPECT_EQ(attach.ufrag, "8hhY");
  EXPECT_EQ(attach.password, "asd88fgpdd777uzjYhagZg");
  EXPECT_EQ(attach.role, kAnswererRole);
  EXPECT_FALSE(attach.send_update);
  ASSERT_EQ(attach.candidates.size(), 2U);
  const IceCandidate& srflx = attach.candidates[0];
  EXPECT_EQ(srflx.type, CandType::kSrflx);
  EXPECT_EQ(srflx.overlay_link, OverlayLinkType::kDtlsUdpSr);
  EXPECT_EQ(srflx.foundation, "3");
  EXPECT_EQ(srflx.priority, 1686110207U);
  EXPECT_EQ(srflx.addr_port.port, 6084);
  EXPECT_TRUE(std::ranges::equal(srflx.rel_addr_port.address, kIpv4));
  IceExtension extension;
  ASSERT_TRUE(read_ice_extension(srflx.extensions, extension).ok());
  EXPECT_EQ(extension.name.size(), 6U);
  EXPECT_EQ(extension.value.size(), 3U);
  EXPECT_EQ(extension.encoded.size(), srflx.extensions.size());
  const IceCandidate& relay = attach.candidates[1];
  EXPECT_EQ(relay.type, CandType::kRelay);
  EXPECT_EQ(relay.rel_addr_port.type, AddressType::kIpv6);
  EXPECT_TRUE(relay.extensions.empty());
  EXPECT_TRUE(srflx.is_usable() && relay.is_usable());
}

TEST(AttachBody, WhatTheFutureBringsIsSteppedOver) {
  AttachReqAns attach;
  const Bytes body = vector_body("attach_req_unknown_candidates");
  ASSERT_TRUE(parse_attach(body, attach).ok());
  ASSERT_EQ(attach.candidates.size(), 3U);
  EXPECT_FALSE(attach.candidates[0].is_usable());  // the link protocol
  EXPECT_FALSE(attach.candidates[1].is_usable());  // the address type
  EXPECT_TRUE(attach.candidates[2].is_usable());
  EXPECT_EQ(check_attach(attach, AttachSide::kOffer), AttachProblem::kNone);
  attach.candidates.pop_back();
  EXPECT_EQ(check_attach(attach, AttachSide::kOffer), AttachProblem::kNoUsableCandidate);
  EXPECT_THROW((void)attach_body(attach), std::invalid_argument);
}

TEST(AttachBody, AnUnusableRelatedAddressMakesTheCandidateUnusable) {  // A-12, G-06
  IceCandidate candidate = host(OverlayLinkType::kDtlsUdpSr);
  candidate.type = CandType::kRelay;
  EXPECT_FALSE(candidate.is_usable());
  candidate.rel_addr_port = borrow_address(kIpv6, 1);
  EXPECT_TRUE(candidate.is_usable());
}

TEST(AttachBody, HasALimitOnCandidates) {
  const std::vector<IceCandidate> most(kMaxCandidates, host(OverlayLinkType::kDtlsUdpSrNoIce));
  Bytes body = attach_body(offer(most));
  AttachReqAns attach;
  ASSERT_TRUE(parse_attach(body, attach).ok());
  EXPECT_EQ(attach.candidates.size(), kMaxCandidates);

  std::vector<IceCandidate> more = most;
  more.push_back(most.front());
  EXPECT_THROW((void)attach_body(offer(more)), std::length_error);
  // The same on the wire: the list's length lies behind 10 bytes of texts.
  const std::size_t list = body.size() - 13;
  const std::size_t one = list / kMaxCandidates;
  const Bytes candidate(body.begin() + 12, body.begin() + 12 + static_cast<std::ptrdiff_t>(one));
  body.insert(body.end() - 1, candidate.begin(), candidate.end());
  wire::store_be16(body.data() + 10, static_cast<std::uint16_t>(list + one));
  const ParseError fault = parse_attach(body, attach);
  EXPECT_EQ(fault.fault, ParseFault::kTooManyEntries);
  EXPECT_EQ(fault.offset, 12 + list);
}

TEST(AttachBody, WhatDoesNotFitIsNotBuilt) {
  const std::string long_text(256, 'a');
  AttachReqAns attach = offer({host(OverlayLinkType::kDtlsUdpSr)});
  attach.ufrag = long_text;
  EXPECT_THROW((void)attach_body(attach), std::length_error);
  attach.ufrag = {};
  attach.candidates[0].foundation = long_text;
  EXPECT_THROW((void)attach_body(attach), std::length_error);

  const Bytes long_value(65536);
  Bytes extensions;
  EXPECT_THROW(append_ice_extension(extensions, {{}, long_value, {}}), std::length_error);
  extensions.clear();
  append_ice_extension(extensions, {{}, Bytes(40000), {}});
  attach = offer({host(OverlayLinkType::kDtlsUdpSr), host(OverlayLinkType::kDtlsUdpSr)});
  attach.candidates[0].extensions = extensions;
  EXPECT_EQ(attach_body(attach).size(), 13U + 2 * 18 + 40004);
  attach.candidates[1].extensions = extensions;  // one list of 64 KiB cannot hold both
  EXPECT_THROW((void)attach_body(attach), std::length_error);
}

TEST(AttachBody, WhatAReceiverWouldRefuseIsNotBuilt) {
  const auto refused = [](const IceCandidate& candidate) {
    try {
      (void)attach_body(offer({candidate}));
    } catch (const std::invalid_argument&) {
      return true;
    }
    return false;
  };
  IceCandidate candidate = host(OverlayLinkType::kDtlsUdpSr);
  EXPECT_FALSE(refused(candidate));
  candidate.type = CandType{3};
  EXPECT_TRUE(refused(candidate));
  candidate.type = CandType::kSrflx;  // without its related address
  EXPECT_TRUE(refused(candidate));
  candidate = host(OverlayLinkType{2});
  EXPECT_TRUE(refused(candidate));
  candidate = host(OverlayLinkType::kDtlsUdpSr);
  candidate.rel_addr_port = borrow_address(kIpv4, 1);
  EXPECT_TRUE(refused(candidate));
  candidate = host(OverlayLinkType::kDtlsUdpSr);
  const Bytes half = from_hex("0001");
  candidate.extensions = half;
  EXPECT_TRUE(refused(candidate));
  candidate = host(OverlayLinkType::kDtlsUdpSr);
  candidate.addr_port = borrow_address(half, 1);
  EXPECT_TRUE(refused(candidate));
}

TEST(CheckAttach, IceAndNoIceAreNotMixed) {  // G-05
  const AttachReqAns ice = offer({host(OverlayLinkType::kDtlsUdpSr)});
  const AttachReqAns no_ice =
      offer({host(OverlayLinkType::kDtlsUdpSrNoIce), host(OverlayLinkType::kTlsTcpFhNoIce)});
  AttachReqAns mixed = no_ice;
  mixed.candidates.push_back(host(OverlayLinkType::kDtlsUdpSr));
  EXPECT_EQ(check_attach(ice, AttachSide::kOffer), AttachProblem::kNone);
  EXPECT_EQ(check_attach(no_ice, AttachSide::kOffer), AttachProblem::kNone);
  EXPECT_EQ(check_attach(mixed, AttachSide::kOffer), AttachProblem::kMixesIceAndNoIce);
  EXPECT_TRUE(mixes_ice_and_no_ice(mixed.candidates));
  // Nobody knows what a link protocol of the future does.
  AttachReqAns unknown = no_ice;
  unknown.candidates.push_back(host(OverlayLinkType{99}));
  EXPECT_EQ(check_attach(unknown, AttachSide::kOffer), AttachProblem::kNone);
}

TEST(CheckAttach, TheOffererIsPassiveAndTheAnswererActive) {  // G-03
  AttachReqAns attach = offer({host(OverlayLinkType::kDtlsUdpSr)});
  EXPECT_EQ(check_attach(attach, AttachSide::kAnswer), AttachProblem::kWrongRole);
  attach.role = kAnswererRole;
  EXPECT_EQ(check_attach(attach, AttachSide::kAnswer), AttachProblem::kNone);
  EXPECT_EQ(check_attach(attach, AttachSide::kOffer), AttachProblem::kWrongRole);
  attach.role = "actpass";
  EXPECT_EQ(check_attach(attach, AttachSide::kOffer), AttachProblem::kWrongRole);
  attach.candidates.clear();
  attach.role = kOffererRole;
  EXPECT_EQ(check_attach(attach, AttachSide::kOffer), AttachProblem::kNoUsableCandidate);
  EXPECT_STREQ(attach_problem_name(AttachProblem::kWrongRole), "wrong_role");
}

TEST(AppAttachBody, NamesItsApplicationAndHasNoSendUpdate) {
  AppAttachReqAns attach;
  const Bytes body = vector_body("app_attach_req");
  ASSERT_TRUE(parse_app_attach(body, attach).ok());
  EXPECT_EQ(attach.application, 5060);
  EXPECT_EQ(attach.role, "passive");
  EXPECT_EQ(attach.candidates.size(), 1U);
  EXPECT_EQ(app_attach_body(attach), body);
}

}  // namespace
