// SPDX-License-Identifier: Apache-2.0
#include "dataplane/sr_sender.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace dataplane {

namespace {

/// A worker that was itself stopped this long finds acks waiting in its RX queue; it must read them
/// before it may call anything lost, and their age says nothing about the path.
constexpr std::uint64_t kStoppedUs = 50'000;
constexpr std::uint64_t kGraceUs = 10'000;

}  // namespace

SrSender::SrSender(std::uint32_t first_sequence) noexcept
    : oldest_(first_sequence),
      next_(first_sequence),
      examined_(first_sequence),
      recovery_(first_sequence),
      window_filled_(first_sequence),
      pace_edge_(first_sequence) {}

void SrSender::record(std::uint32_t sequence, std::uint64_t now_us, std::uint8_t transmissions,
                      bool reliable) noexcept {
  const std::uint32_t slot = slot_of(sequence);
  sent_us_[slot] = static_cast<std::uint32_t>(now_us);
  bits_[slot] = {kInFlight, static_cast<std::uint8_t>(transmissions & 7U), reliable};
  next_ = sequence + 1;
  wrapped_ = wrapped_ || next_ == 0;
  const std::uint64_t due = now_us + wait_us(slot);
  if (in_flight_ == 0 || due < next_check_us_) next_check_us_ = due;
  ++in_flight_;
  if (in_flight_ >= cwnd_) window_filled_ = next_;
  last_send_us_ = now_us;
}

std::uint32_t SrSender::send(std::uint64_t now_us, bool reliable) noexcept {
  assert(next_ - oldest_ < kWindow);
  // RFC 5681 section 4.1: a window proven long ago says nothing about the path now.
  if (in_flight_ == 0 && now_us - last_send_us_ > rto_us_) cwnd_ = std::min(cwnd_, kInitialCwnd);
  if (in_flight() == 0) quiet_since_us_ = now_us;
  const std::uint32_t sequence = next_;
  record(sequence, now_us, 1, reliable);
  return sequence;
}

bool SrSender::is_kept(std::uint32_t sequence) const noexcept {
  const std::uint32_t back = next_ - sequence;
  return back >= 1 && back <= kWindow && (wrapped_ || sequence < next_);
}

std::uint32_t SrSender::wait_us(std::uint32_t slot) const noexcept {
  const unsigned transmissions = bits_[slot].transmissions;
  if (transmissions == 1 && silent_timeouts_ == 0) [[likely]]
    return rto_us_;
  if (dead_) return kProbeIntervalUs;
  // C-16 for the message, RFC 6298 section 5.5 for the link: in silence it waits twice as long for
  // each further message as well.
  return backed_off_us(std::max(transmissions - 1, silent_timeouts_));
}

void SrSender::complete(std::uint32_t sequence, Completed& completed) noexcept {
  // A message sent again lives at its newest number; an ack of any earlier one completes it (C-17).
  while (is_kept(sequence)) {
    const std::uint32_t slot = slot_of(sequence);
    Bits& bits = bits_[slot];
    const auto state = static_cast<State>(bits.state);
    bits.state = kDone;
    if (state == kMoved) {
      sequence += moved_by_[slot];
      continue;
    }
    if (state == kDone) return;
    --(state == kInFlight ? in_flight_ : lost_);
    completed.slots[completed.count++] = static_cast<std::uint16_t>(slot);
    return;
  }
}

bool SrSender::is_stopped(std::uint64_t now_us) const noexcept {
  return last_check_us_ != 0 && now_us - last_check_us_ > kStoppedUs;
}

