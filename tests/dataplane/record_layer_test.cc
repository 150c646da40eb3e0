// SPDX-License-Identifier: Apache-2.0
// Records as RFC 6347 draws them, sealed and opened; what is refused, and that refusing changes
// nothing.
#include "dataplane/record_layer.h"

#include "tests/dataplane/record_rig.h"

namespace {

using namespace tests::dataplane;
using namespace dataplane;
using wire::dtls::kRecordHeaderBytes;
using wire::dtls::kTagBytes;

class RecordLayerTest : public RecordRig {};

/// The record as the RFCs say, by OpenSSL and by nothing of ours.
Bytes reference_record(Aead aead, const wire::shm::DirectionKeys& keys, std::uint64_t sequence,
                       const Bytes& plaintext, const Bytes& explicit_nonce) {
  const auto big_endian = [](std::uint64_t value, std::size_t bytes, Bytes& to) {
    for (std::size_t i = bytes; i-- > 0;) to.push_back(static_cast<std::byte>(value >> 8 * i));
  };
  const std::uint64_t number = std::uint64_t{1} << 48U | sequence;
  Bytes aad;
  big_endian(number, 8, aad);
  big_endian(0x17fefd, 3, aad);
  big_endian(plaintext.size(), 2, aad);
  Bytes nonce(keys.iv.begin(), keys.iv.end());
  if (aead == Aead::kChaCha20Poly1305) {
    for (std::size_t i = 0; i < 8; ++i) nonce[4 + i] ^= aad[i];
  } else {
    std::copy(explicit_nonce.begin(), explicit_nonce.end(), nonce.begin() + 4);
  }
  Bytes record;
  big_endian(0x17fefd, 3, record);
  big_endian(number, 8, record);
  big_endian(explicit_nonce.size() + plaintext.size() + kTagBytes, 2, record);
  record.insert(record.end(), explicit_nonce.begin(), explicit_nonce.end());
  const auto cipher = static_cast<crypto::AeadCipher>(aead);
  const Bytes sealed = tests::evp_seal(cipher, std::span(keys.key).first(tests::key_bytes(cipher)),
                                       nonce, aad, plaintext);
  record.insert(record.end(), sealed.begin(), sealed.end());
  return record;
}

Bytes number_as_nonce(Aead aead, std::uint64_t sequence) {
  Bytes nonce(wire::dtls::explicit_nonce_bytes(aead));
  if (!nonce.empty()) wire::store_be64(nonce.data(), std::uint64_t{1} << 48U | sequence);
  return nonce;
}

TEST_F(RecordLayerTest, SealsAndOpensWhatOpenSslWouldAtEveryLength) {
  for (const Aead aead : kAeads) {
    Association link(*cipher_, aead, random_, 0xa1b2c3d4e5);
    for (std::size_t bytes = 0; bytes <= 2000; ++bytes) {
      const Bytes plaintext = random_bytes(random_, bytes);
      const std::uint64_t sequence = link.ours.write_sequence;
      Bytes record = seal(link.ours, aead, plaintext);
      ASSERT_EQ(record, reference_record(aead, link.our_keys, sequence, plaintext,
                                         number_as_nonce(aead, sequence)))
          << bytes;
      const OpenedRecord opened = open(record, link.theirs);
      ASSERT_EQ(opened.verdict, OpenVerdict::kOpened) << bytes;
      ASSERT_EQ(opened.type, ContentType::kApplicationData);
      ASSERT_FALSE(opened.by_older);
      ASSERT_EQ(opened.record_bytes, record.size());
      ASSERT_EQ(copy_of(opened.plaintext), plaintext) << bytes;
    }
    EXPECT_EQ(link.ours.sealed, 2001U);
    EXPECT_EQ(link.ours.sealed_bytes, 2000U * 2001 / 2);
    EXPECT_EQ(link.ours.write_sequence, 0xa1b2c3d4e5U + 2001);
    EXPECT_EQ(link.theirs.opened, 2001U);
    EXPECT_EQ(link.theirs.opened_bytes, 2000U * 2001 / 2);
    EXPECT_EQ(link.theirs.failed_opens, 0U);
  }
}

TEST_F(RecordLayerTest, TakesAnyExplicitNonce) {
  for (const Aead aead : {Aead::kAes128Gcm, Aead::kAes256Gcm}) {
    Association link(*cipher_, aead, random_);
    const Bytes plaintext = random_bytes(random_, 90);
    Bytes record = reference_record(aead, link.our_keys, 5, plaintext, random_bytes(random_, 8));
    const OpenedRecord opened = open(record, link.theirs);
    ASSERT_EQ(opened.verdict, OpenVerdict::kOpened);
    EXPECT_EQ(copy_of(opened.plaintext), plaintext);
  }
}

TEST_F(RecordLayerTest, EveryFlippedBitIsRefusedAndChangesNothing) {
  for (const Aead aead : kAeads) {
    Association link(*cipher_, aead, random_);
    const Bytes plaintext = random_bytes(random_, 33);
    const Bytes record = seal(link.ours, aead, plaintext);
    std::uint64_t bad_tags = 0;
    for (std::size_t bit = 0; bit < 8 * record.size(); ++bit) {
      Bytes touched = record;
      touched[bit / 8] ^= std::byte{1} << (bit % 8);
      const Bytes before = touched;
      const OpenedRecord out = open(touched, link.theirs);
      const std::size_t byte = bit / 8;
      if (byte == 1 || byte == 2) {
        ASSERT_EQ(out.verdict, OpenVerdict::kMalformed) << bit;  // version
      } else if (byte == 3 || byte == 4) {
        ASSERT_EQ(out.verdict, OpenVerdict::kWrongEpoch) << bit;
      } else if ((byte >= 5 && byte <= 10) || byte >= kRecordHeaderBytes) {
        ASSERT_EQ(out.verdict, OpenVerdict::kBadTag) << bit;
      } else {
        ASSERT_NE(out.verdict, OpenVerdict::kOpened) << bit;  // type, length
      }
      bad_tags += out.verdict == OpenVerdict::kBadTag;
      ASSERT_EQ(touched, before) << bit;
      ASSERT_TRUE(out.plaintext.empty());
      ASSERT_EQ(link.theirs.received.next(), 0U) << "a forgery moves no window";
      ASSERT_EQ(link.theirs.failed_opens, bad_tags);
    }
    EXPECT_EQ(link.theirs.opened, 0U);
    Bytes whole = record;
    EXPECT_EQ(copy_of(open(whole, link.theirs).plaintext), plaintext);
  }
}

TEST_F(RecordLayerTest, OpensEachRecordOnceInEveryOrder) {
  for (const Aead aead : kAeads) {
    Association link(*cipher_, aead, random_, 100);
    std::vector<Bytes> records;
    for (unsigned i = 0; i < 5; ++i) records.push_back(seal(link.ours, aead, Bytes(20)));
    std::vector<std::size_t> order = {0, 1, 2, 3, 4};
    do {
      link.theirs = RecordState(link.theirs_expanded, 0);
      for (unsigned round = 0; round < 2; ++round) {
        for (const std::size_t i : order) {
          ASSERT_EQ(verdict_of(records[i], link.theirs),
                    round == 0 ? OpenVerdict::kOpened : OpenVerdict::kReplayed);
        }
      }
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST_F(RecordLayerTest, CopiesInOneBatchAreOpenedOnce) {
  Association link(*cipher_, Aead::kAes128Gcm, random_);
  const Bytes first = seal(link.ours, link.aead, Bytes(30));
  const Bytes second = seal(link.ours, link.aead, Bytes(31));
  Bytes buffers[] = {first, second, first, second, first};
  std::vector<OpenJob> jobs;
  for (Bytes& buffer : buffers) jobs.push_back({buffer, &link.theirs, &link.theirs});
  std::array<OpenedRecord, 5> out;
  open_records(*cipher_, jobs, out);
  for (std::size_t i = 0; i < out.size(); ++i) {
    EXPECT_EQ(out[i].verdict, i < 2 ? OpenVerdict::kOpened : OpenVerdict::kReplayed) << i;
    EXPECT_EQ(out[i].plaintext.empty(), i >= 2);
  }
  EXPECT_EQ(link.theirs.opened, 2U);
  EXPECT_EQ(link.theirs.failed_opens, 0U);
}

TEST_F(RecordLayerTest, TheWindowEndsWhereItShould) {
  Association link(*cipher_, Aead::kAes128Gcm, random_, 0);
  std::vector<Bytes> records;
  for (std::uint64_t i = 0; i <= ReplayWindow::kBits; ++i) {
    records.push_back(seal(link.ours, link.aead, Bytes(10)));
  }
  EXPECT_EQ(verdict_of(records.back(), link.theirs), OpenVerdict::kOpened);
  EXPECT_EQ(verdict_of(records[0], link.theirs), OpenVerdict::kBehind);
  EXPECT_EQ(verdict_of(records[1], link.theirs), OpenVerdict::kOpened);
  EXPECT_EQ(verdict_of(records[1], link.theirs), OpenVerdict::kReplayed);
}

TEST_F(RecordLayerTest, AForgeryFarAheadMovesNoWindow) {
  Association link(*cipher_, Aead::kAes256Gcm, random_, 7);
  const Bytes good = seal(link.ours, link.aead, Bytes(10));
  Bytes forged = seal(link.ours, link.aead, Bytes(10));
  forged[5] = std::byte{0x7f};  // of the sequence number
  EXPECT_EQ(verdict_of(forged, link.theirs), OpenVerdict::kBadTag);
  EXPECT_EQ(verdict_of(good, link.theirs), OpenVerdict::kOpened);
}

TEST_F(RecordLayerTest, ARecordThatMovesTheWindowPutsOthersOfItsBatchBehind) {
  Association link(*cipher_, Aead::kAes128Gcm, random_, 0);
  Bytes old = seal(link.ours, link.aead, Bytes(10));
  link.ours.write_sequence = 2 * ReplayWindow::kBits;
  Bytes young = seal(link.ours, link.aead, Bytes(10));
  const OpenJob jobs[] = {{young, &link.theirs, nullptr}, {old, &link.theirs, nullptr}};
  std::array<OpenedRecord, 2> out;
  open_records(*cipher_, jobs, out);
  EXPECT_EQ(out[0].verdict, OpenVerdict::kOpened);
  EXPECT_EQ(out[1].verdict, OpenVerdict::kBehind);
}

TEST_F(RecordLayerTest, PayloadsTooShortForTheirCipherAreMalformed) {
  for (const Aead aead : kAeads) {
    Association link(*cipher_, aead, random_);
    const std::size_t least = wire::dtls::record_overhead(aead) - kRecordHeaderBytes;
    for (std::size_t length = 0; length <= least; ++length) {
      Bytes record(kRecordHeaderBytes + length);
      wire::dtls::write_record_header(
          {.epoch = 1, .sequence = 4, .length = static_cast<std::uint16_t>(length)},
          std::span(record).first<kRecordHeaderBytes>());
      const OpenedRecord out = open(record, link.theirs);
      EXPECT_EQ(out.verdict, length < least ? OpenVerdict::kMalformed : OpenVerdict::kBadTag);
      EXPECT_EQ(out.record_bytes, record.size()) << "the next record can still be found";
    }
    Bytes nothing;
    EXPECT_EQ(open(nothing, link.theirs).verdict, OpenVerdict::kMalformed);
    EXPECT_EQ(open(nothing, link.theirs).record_bytes, 0U);
  }
}

TEST_F(RecordLayerTest, WalksSeveralRecordsOfADatagram) {
  Association link(*cipher_, Aead::kChaCha20Poly1305, random_);
  Bytes datagram;
  for (std::size_t bytes : {50U, 0U, 400U}) {
    const Bytes record = seal(link.ours, link.aead, Bytes(bytes, std::byte{0x42}));
    datagram.insert(datagram.end(), record.begin(), record.end());
  }
  datagram.push_back(std::byte{23});
  std::span<std::byte> left(datagram);
  for (std::size_t bytes : {50U, 0U, 400U}) {
    const OpenedRecord out = open(left, link.theirs);
    ASSERT_EQ(out.verdict, OpenVerdict::kOpened);
    EXPECT_EQ(copy_of(out.plaintext), Bytes(bytes, std::byte{0x42}));
    left = left.subspan(out.record_bytes);
  }
  EXPECT_EQ(open(left, link.theirs).verdict, OpenVerdict::kMalformed);
}

TEST_F(RecordLayerTest, AlertsAndHandshakeRecordsAreOpenedAsWhatTheyAre) {
  Association link(*cipher_, Aead::kAes128Gcm, random_);
  for (const auto type :
       {ContentType::kChangeCipherSpec, ContentType::kAlert, ContentType::kHandshake}) {
    Bytes record = seal(link.ours, link.aead, Bytes(2), type);
    const OpenedRecord out = open(record, link.theirs);
    EXPECT_EQ(out.verdict, OpenVerdict::kOpened);
    EXPECT_EQ(out.type, type);
    record = seal(link.ours, link.aead, Bytes(2), type);
    record[0] = std::byte{23};
    EXPECT_EQ(open(record, link.theirs).verdict, OpenVerdict::kBadTag);
  }
}

TEST_F(RecordLayerTest, TwoAliveAssociationsAreToldApart) {
  for (const Aead newer : kAeads) {
    for (const Aead older : kAeads) {
      Association now(*cipher_, newer, random_);
      Association before(*cipher_, older, random_);
      const Bytes plaintext = random_bytes(random_, 120);
      Bytes from_new = seal(now.ours, newer, plaintext);
      Bytes from_old = seal(before.ours, older, plaintext);
      const Bytes old_again = from_old;

      OpenedRecord out = open(from_new, now.theirs, &before.theirs);
      ASSERT_EQ(out.verdict, OpenVerdict::kOpened);
      EXPECT_FALSE(out.by_older);
      EXPECT_EQ(copy_of(out.plaintext), plaintext);
      out = open(from_old, now.theirs, &before.theirs);
      ASSERT_EQ(out.verdict, OpenVerdict::kOpened) << static_cast<int>(newer);
      EXPECT_TRUE(out.by_older);
      EXPECT_EQ(copy_of(out.plaintext), plaintext);
      EXPECT_EQ(verdict_of(old_again, now.theirs, &before.theirs), OpenVerdict::kReplayed);
      EXPECT_EQ(verdict_of(old_again, now.theirs), OpenVerdict::kReplayed)
          << "the same number came with the new keys";
      EXPECT_EQ(now.theirs.opened, 1U);
      EXPECT_EQ(before.theirs.opened, 1U);
    }
  }
}

TEST_F(RecordLayerTest, AnAssociationWhoseWindowHasSeenTheNumberDoesNotHideTheOther) {
  Association now(*cipher_, Aead::kAes128Gcm, random_, 5);
  Association before(*cipher_, Aead::kAes128Gcm, random_, 5);
  EXPECT_EQ(verdict_of(seal(now.ours, now.aead, Bytes(9)), now.theirs), OpenVerdict::kOpened);
  const Bytes record = seal(before.ours, before.aead, Bytes(9));  // number 5 again
  EXPECT_EQ(verdict_of(record, now.theirs), OpenVerdict::kReplayed);
  EXPECT_EQ(verdict_of(record, now.theirs, &before.theirs), OpenVerdict::kOpened);
}

TEST_F(RecordLayerTest, GarbageIsRefusedByBothAndStaysAsItCame) {
  Association now(*cipher_, Aead::kAes128Gcm, random_);
  Association before(*cipher_, Aead::kChaCha20Poly1305, random_);
  Association stranger(*cipher_, Aead::kAes128Gcm, random_);
  Bytes record = seal(stranger.ours, stranger.aead, Bytes(64));
  const Bytes copy = record;
  EXPECT_EQ(open(record, now.theirs, &before.theirs).verdict, OpenVerdict::kBadTag);
  EXPECT_EQ(record, copy);
  EXPECT_EQ(now.theirs.failed_opens, 1U);
  EXPECT_EQ(before.theirs.failed_opens, 1U);
}

TEST_F(RecordLayerTest, AVerdictDependsOnItsOwnRecordOnly) {
  std::vector<std::unique_ptr<Association>> links;
  for (unsigned i = 0; i < 12; ++i) {
    links.push_back(std::make_unique<Association>(*cipher_, kAeads[i % 3], random_));
  }
  for (unsigned round = 0; round < 50; ++round) {
    std::vector<Bytes> buffers;
    std::vector<Bytes> expected;
    std::vector<OpenVerdict> verdicts;
    std::vector<OpenJob> jobs;
    buffers.reserve(64);
    const std::size_t count = 1 + random_() % 64;
    for (std::size_t i = 0; i < count; ++i) {
      Association& link = *links[random_() % links.size()];
      const bool old = random_() % 4 == 0;
      Association& other = *links[random_() % links.size()];
      const Bytes plaintext = random_bytes(random_, random_() % 1400);
      Bytes record = seal(link.ours, link.aead, plaintext);
      OpenVerdict verdict = OpenVerdict::kOpened;
      switch (random_() % 6) {
        case 0:
          record.back() ^= std::byte{1};
          verdict = OpenVerdict::kBadTag;
          break;
        case 1:
          record.pop_back();
          verdict = OpenVerdict::kMalformed;
          break;
        case 2:
          record[4] = std::byte{0};
          verdict = OpenVerdict::kWrongEpoch;
          break;
        default:
          break;
      }
      buffers.push_back(record);
      expected.push_back(plaintext);
      verdicts.push_back(verdict);
      // With `old` the other association comes first, whatever it says.
      jobs.push_back(old && &other != &link ? OpenJob{buffers.back(), &other.theirs, &link.theirs}
                                            : OpenJob{buffers.back(), &link.theirs, nullptr});
    }
    std::vector<OpenedRecord> out(jobs.size());
    open_records(*cipher_, jobs, out);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      if (verdicts[i] == OpenVerdict::kBadTag && jobs[i].older != nullptr) {
        ASSERT_NE(out[i].verdict, OpenVerdict::kOpened) << "the first may have seen the number";
        continue;
      }
      ASSERT_EQ(out[i].verdict, verdicts[i]) << i;
      if (verdicts[i] != OpenVerdict::kOpened) continue;
      ASSERT_EQ(copy_of(out[i].plaintext), expected[i]) << i;
      ASSERT_EQ(out[i].by_older, jobs[i].older != nullptr);
    }
  }
}

TEST_F(RecordLayerTest, NumbersOfABatchFollowItsOrder) {
  Association a(*cipher_, Aead::kAes128Gcm, random_, 10);
  Association b(*cipher_, Aead::kChaCha20Poly1305, random_, 500);
  std::vector<Bytes> buffers;
  std::vector<SealJob> jobs;
  buffers.reserve(64);
  for (std::size_t i = 0; i < 64; ++i) {
    Association& link = i % 3 == 0 ? b : a;
    buffers.push_back(room_for(link.aead, Bytes(i)));
    jobs.push_back({&link.ours, ContentType::kApplicationData, buffers.back()});
  }
  std::array<SealVerdict, 64> out;
  seal_records(*cipher_, jobs, out);
  std::uint64_t next_a = 10;
  std::uint64_t next_b = 500;
  for (std::size_t i = 0; i < 64; ++i) {
    ASSERT_EQ(out[i], SealVerdict::kSealed);
    wire::dtls::RecordHeader header;
    ASSERT_TRUE(wire::dtls::parse_record(buffers[i], 0, header).ok());
    EXPECT_EQ(header.sequence, i % 3 == 0 ? next_b++ : next_a++);
    Association& link = i % 3 == 0 ? b : a;
    EXPECT_EQ(copy_of(open(buffers[i], link.theirs).plaintext), Bytes(i));
  }
}

TEST_F(RecordLayerTest, SequenceNumbersEnd) {
  Association link(*cipher_, Aead::kAes128Gcm, random_, wire::dtls::kMaxSequence - 1);
  Bytes last = seal(link.ours, link.aead, Bytes(5));
  EXPECT_EQ(verdict_of(last, link.theirs), OpenVerdict::kOpened);
  for (unsigned i = 0; i < 3; ++i) {
    Bytes room = room_for(link.aead, Bytes(5));
    const Bytes before = room;
    EXPECT_EQ(seal_in_place(link.ours, room), SealVerdict::kExhausted);
    EXPECT_EQ(room, before);
  }
  EXPECT_EQ(link.ours.sealed, 1U);
  EXPECT_EQ(link.ours.write_sequence, wire::dtls::kMaxSequence);
}

TEST_F(RecordLayerTest, RefusesSizesThatNoRecordHas) {
  for (const Aead aead : kAeads) {
    Association link(*cipher_, aead, random_, 1);
    const std::size_t overhead = wire::dtls::record_overhead(aead);
    for (const std::size_t size :
         {std::size_t{0}, overhead - 1, overhead + wire::dtls::kMaxPlaintextBytes + 1}) {
      Bytes room(size, std::byte{0x11});
      EXPECT_EQ(seal_in_place(link.ours, room), SealVerdict::kBadSize) << size;
      EXPECT_EQ(room, Bytes(size, std::byte{0x11}));
    }
    EXPECT_EQ(link.ours.write_sequence, 1U) << "no number is spent";
    Bytes largest(overhead + wire::dtls::kMaxPlaintextBytes, std::byte{0x22});
    ASSERT_EQ(seal_in_place(link.ours, largest), SealVerdict::kSealed);
    EXPECT_EQ(open(largest, link.theirs).plaintext.size(), wire::dtls::kMaxPlaintextBytes);
  }
}

TEST_F(RecordLayerTest, TellsHowMuchAKeyHasLeft) {
  Association gcm(*cipher_, Aead::kAes128Gcm, random_, 1000);
  EXPECT_EQ(records_left(gcm.ours), kGcmRecordLimit - 1000);
  EXPECT_EQ(records_left(gcm.theirs), kGcmRecordLimit - 1000);
  gcm.ours.write_sequence = 2'000'000;
  EXPECT_EQ(verdict_of(seal(gcm.ours, gcm.aead, Bytes(1)), gcm.theirs), OpenVerdict::kOpened);
  EXPECT_EQ(records_left(gcm.theirs), kGcmRecordLimit - 2'000'001) << "the peer's key counts too";
  gcm.ours.write_sequence = kGcmRecordLimit + 5;
  EXPECT_EQ(records_left(gcm.ours), 0U);
  EXPECT_EQ(verdict_of(seal(gcm.ours, gcm.aead, Bytes(1)), gcm.theirs), OpenVerdict::kOpened)
      << "the owner decides, not the record layer";

  Association chacha(*cipher_, Aead::kChaCha20Poly1305, random_, kGcmRecordLimit);
  EXPECT_EQ(records_left(chacha.ours), wire::dtls::kMaxSequence - kGcmRecordLimit);

  EXPECT_EQ(forgeries_left(gcm.theirs), kForgeryLimit);
  gcm.theirs.failed_opens = kForgeryLimit - 1;
  EXPECT_EQ(forgeries_left(gcm.theirs), 1U);
  gcm.theirs.failed_opens = kForgeryLimit + 1;
  EXPECT_EQ(forgeries_left(gcm.theirs), 0U);
}

TEST_F(RecordLayerTest, EmptyBatchesDoNothing) {
  open_records(*cipher_, {}, {});
  seal_records(*cipher_, {}, {});
}

static_assert(std::size(kOpenVerdictNames) ==
              static_cast<std::size_t>(OpenVerdict::kMalformed) + 1);
static_assert(std::size(kSealVerdictNames) == static_cast<std::size_t>(SealVerdict::kFailed) + 1);

}  // namespace
