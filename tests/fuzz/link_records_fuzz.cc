// SPDX-License-Identifier: Apache-2.0
// The links of one worker, on a script read from the input: datagrams of any bytes and from
// anybody, good records and damaged ones, handshakes, keys that come and go, messages to send,
// time. Every packet has left by a door or is held, at every step; no record that leaves shares key
// and number with another; at the end nothing is held and no mbuf lost.

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <utility>

#include "tests/fuzz/check.h"
#include "tests/fuzz/choices.h"
#include "tests/support/association_pair.h"
#include "tests/support/eal_fuzz.h"
#include "tests/support/link_rig.h"

namespace {

using tests::AssociationPair;
using tests::Bytes;
using tests::LinkRig;
using wire::shm::LinkProtocol;

constexpr std::uint16_t kSecure = 0, kLab = 1, kVirtual = 2;
constexpr std::uint8_t kSecureHost = 2, kLabHost = 3, kVirtualHost = 4, kStranger = 9;
constexpr std::array kHosts = {kSecureHost, kLabHost, kVirtualHost, kStranger};

class Worker {
 public:
  Worker() { FUZZ_CHECK(rig_.missing.empty()); }

  void run(tests::Choices& script) {
    begin();
    for (unsigned step = 0; step < 150 && !script.empty(); ++step) {
      one_step(script.u8(), script);
      rig_.let_go();
      look_at_frames();
      check();
    }
    end();
  }

 private:
  void one_step(std::uint8_t what, tests::Choices& script) {
    const std::uint8_t high = what >> 4U;
    switch (what & 15U) {
      case 0:  // any bytes from anybody
        from(kHosts[high & 3U], script.bytes(script.u16() % 1500));
        break;
      case 1:
      case 2:
        from(kSecureHost, good_record(high, script));
        break;
      case 3:
        from(kSecureHost, damaged(good_record(high, script), script));
        break;
      case 4: {  // several in one datagram, perhaps a handshake among them
        Bytes all = good_record(high, script);
        for (unsigned more = script.u8() % 4; more != 0; --more) {
          const Bytes next = (high & 4U) != 0 && more == 2 ? handshake() : good_record(0, script);
          all.insert(all.end(), next.begin(), next.end());
        }
        from(kSecureHost, all);
        break;
      }
      case 5:  // again
        from(kHosts[high & 3U], last_);
        break;
      case 6:
        from((high & 1U) != 0 ? kStranger : kSecureHost, handshake());
        break;
      case 7:
        new_keys(high);
        break;
      case 8:
        rig_.send(high % 3, std::vector<Bytes>(1U + script.u8() % 40, Bytes(20U + script.u8())));
        break;
      case 9:
        rig_.run_ms(1U + high * 20U);
        break;
      case 10:  // minutes, so that old keys end
        rig_.now += (high * 20ULL) * 1000 * LinkRig::kMs;
        rig_.run_ms(9);
        break;
      case 11:
        rig_.send_datagram(kSecure, Bytes(1U + script.u8(), std::byte{22}));
        break;
      case 12:
        rig_.send_record(kSecure, static_cast<std::uint8_t>(20 + high % 5),
                         number_ - (script.u8() & 3U), Bytes(script.u16() % 2048U));
        break;
      case 13:
        rig_.starving = (high & 1U) != 0;
        break;
      case 14: {
        std::string why;
        if ((high & 3U) == 0) {
          add_secure_link();
        } else if ((high & 3U) == 1) {
          (void)rig_.table->forget(kSecure, generation_, why);
        }
        break;
      }
      case 15:
        rig_.policy.lab_links = high & 1U;
        rig_.policy.rekey_records = high;
        break;
    }
  }

  void from(std::uint8_t host, const Bytes& datagram) {
    last_ = datagram;
    (void)rig_.receive_datagram(host, datagram);
  }
  /// A record of the neighbour's with the newest keys or those before, or with some nobody has.
  Bytes good_record(unsigned how, tests::Choices& script) {
    const AssociationPair& pair = (how & 1U) != 0 ? before_ : (how & 2U) != 0 ? unknown_ : now_;
    const std::uint8_t shape = script.u8();
    Bytes frame(wire::reload::kAckFrameBytes);
    if ((shape & 1U) != 0) {
      wire::reload::write_ack_frame(script.u8(), script.u8(), frame);
    } else {
      const Bytes message = script.bytes(shape);
      frame.resize(wire::reload::kDataFrameOverhead);
      wire::reload::write_data_frame_header(script.u8(), static_cast<std::uint32_t>(message.size()),
                                            frame);
      frame.insert(frame.end(), message.begin(), message.end());
    }
    const bool is_again = (how & 4U) != 0;
    if (!is_again) ++sequence_;
    return pair.seal_as_b(*rig_cipher_, sequence_, frame);
  }
  static Bytes damaged(Bytes record, tests::Choices& script) {
    const std::uint16_t at = script.u16();
    if ((at & 0x8000U) != 0) {
      record.resize(at % (record.size() + 1));
    } else {
      record[at % record.size()] ^= static_cast<std::byte>(1 + script.u8());
    }
    return record;
  }
  static Bytes handshake() {
    Bytes out(13 + 12, std::byte{1});
    wire::dtls::write_record_header({.type = wire::dtls::ContentType::kHandshake, .length = 12},
                                    std::span(out).first<wire::dtls::kRecordHeaderBytes>());
    return out;
  }
  void new_keys(unsigned how) {
    before_ = now_;
    const std::uint64_t first =
        (how & 8U) != 0 ? wire::dtls::kMaxSequence - (1U << 16U) - how : 1 + how;
    now_ = AssociationPair(++number_, static_cast<wire::dtls::Aead>(how % 3), first);
    known_.push_back(now_);
    wire::shm::AssociationRecord record = now_.for_a(kSecure);
    record.generation = generation_;
    (void)rig_.install(record);
    sequence_ = 0;
  }