void SrSender::measure(std::uint64_t now_us, std::uint32_t slot) noexcept {
  const std::uint32_t rtt_us = static_cast<std::uint32_t>(now_us) - sent_us_[slot];
  if (rtt_us > now_us - resumed_us_ || is_stopped(now_us)) [[unlikely]] {
    return;  // the stop would be measured, not the path
  }
  measured_at_us_ = now_us;
  measured_sent_us_ = sent_us_[slot];
  const std::uint32_t rtt = std::clamp<std::uint32_t>(rtt_us, 1, kMaxRtoUs);
  if (!measured_) {  // RFC 6298 formula 2.2
    srtt8_ = 8 * rtt;
    rttvar4_ = 2 * rtt;
    measured_ = true;
  } else {  // formula 2.3, the variation first
    const std::uint32_t srtt = srtt8_ / 8;
    const std::uint32_t error = srtt > rtt ? srtt - rtt : rtt - srtt;
    rttvar4_ += error - rttvar4_ / 4;
    srtt8_ += rtt - srtt8_ / 8;
  }
  const std::uint32_t exact = srtt8_ / 8 + std::max(rttvar4_, kGranularityUs);
  const std::uint32_t whole_ms = (exact + 999) / 1000 * 1000;  // C-14
  rto_us_ = std::clamp(whole_ms, kMinRtoUs, kMaxRtoUs);
}

void SrSender::grow(std::uint32_t arrived, std::uint32_t acked) noexcept {
  // RFC 7661: a window that is not used is not tested and must not grow. RFC 9002 section 7.3.2:
  // nor for what was sent before the last reduction.
  if (!older(acked, window_filled_) || older(acked, recovery_) || cwnd_ >= kWindow) return;
  if (cwnd_ < ssthresh_) {
    cwnd_ = std::min(cwnd_ + arrived, kWindow);
    return;
  }
  growth_ += arrived;
  if (growth_ >= cwnd_) {
    growth_ -= cwnd_;
    ++cwnd_;
  }
}

bool SrSender::pace_grants(std::uint64_t now_us) noexcept {
  if (now_us != paced_at_us_) {                              // once per turn
    const std::uint64_t per_us = std::uint64_t{cwnd_} * 10;  // 1.25 windows per srtt
    const std::uint64_t most =
        std::max(kPaceSpanUs * per_us, std::uint64_t{kPaceBurst} * std::uint64_t{srtt8_});
    // An edge from before the link was paced lies behind next_, which makes `unused` large.
    const std::uint64_t unused = std::min(pace_edge_ - next_, kWindow);
    const std::uint64_t credit =
        std::min(unused * srtt8_ + pace_rest_ + (now_us - paced_at_us_) * per_us, most);
    pace_edge_ = next_ + static_cast<std::uint32_t>(credit / srtt8_);
    pace_rest_ = credit % srtt8_;
    paced_at_us_ = now_us;
  }
  if (next_ != pace_edge_) return true;
  window_filled_ = next_;  // RFC 9002 section 7.8: who waits for pacing uses the window
  return false;
}

void SrSender::reduce(std::uint32_t to) noexcept {
  ssthresh_ = std::max(cwnd_ / 2, kMinCwnd);
  cwnd_ = std::min(ssthresh_, to);
  growth_ = 0;
  recovery_ = next_;
}

void SrSender::mark_lost(std::uint32_t sequence) noexcept {
  bits_[slot_of(sequence)].state = kLost;
  --in_flight_;
  ++lost_;
}

/// An ack for a number that was called lost because later ones had arrived: the path reorders by
/// that much (RFC 9002 section 6.1.1). A small window cannot wait for so many arrivals.
void SrSender::note_reordering(std::uint32_t sequence) noexcept {
  if (!ever_acknowledged_ || !older(sequence, highest_acked_)) return;
  const std::uint32_t distance = highest_acked_ - sequence + 1;
  reorder_ = std::clamp(distance, reorder_, kMaxReorderThreshold);
}

void SrSender::lose_overtaken(std::uint32_t sequence) noexcept {
  mark_lost(sequence);
  if (!older(sequence, recovery_)) reduce(kWindow);
}

