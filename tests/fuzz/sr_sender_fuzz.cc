// SPDX-License-Identifier: Apache-2.0
// The sender of a link under any mixture of sends, acks (honest, lying, old, repeated, for numbers
// never sent), time and housekeeping: its window, numbers, slots and timers stay consistent, and
// after enough silence nothing is left but the probe of a failed link.

#include "dataplane/sr_sender.h"

#include <algorithm>
#include <array>
#include <optional>

#include "tests/fuzz/check.h"
#include "tests/fuzz/choices.h"

namespace {

using dataplane::SrSender;
using AckKind = SrSender::AckKind;
using Action = SrSender::Lost::Action;

/// A sender, and what its owner would keep for it: the message in each slot.
class Machine {
 public:
  explicit Machine(std::uint32_t first_sequence)
      : sender_(first_sequence), knows_first_(first_sequence == 0) {}

  void pass(std::uint64_t us) { now_us_ += us; }

  void send(unsigned count, bool reliable) {
    for (unsigned i = 0; i < count; ++i) {
      const bool room = sender_.can_send(now_us_);
      if (!room && !sender_.can_probe(now_us_)) break;
      const std::uint32_t next = sender_.next();
      const std::uint32_t sequence = sender_.send(now_us_, reliable);
      FUZZ_CHECK(sequence == next && sender_.next() == next + 1);  // C-04
      FUZZ_CHECK(!room || sender_.in_flight() <= sender_.cwnd());
      put(sequence, {.sequence = sequence, .transmissions = 1, .reliable = reliable});
    }
    check();
  }

  void ack(std::uint32_t sequence, std::uint32_t mask) {
    last_ack_ = sequence;
    const std::uint32_t in_flight = sender_.in_flight();
    const bool had_failed = sender_.failed();
    SrSender::Completed completed;
    const AckKind kind = sender_.acknowledge(sequence, mask, now_us_, completed);
    FUZZ_CHECK(completed.count <= completed.slots.size());
    for (std::uint32_t i = 0; i < completed.count; ++i) take(completed.slots[i]);
    FUZZ_CHECK(sender_.in_flight() + completed.count == in_flight);
    FUZZ_CHECK((kind == AckKind::kRecovered) == (had_failed && !sender_.failed()));
    if (kind == AckKind::kNeverSent || kind == AckKind::kOld) FUZZ_CHECK(completed.count == 0);
    if (knows_first_) {
      FUZZ_CHECK((kind == AckKind::kNeverSent) == (sequence >= sender_.next()));
    }
    check();
  }

  void housekeep() {
    sender_.check_timers(now_us_);
    for (auto lost = sender_.next_lost(now_us_); lost.action != Action::kNone;
         lost = sender_.next_lost(now_us_)) {
      Message message = take(lost.from_slot);
      if (lost.action == Action::kGiveUp) {
        FUZZ_CHECK(!message.reliable || sender_.dead() ||
                   message.transmissions >= SrSender::kMaxTransmissions);  // C-17
        continue;
      }
      FUZZ_CHECK(message.reliable);
      ++message.transmissions;
      FUZZ_CHECK(sender_.dead() || message.transmissions <= SrSender::kMaxTransmissions);
      FUZZ_CHECK(lost.sequence + 1 == sender_.next());
      message.sequence = lost.sequence;
      put(lost.sequence, message);
    }
    (void)sender_.take_failure();
    (void)sender_.take_death();
    check();
  }

  /// No ack comes any more. Then one does.
  void fall_silent() {
    const std::uint64_t began_us = now_us_;
    for (unsigned i = 0; i < 100; ++i) {
      housekeep();
      if (sender_.in_flight() == 0 || sender_.dead()) break;
      const bool paced = sender_.has_lost() && sender_.waits_for_pace();
      now_us_ = paced ? now_us_ + sender_.srtt_us() : std::max(now_us_, sender_.next_check_us());
    }
    FUZZ_CHECK(sender_.dead() || sender_.in_flight() == 0);
    FUZZ_CHECK(!sender_.dead() || sender_.failed());
    // Five timeouts in silence; a fifth transmission waits 16 RTOs, whichever of them it is.
    FUZZ_CHECK(now_us_ - began_us <= 100 * std::uint64_t{sender_.rto_us()} + 1'000'000);
    housekeep();
    FUZZ_CHECK(sender_.in_flight() <= 1 || !sender_.dead());
    if (sender_.in_flight() == 0) return;
    ack(sender_.next() - 1, 0);
    FUZZ_CHECK(!sender_.failed() && sender_.in_flight() == 0);
    now_us_ += 1'000'000'000;
    FUZZ_CHECK(sender_.can_send(now_us_));
  }

