// SPDX-License-Identifier: Apache-2.0
#include "bench/baseline/dtls_end.h"

#include <gtest/gtest.h>

#include <vector>

namespace {

using bench::baseline::DtlsEnd;
using bench::baseline::DtlsIdentity;
using Bytes = std::vector<std::byte>;

class DtlsEndTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(client_, nullptr);
    ASSERT_NE(server_, nullptr);
    ASSERT_TRUE(DtlsEnd::connect(*client_, *server_));
  }
  static Bytes sealed(DtlsEnd& by, const Bytes& plain) {
    Bytes datagram(plain.size() + 100);
    datagram.resize(by.seal(plain, datagram));
    return datagram;
  }
  static Bytes opened(DtlsEnd& by, const Bytes& datagram) {
    Bytes plain(datagram.size());
    plain.resize(by.open(datagram, plain));
    return plain;
  }
  std::unique_ptr<DtlsIdentity> one_ = DtlsIdentity::make(), other_ = DtlsIdentity::make();
  std::unique_ptr<DtlsEnd> client_ = DtlsEnd::create(DtlsEnd::Role::kClient, *one_, *other_);
  std::unique_ptr<DtlsEnd> server_ = DtlsEnd::create(DtlsEnd::Role::kServer, *other_, *one_);
  const Bytes plain_ = Bytes(300, std::byte{7});
};

TEST_F(DtlsEndTest, OpensWhatTheOtherEndSealed) {
  EXPECT_EQ(opened(*server_, sealed(*client_, plain_)), plain_);
  EXPECT_EQ(opened(*client_, sealed(*server_, plain_)), plain_);
}

TEST_F(DtlsEndTest, MakesRecordsOfDtls12WithGcm) {
  const Bytes record = sealed(*client_, plain_);
  // Header, explicit nonce, tag: RFC 6347 section 4.1, RFC 5288 section 3.
  ASSERT_EQ(record.size(), 13 + 8 + plain_.size() + 16);
  EXPECT_EQ(record[0], std::byte{23});
  EXPECT_EQ(record[1], std::byte{0xfe});
  EXPECT_EQ(record[2], std::byte{0xfd});
}

TEST_F(DtlsEndTest, RefusesARecordThatComesAgain) {
  const Bytes record = sealed(*client_, plain_);
  EXPECT_EQ(opened(*server_, record), plain_);
  EXPECT_TRUE(opened(*server_, record).empty());
}

TEST_F(DtlsEndTest, GoesOnAfterAForgedAndATruncatedRecord) {
  Bytes forged = sealed(*client_, plain_);
  forged[100] ^= std::byte{1};
  EXPECT_TRUE(opened(*server_, forged).empty());
  Bytes truncated = sealed(*client_, plain_);
  truncated.resize(200);
  EXPECT_TRUE(opened(*server_, truncated).empty());
  EXPECT_TRUE(opened(*server_, Bytes(5)).empty());
  EXPECT_EQ(opened(*server_, sealed(*client_, plain_)), plain_);
}

TEST_F(DtlsEndTest, SealsNothingIntoTooLittleRoom) {
  Bytes little(plain_.size());
  EXPECT_EQ(client_->seal(plain_, little), 0U);
  EXPECT_EQ(opened(*server_, sealed(*client_, plain_)), plain_);
}

TEST_F(DtlsEndTest, RefusesAPeerWithAnotherCertificate) {
  const std::unique_ptr<DtlsIdentity> stranger = DtlsIdentity::make();
  const auto client = DtlsEnd::create(DtlsEnd::Role::kClient, *stranger, *other_);
  const auto server = DtlsEnd::create(DtlsEnd::Role::kServer, *other_, *one_);
  EXPECT_FALSE(DtlsEnd::connect(*client, *server));
}

}  // namespace