void SrSender::find_overtaken(std::uint64_t now_us) noexcept {
  if (older(examined_, oldest_)) examined_ = oldest_;
  const std::uint32_t threshold = std::min(reorder_, std::max(cwnd_ / 2, kReorderThreshold));
  for (; !older(highest_acked_, examined_ + threshold); ++examined_) {
    if (bits_[slot_of(examined_)].state == kInFlight) lose_overtaken(examined_);
  }
  if (!measured_ || !ever_acknowledged_) return;
  // RFC 9002 section 6.1.2, with the variation in place of an eighth: one later arrival is enough
  // once the ack is overdue. A small window has no three.
  const std::uint32_t wait = srtt8_ / 8 + std::max(rttvar4_, kGranularityUs);
  const bool must_read_first = is_stopped(now_us) || now_us - resumed_us_ < kGraceUs;
  for (std::uint32_t sequence = examined_; older(sequence, highest_acked_); ++sequence) {
    const std::uint32_t slot = slot_of(sequence);
    if (bits_[slot].state != kInFlight) continue;
    const std::uint32_t waited = static_cast<std::uint32_t>(now_us) - sent_us_[slot];
    if (waited >= wait && !must_read_first) {
      lose_overtaken(sequence);
    } else {
      const std::uint64_t left = waited < wait ? wait - waited : kGraceUs;
      next_check_us_ = std::min(next_check_us_, now_us + left);
    }
  }
}

SrSender::AckKind SrSender::acknowledge(std::uint32_t sequence, std::uint32_t received,
                                        std::uint64_t now_us, Completed& completed) noexcept {
  completed.count = 0;
  if (acknowledge_oldest(sequence, now_us)) {
    completed.slots[completed.count++] = static_cast<std::uint16_t>(slot_of(sequence));
    return AckKind::kNew;
  }
  const std::uint32_t back = next_ - sequence;
  if (back == 0 || back > 0x80000000U || (!wrapped_ && sequence >= next_)) {
    return AckKind::kNeverSent;
  }
  // An ack that comes after 512 later transmissions is no sign of life.
  if (!is_kept(sequence)) return AckKind::kOld;
  const std::uint32_t slot = slot_of(sequence);
  const auto state = static_cast<State>(bits_[slot].state);
  if (state != kDone && !is_measured(now_us, slot)) measure(now_us, slot);
  if (state == kLost || state == kMoved) note_reordering(sequence);
  complete(sequence, completed);
  // Bits for numbers older than oldest_ can only repeat what is known.
  if (!older(sequence, oldest_)) {
    const std::uint32_t reach = std::min<std::uint32_t>(sequence - oldest_, 31);
    std::uint32_t hints = received & static_cast<std::uint32_t>((std::uint64_t{2} << reach) - 1);
    for (hints &= ~1U; hints != 0; hints &= hints - 1) {
      complete(sequence - static_cast<std::uint32_t>(__builtin_ctz(hints)), completed);
    }
  }
  if (!ever_acknowledged_ || older(highest_acked_, sequence)) highest_acked_ = sequence;
  ever_acknowledged_ = true;
  if (silent_timeouts_ != 0) {  // waits are short again
    silent_timeouts_ = 0;
    next_check_us_ = std::min(next_check_us_, now_us + rto_us_);
  }
  quiet_since_us_ = now_us;
  const bool recovered = failed_;
  failed_ = failure_untold_ = false;
  dead_ = death_untold_ = false;
  if (completed.count != 0) grow(completed.count, sequence);
  advance_oldest();
  find_overtaken(now_us);
  if (recovered) return AckKind::kRecovered;
  return completed.count != 0 ? AckKind::kNew : AckKind::kOld;
}

