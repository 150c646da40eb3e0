// SPDX-License-Identifier: Apache-2.0
// Two nodes shake hands over a network that the input commands: datagrams are lost, repeated,
// swapped, cut, changed or made up, time passes, keys are asked for, dataplanes start anew.
// Whatever happens, no sequence number is used twice, nothing stays half open for ever, and when
// the network is good again the two get common keys.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <utility>

#include "tests/controlplane/links_rig.h"
#include "tests/fuzz/check.h"

namespace {

using namespace tests;
using controlplane::links::Bytes;
using controlplane::links::kMillisecond;
using controlplane::links::kSecond;

constexpr std::uint64_t kCalmNs = 400 * kSecond;

wire::reload::NodeId node_id(unsigned char byte) {
  wire::reload::NodeId id;
  id.bytes.fill(std::byte{byte});
  return id;
}

std::shared_ptr<const controlplane::links::SecureContext> context_of(unsigned char byte) {
  static const LinkOverlay overlay;
  return make_context(overlay.context_settings(
      overlay.identity(node_id(byte), {crypto::Algorithm::kEcdsaP256Sha256, {}})));
}

/// The input, read as commands and their arguments. Behind its end everything is zero.
class Commands {
 public:
  explicit Commands(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  [[nodiscard]] bool at_end() const { return at_ == bytes_.size(); }
  std::uint8_t next() { return at_end() ? std::uint8_t{0} : bytes_[at_++]; }
  std::span<const std::byte> take(std::size_t count) {
    const auto taken = bytes_.subspan(at_, std::min(count, bytes_.size() - at_));
    at_ += taken.size();
    return std::as_bytes(taken);
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

class Story {
 public:
  Story() : a_(node_id(0x11), 1, context_a()), b_(node_id(0xee), 2, context_b()) {
    a_.link_to(links_at(now_ns_), b_.id, 2);
    b_.link_to(links_at(now_ns_), a_.id, 1);
    pass(0);
  }

  void obey(Commands& commands) {
    const std::uint8_t command = commands.next();
    LinkNode& node = (command & 0x80U) != 0 ? b_ : a_;
    switch (command & 0x0fU) {
      case 0:
        deliver();
        break;
      case 1:  // one bit
        if (std::byte* at = place(commands.next())) *at ^= std::byte{1} << (commands.next() % 8);
        break;
      case 2:
        if (!on_the_way_.empty()) on_the_way_.pop_front();
        break;
      case 3:
        if (!on_the_way_.empty()) on_the_way_.push_back(on_the_way_.front());
        break;
      case 4:
        if (on_the_way_.size() > 1) std::swap(on_the_way_[0], on_the_way_[1]);
        break;
      case 5:  // cut
        if (!on_the_way_.empty()) {
          Bytes& bytes = on_the_way_.front().second;
          bytes.resize(bytes.size() * commands.next() / 256);
        }
        break;
      case 6:  // made up
        node.receive(links_at(now_ns_), node.address == 1 ? 2 : 1, commands.take(commands.next()));
        break;
      case 7:
        pass(commands.next() * 100 * kMillisecond);
        break;
      case 8:
        node.handshakes->want_association(links_at(now_ns_), LinkNode::kSlot, LinkNode::kGeneration,
                                          node.is_secure() ? node.installed.back() : 0, node.out);
        node.carry_out();
        break;
      case 9:
        node.restart_dataplane(links_at(now_ns_));
        pass(0);
        break;
      case 10:  // some bytes of a real one replaced
        if (std::byte* at = place(commands.next())) {
          const auto& bytes = on_the_way_.front().second;
          const auto with = commands.take(commands.next() % 16);
          const auto room = static_cast<std::size_t>(bytes.data() + bytes.size() - at);
          std::copy_n(with.begin(), std::min(with.size(), room), at);
        }
        break;
      case 11:  // a datagram goes to the end of the queue
        if (!on_the_way_.empty()) {
          on_the_way_.push_back(std::move(on_the_way_.front()));
          on_the_way_.pop_front();
        }
        break;
      case 12:
        node.send_data(commands.take(commands.next() % 32));
        break;
      default:
        while (!on_the_way_.empty() && delivered_ < kMaxDelivered) deliver();
        break;
    }
    collect();
    FUZZ_CHECK(a_.handshakes->half_open() <= 1 && b_.handshakes->half_open() <= 1);
  }

  void calm_down() {
    on_the_way_.clear();
    const std::size_t completed = a_.counters().completed;
    LinkNetwork network(a_, b_, 1);
    network.now_ns = now_ns_;
    network.run_for(kCalmNs);
    FUZZ_CHECK(a_.is_secure() && b_.is_secure());
    expect_same_keys(a_, b_);
    FUZZ_CHECK(a_.handshakes->half_open() == 0 && b_.handshakes->half_open() == 0);
    FUZZ_CHECK(a_.counters().completed - completed <= 3);
    expect_no_number_twice(a_);
    expect_no_number_twice(b_);
    for (const LinkNode* node : {&a_, &b_}) {
      const auto& counters = node->counters();
      FUZZ_CHECK(counters.started + counters.accepted >= counters.completed + counters.failed);
      FUZZ_CHECK(counters.completed == node->ever.size());
    }
  }

 private:
  static constexpr std::size_t kMaxDelivered = 500;
  static std::shared_ptr<const controlplane::links::SecureContext> context_a() {
    static const auto context = context_of(0x11);
    return context;
  }
  static std::shared_ptr<const controlplane::links::SecureContext> context_b() {
    static const auto context = context_of(0xee);
    return context;
  }

  void collect() {
    for (LinkNode* from : {&a_, &b_}) {
      LinkNode& to = from == &a_ ? b_ : a_;
      for (Bytes& datagram : std::exchange(from->to_wire, {})) {
        FUZZ_CHECK(datagram.size() <= 1472);
        on_the_way_.emplace_back(&to, std::move(datagram));
      }
    }
  }
  void pass(std::uint64_t ns) {
    now_ns_ += ns;
    a_.tick(links_at(now_ns_));
    b_.tick(links_at(now_ns_));
    collect();
  }
  void deliver() {
    if (on_the_way_.empty() || ++delivered_ > kMaxDelivered) return;
    const auto [to, bytes] = std::move(on_the_way_.front());
    on_the_way_.pop_front();
    to->receive(links_at(now_ns_), to->address == 1 ? 2 : 1, bytes);
    collect();
  }
  /// A byte of the next datagram, by where in it it lies.
  std::byte* place(std::uint8_t fraction) {
    if (on_the_way_.empty() || on_the_way_.front().second.empty()) return nullptr;
    Bytes& bytes = on_the_way_.front().second;
    return &bytes[bytes.size() * fraction / 256];
  }

  std::uint64_t now_ns_ = kSecond;
  LinkNode a_;
  LinkNode b_;
  std::deque<std::pair<LinkNode*, Bytes>> on_the_way_;
  std::size_t delivered_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  // A failed EXPECT of the rig throws, which stops the fuzzer.
  GTEST_FLAG_SET(throw_on_failure, true);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  constexpr std::size_t kMaxCommands = 200;
  Commands commands({bytes, size});
  Story story;
  for (std::size_t i = 0; i < kMaxCommands && !commands.at_end(); ++i) story.obey(commands);
  story.calm_down();
  return 0;
}
