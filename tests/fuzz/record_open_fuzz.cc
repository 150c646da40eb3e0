// SPDX-License-Identifier: Apache-2.0
// Bursts of genuine records of two associations, of copies, of copies with changes and of garbage:
// only what was sealed is opened, as it was and once; whatever is refused stays as it came.

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "dataplane/record_layer.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/choices.h"

namespace {

using namespace dataplane;
using wire::dtls::Aead;
using Bytes = std::vector<std::byte>;

crypto::LinkCipher& cipher() {
  static std::string error;
  static const std::unique_ptr<crypto::LinkCipher> made = crypto::LinkCipher::create(error);
  FUZZ_CHECK(made != nullptr);
  return *made;
}

/// Both directions have the same key, so an association opens what it seals.
struct Keys {
  std::array<std::array<RecordKeys, wire::dtls::kAeadCount>, 2> keys;
  Keys() {
    for (std::size_t link = 0; link < keys.size(); ++link) {
      for (std::size_t aead = 0; aead < wire::dtls::kAeadCount; ++aead) {
        wire::shm::AssociationRecord record;
        record.aead = static_cast<Aead>(aead);
        record.write.key.fill(static_cast<std::byte>(1 + link));
        record.write.iv.fill(static_cast<std::byte>(0x40 + link));
        record.read = record.write;
        FUZZ_CHECK(keys[link][aead].expand(cipher(), record));
      }
    }
  }
};

struct Sealed {
  Bytes record;
  Bytes plaintext;
  std::uint64_t sequence;
  std::size_t link;  ///< 0: of the newest association
};

class World {
 public:
  explicit World(tests::Choices& choices) : choices_(choices) {
    static const Keys keys;
    const std::uint8_t aeads = choices_.u8();
    aead_ = {static_cast<Aead>(aeads % 3U), static_cast<Aead>(aeads / 3U % 3U)};
    for (std::size_t link = 0; link < 2; ++link) {
      states_[link] = RecordState(keys.keys[link][static_cast<std::size_t>(aead_[link])],
                                  choices_.u16() * std::uint64_t{0x100000001});
    }
    has_older_ = (aeads & 0x80U) == 0;
  }

  void run() {
    while (!choices_.empty()) {
      const std::uint8_t what = choices_.u8();
      const std::size_t link = what >> 3U & 1U;
      switch (what & 7U) {
        case 0:
          arrive(seal(link));
          break;
        case 1:
          seal(link);
          break;
        case 2:
          if (!sealed_.empty()) arrive(any().record);
          break;
        case 3:
          arrive(touched());
          break;
        case 4:
          arrive(choices_.bytes(choices_.u8() * std::size_t{4}));
          break;
        case 5:
          arrive(dressed(choices_.bytes(choices_.u8())));
          break;
        case 6:
          states_[link].write_sequence += choices_.u16();
          break;
        default:
          open();
      }
      if (buffers_.size() == crypto::LinkCipher::kMaxJobs) open();
    }
    open();
  }

 private:
  const Sealed& any() { return sealed_[choices_.u8() % sealed_.size()]; }

  Bytes seal(std::size_t link) {
    const Aead aead = aead_[link];
    Sealed made;
    made.plaintext = choices_.bytes(choices_.u8());
    made.plaintext.resize(made.plaintext.size() + choices_.u8(), std::byte{0x77});
    made.sequence = states_[link].write_sequence;
    made.link = link;
    made.record.resize(wire::dtls::record_overhead(aead) + made.plaintext.size());
    std::copy(
        made.plaintext.begin(), made.plaintext.end(),
        made.record.begin() + static_cast<std::ptrdiff_t>(wire::dtls::plaintext_offset(aead)));
    const SealJob job = {&states_[link], wire::dtls::ContentType::kApplicationData, made.record};
    SealVerdict verdict{};
    seal_records(cipher(), {&job, 1}, {&verdict, 1});
    FUZZ_CHECK(verdict == SealVerdict::kSealed);
    sealed_.push_back(made);
    return made.record;
  }
  Bytes touched() {
    if (sealed_.empty()) return {};
    Bytes record = any().record;
    record[choices_.u16() % record.size()] ^= static_cast<std::byte>(choices_.u8());
    if (choices_.u8() % 4 == 0) record.resize(choices_.u16() % (record.size() + 20));
    return record;
  }
  /// Behind a header that lets them get to the cipher.
  Bytes dressed(const Bytes& payload) {
    Bytes record(wire::dtls::kRecordHeaderBytes);
    wire::dtls::write_record_header({.epoch = wire::dtls::kDataEpoch,
                                     .sequence = choices_.u16() * std::uint64_t{0x100000001},
                                     .length = static_cast<std::uint16_t>(payload.size())},
                                    std::span(record).first<wire::dtls::kRecordHeaderBytes>());
    record.insert(record.end(), payload.begin(), payload.end());
    return record;
  }
  void arrive(const Bytes& bytes) { buffers_.push_back(bytes); }

  void open() {
    const std::vector<Bytes> before = buffers_;
    std::vector<OpenJob> jobs;
    for (Bytes& buffer : buffers_) {
      jobs.push_back({buffer, &states_[0], has_older_ ? &states_[1] : nullptr});
    }
    std::vector<OpenedRecord> out(jobs.size());
    open_records(cipher(), jobs, out);
    for (std::size_t i = 0; i < out.size(); ++i) check(before[i], buffers_[i], out[i]);
    buffers_.clear();
  }

  void check(const Bytes& before, const Bytes& after, const OpenedRecord& out) {
    FUZZ_CHECK(out.record_bytes <= before.size());
    const auto genuine = std::ranges::find_if(sealed_, [&before](const Sealed& one) {
      return before.size() >= one.record.size() &&
             std::equal(one.record.begin(), one.record.end(), before.begin());
    });
    if (genuine == sealed_.end() || (genuine->link == 1 && !has_older_)) {
      FUZZ_CHECK(out.verdict != OpenVerdict::kOpened && before == after);
      return;
    }
    const auto id = static_cast<std::size_t>(genuine - sealed_.begin());
    if (out.verdict == OpenVerdict::kOpened) {
      FUZZ_CHECK(opened_.insert(id).second);
      FUZZ_CHECK(out.by_older == (genuine->link == 1));
      FUZZ_CHECK(out.record_bytes == genuine->record.size());
      FUZZ_CHECK(std::ranges::equal(out.plaintext, genuine->plaintext));
      return;
    }
    FUZZ_CHECK(out.verdict == OpenVerdict::kReplayed || out.verdict == OpenVerdict::kBehind);
    FUZZ_CHECK(opened_.contains(id) ||
               states_[genuine->link].received.next() > genuine->sequence + ReplayWindow::kBits);
  }

  tests::Choices& choices_;
  std::array<Aead, 2> aead_{};
  std::array<RecordState, 2> states_;
  bool has_older_ = true;
  std::vector<Sealed> sealed_;
  std::set<std::size_t> opened_;
  std::vector<Bytes> buffers_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tests::Choices choices({data, size});
  World(choices).run();
  return 0;
}