void SrSender::check_timers(std::uint64_t now_us) noexcept {
  const bool was_stopped = is_stopped(now_us);
  if (was_stopped) resumed_us_ = now_us;
  last_check_us_ = now_us;
  if (in_flight_ == 0 || now_us < next_check_us_) return;
  if (was_stopped) {
    next_check_us_ = now_us + kGraceUs;
    return;
  }
  next_check_us_ = now_us + kMaxRtoUs;
  find_overtaken(now_us);
  bool reacted = false;
  for (std::uint32_t sequence = oldest_; sequence != next_; ++sequence) {
    const std::uint32_t slot = slot_of(sequence);
    if (bits_[slot].state != kInFlight) continue;
    const std::uint32_t waited = static_cast<std::uint32_t>(now_us) - sent_us_[slot];
    const std::uint32_t wait = wait_us(slot);
    if (waited < wait) {
      next_check_us_ = std::min(next_check_us_, now_us + (wait - waited));
      continue;
    }
    mark_lost(sequence);
    // RFC 5681 section 3.1: start again from the least window. ssthresh is kept when the same
    // message times out again.
    if (!reacted && bits_[slot].transmissions == 1 && !older(sequence, recovery_)) reduce(kMinCwnd);
    cwnd_ = std::min(cwnd_, kMinCwnd);
    reorder_ = kReorderThreshold;
    reacted = true;
  }
}

/// @param probe  the message that is kept; next_: none
void SrSender::die(std::uint32_t probe) noexcept {
  dead_ = death_untold_ = true;
  for (std::uint32_t sequence = oldest_; sequence != next_; ++sequence) {
    Bits& bits = bits_[slot_of(sequence)];
    if (sequence == probe) continue;
    if (bits.state == kInFlight) mark_lost(sequence);
    if (bits.state == kLost) bits.reliable = 0;
  }
}

void SrSender::note_silence(std::uint64_t now_us, std::uint32_t probe) noexcept {
  // Retransmissions of what later acks showed to be lost say nothing about the link.
  if (now_us - quiet_since_us_ < rto_us_) return;
  // Of messages that wait side by side one counts: as if there was one timer (RFC 6298 section 5).
  const std::uint64_t since_us = now_us - last_silence_us_;
  if (silent_timeouts_ != 0 && since_us < backed_off_us(silent_timeouts_)) return;
  last_silence_us_ = now_us;
  ++silent_timeouts_;
  if (silent_timeouts_ == kFailureRetransmissions) failed_ = failure_untold_ = true;
  if (silent_timeouts_ == kMaxTransmissions) die(probe);
}

SrSender::Lost SrSender::next_lost(std::uint64_t now_us) noexcept {
  if (lost_ == 0) return {};
  std::uint32_t sequence = oldest_;
  while (bits_[slot_of(sequence)].state != kLost) ++sequence;
  const std::uint32_t slot = slot_of(sequence);
  const Bits bits = bits_[slot];
  const bool was_last = bits.reliable == 0 || bits.transmissions >= kMaxTransmissions;
  if (was_last && !dead_) {
    const std::uint32_t probe = bits.reliable != 0 ? sequence : next_;
    note_silence(now_us, probe);
    // Nothing else goes out that could be acked.
    if (failed_ && !dead_ && in_flight() == 1) die(probe);
  }
  const bool probing = dead_ && bits.reliable != 0;
  if (was_last && !probing) {
    bits_[slot].state = kDone;
    --lost_;
    advance_oldest();
    return {Lost::Action::kGiveUp, slot, 0};
  }
  if (in_flight_ >= cwnd_) return {};
  if (next_ - oldest_ >= kWindow && sequence != oldest_) return {};
  if (!dead_ && !pace_allows(now_us)) return {};
  const std::uint32_t again = next_;
  --lost_;
  bits_[slot].state = kMoved;
  moved_by_[slot] = static_cast<std::uint16_t>(again - sequence);
  const unsigned sent = std::min(bits.transmissions + 1U, kMaxTransmissions);
  // Before the new number takes a slot: in a full window that is the slot of the old one.
  advance_oldest();
  if (!dead_) note_silence(now_us, again);
  record(again, now_us, static_cast<std::uint8_t>(sent), bits.reliable != 0);
  return {Lost::Action::kRetransmit, slot, again};
}

bool SrSender::take_failure() noexcept { return std::exchange(failure_untold_, false); }

bool SrSender::take_death() noexcept { return std::exchange(death_untold_, false); }

}  // namespace dataplane