  void begin() {
    number_ = 1;
    sequence_ = 0;
    now_ = before_ = AssociationPair(1, wire::dtls::Aead::kAes128Gcm);
    known_.clear();
    used_.clear();
    rig_.policy = {};
    rig_.policy.lab_links = 1;
    add_secure_link();
    add(kLab, kLabHost, LinkProtocol::kLab);
    add(kVirtual, kVirtualHost, LinkProtocol::kVirtual);
  }
  void add(std::uint16_t slot, std::uint8_t host, LinkProtocol protocol) {
    rig_.options.protocol = protocol;
    rig_.add_link(slot, host, true, generation_);
  }
  void add_secure_link() {
    rig_.remove_link(kSecure, generation_);
    rig_.remove_link(kLab, generation_);
    rig_.remove_link(kVirtual, generation_);
    generation_ = (generation_ + 1U) & 7U;
    add(kSecure, kSecureHost, LinkProtocol::kDtls);
    add(kLab, kLabHost, LinkProtocol::kLab);
    add(kVirtual, kVirtualHost, LinkProtocol::kVirtual);
  }

  /// Whatever leaves on the secure link is a datagram of the control plane or a record of ours.
  void look_at_frames() {
    for (const Bytes& frame : rig_.take_frames()) {
      const tests::SeenFrame seen = tests::look_at(frame);
      FUZZ_CHECK(seen.checksums_right);
      if (seen.destination != tests::link_address(4, kSecureHost)) continue;
      wire::dtls::RecordHeader header;
      if (!wire::dtls::parse_record(seen.payload, 0, header).ok() || header.epoch != 1) {
        FUZZ_CHECK(seen.payload[0] == std::byte{22});
        continue;
      }
      bool is_ours = false;
      for (const AssociationPair& pair : known_) {
        if (!pair.opens_as_b(*rig_cipher_, seen.payload)) continue;
        is_ours = true;
        FUZZ_CHECK(used_.emplace(pair.number, header.sequence).second);
        break;
      }
      FUZZ_CHECK(is_ours);
    }
    (void)rig_.take_handshakes();
    (void)rig_.take_virtual();
    (void)rig_.take_events();
  }
  void check() {
    FUZZ_CHECK(rig_.unaccounted() == 0);
    FUZZ_CHECK(rig_.links->held() <= rig_.mbufs_in_use());
  }
  void end() {
    rig_.starving = false;
    for (const std::uint16_t slot : {kSecure, kLab, kVirtual}) rig_.remove_link(slot, generation_);
    rig_.run_ms(2);
    rig_.links->close_all(wire::shm::DropReason::kShutdown);
    rig_.end_turn();
    look_at_frames();
    check();
    FUZZ_CHECK(rig_.links->held() == 0);
    FUZZ_CHECK(rig_.mbufs_in_use() == 0);
    FUZZ_CHECK(rig_.keys->in_use() == 0);
  }

  LinkRig rig_;
  std::string why_;
  std::unique_ptr<crypto::LinkCipher> rig_cipher_ = crypto::LinkCipher::create(why_);
  std::uint8_t generation_ = 0;
  std::uint32_t number_ = 1;
  std::uint64_t sequence_ = 0;
  AssociationPair now_{1, wire::dtls::Aead::kAes128Gcm};
  AssociationPair before_ = now_;
  const AssociationPair unknown_{0xffff, wire::dtls::Aead::kAes128Gcm};
  std::vector<AssociationPair> known_;
  std::set<std::pair<std::uint32_t, std::uint64_t>> used_;
  Bytes last_{std::byte{23}};
};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  tests::start_eal_for_fuzzing();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Worker* const worker = new Worker;
  tests::Choices script({data, size});
  worker->run(script);
  return 0;
}