  /// All that is kept lies between the oldest and the next number.
  void check_slots() const {
    const std::uint32_t span = sender_.next() - sender_.oldest();
    for (const auto& slot : slots_) {
      if (slot) FUZZ_CHECK(slot->sequence - sender_.oldest() < span);
    }
  }

  [[nodiscard]] const SrSender& sender() const { return sender_; }
  [[nodiscard]] std::uint32_t last_ack() const { return last_ack_; }

 private:
  struct Message {
    std::uint32_t sequence = 0;
    unsigned transmissions = 0;
    bool reliable = false;
  };

  void put(std::uint32_t sequence, const Message& message) {
    auto& slot = slots_[SrSender::slot_of(sequence)];
    FUZZ_CHECK(!slot);
    slot = message;
    ++kept_;
  }
  Message take(std::uint32_t from) {
    FUZZ_CHECK(from < slots_.size() && slots_[from]);
    const Message message = *slots_[from];
    slots_[from].reset();
    --kept_;
    return message;
  }
  void check() const {
    const std::uint32_t span = sender_.next() - sender_.oldest();
    FUZZ_CHECK(span <= SrSender::kWindow);
    FUZZ_CHECK(sender_.cwnd() >= SrSender::kMinCwnd && sender_.cwnd() <= SrSender::kWindow);
    FUZZ_CHECK(sender_.rto_us() >= SrSender::kMinRtoUs && sender_.rto_us() <= SrSender::kMaxRtoUs);
    FUZZ_CHECK(sender_.in_flight() == kept_);  // no slot leaks, none is released twice
    if (kept_ != 0 && !sender_.has_lost()) {
      FUZZ_CHECK(sender_.next_check_us() <= now_us_ + SrSender::kMaxRtoUs);
    }
  }

  SrSender sender_;
  bool knows_first_;
  std::uint64_t now_us_ = 1'000'000;
  std::uint32_t last_ack_ = 0;
  std::uint32_t kept_ = 0;
  std::array<std::optional<Message>, SrSender::kWindow> slots_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tests::Choices choices({data, size});
  const std::uint8_t start = choices.u8();
  Machine machine((start & 1U) != 0 ? 0xffffff00U + start : 0);
  const auto u32 = [&choices] {
    const std::uint32_t high = choices.u16();
    return high << 16U | choices.u16();
  };

  for (unsigned n = 0; n < 2000 && !choices.empty(); ++n) {
    const std::uint8_t what = choices.u8();
    const unsigned much = what >> 4U;
    switch (what & 15U) {
      case 0:
      case 1:
        machine.send(1 + much * 4, (what & 1U) == 0);
        break;
      case 2:  // a row of acks in order, as most are
        for (unsigned i = 0; i <= much * 4; ++i) machine.ack(machine.sender().oldest(), 0);
        break;
      case 3:
        machine.ack(machine.sender().oldest() + choices.u8(), 0);
        break;
      case 4:
        machine.ack(machine.sender().oldest() + choices.u16() % SrSender::kWindow, u32());
        break;
      case 5:
        machine.ack(machine.sender().next() - choices.u16(), u32());
        break;
      case 6:
        machine.ack(u32(), u32());
        break;
      case 7:
        machine.ack(machine.last_ack(), u32());
        break;
      case 8:
        machine.ack(machine.sender().next() - 1 - much, 0);
        break;
      case 9:
        machine.pass(much * 10);
        break;
      case 10:
        machine.pass(choices.u8() * 1000U);
        break;
      case 11:  // the worker was stopped, for up to 65 s
        machine.pass(choices.u16() * 1000U);
        break;
      default:
        machine.pass(much * 1000);
        machine.housekeep();
    }
    machine.check_slots();
  }
  machine.fall_silent();
  return 0;
}
