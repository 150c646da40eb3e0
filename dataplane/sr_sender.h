// SPDX-License-Identifier: Apache-2.0
// The sending half of a Simple Reliability link: sequence numbers, acks, loss, window, timers
// (RFC 6940 sections 6.6.2 and 6.6.3; requirements C-04, C-08, C-10..C-19, X-02).
//
// RFC 6940 leaves the algorithm to the sender (C-11). This one keeps many messages in flight. Since
// every transmission has a sequence number of its own, loss is found as in RFC 9002 (a message is
// lost when three later ones arrived, or one and a round trip has passed), the window reacts as
// NewReno (RFC 6582, RFC 5681), what the window allows is spread over the round trip (RFC 9002
// section 7.7), and every ack gives a round trip time without Karn's rule (C-15). docs/links.md
// goes through the RFCs rule by rule.
//
// Pure arithmetic on sequence numbers and times: no packets, no clock. The owner keeps the message
// of sequence number s at index slot_of(s) of an array of kWindow, and moves or releases it when a
// function here says so.

#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace dataplane {

class SrSender {
 public:
  /// Sequence numbers between the oldest message in flight and the next one; a power of two.
  static constexpr std::uint32_t kWindow = 512;
  /// Kept free of first transmissions, so that a full window can still retransmit.
  static constexpr std::uint32_t kRetransmitReserve = 32;
  static constexpr std::uint32_t kInitialCwnd = 10;  ///< RFC 6928, allowed by RFC 8085
  /// What a timeout leaves of the window (RFC 9002 section 7.2): with one message in flight nothing
  /// later could show that it is lost, and each loss would cost a timeout.
  static constexpr std::uint32_t kMinCwnd = 2;
  static constexpr unsigned kMaxTransmissions = 5;       ///< C-17
  static constexpr std::uint32_t kReorderThreshold = 3;  ///< RFC 9002 section 6.1.1
  /// Where the threshold ends on a path that was seen to reorder more than that.
  static constexpr std::uint32_t kMaxReorderThreshold = 64;
  static constexpr std::uint32_t kGranularityUs = 1000;    ///< of timers, RFC 9002 section 6.1.2
  static constexpr unsigned kFailureRetransmissions = 3;   ///< C-19
  static constexpr std::uint32_t kInitialRtoUs = 500'000;  ///< C-13
  /// Least RTO. A node that shares a core with others can be stopped for 12 ms and more, so this is
  /// far above the round trip time of a local link; loss is normally found by later acks.
  static constexpr std::uint32_t kMinRtoUs = 200'000;
  static constexpr std::uint32_t kMaxRtoUs = 60'000'000;  ///< RFC 6298 sections 2.5 and 5.5
  /// A dead link keeps one message as a probe: it goes out this often, until an ack comes or the
  /// link is removed. It has the place of the handshake that C-18 would lead to, which lab links
  /// have not.
  static constexpr std::uint32_t kProbeIntervalUs = 1'000'000;
  /// Paths with a shorter round trip are not paced: the worker's turns are coarser than what there
  /// would be to spread.
  static constexpr std::uint32_t kPacedFromUs = 1000;
  /// The longest burst is this many messages (RFC 9002 section 7.7: the initial window), or what
  /// kPaceSpanUs earn where that is more: it covers the sleep of an idle worker and the usual gaps
  /// of a shared core.
  static constexpr std::uint32_t kPaceBurst = 10;
  static constexpr std::uint32_t kPaceSpanUs = 2000;

  /// @param first_sequence  0 on the wire (C-04); tests start near the wrap-around
  explicit SrSender(std::uint32_t first_sequence = 0) noexcept;

  [[nodiscard]] static constexpr std::uint32_t slot_of(std::uint32_t sequence) noexcept {
    return sequence & (kWindow - 1);
  }

  /// A dead link that has nothing left to probe with may send one message now and then.
  [[nodiscard]] bool can_probe(std::uint64_t now_us) const noexcept {
    return dead_ && in_flight() == 0 && now_us - last_send_us_ >= kProbeIntervalUs;
  }
  /// Has the window room for a message that was not sent before?
  [[nodiscard]] bool has_room() const noexcept {
    return in_flight_ < cwnd_ && next_ - oldest_ < kWindow - kRetransmitReserve && lost_ == 0 &&
           !dead_;
  }
  /// May such a message go out now? It also has to wait for its turn in the round trip.
  [[nodiscard]] bool can_send(std::uint64_t now_us) noexcept {
    return has_room() && pace_allows(now_us);
  }
  /// Pacing alone holds back what there is to send: ask again at the next turn.
  [[nodiscard]] bool waits_for_pace() const noexcept {
    return in_flight_ < cwnd_ && next_ == pace_edge_ && is_paced() && !dead_ &&
           (lost_ != 0 || has_room());
  }
  /// Gives a new message its sequence number. @pre can_send() or can_probe()
  /// @param reliable  false: never retransmitted, given up when lost (X-03, transit messages)
  [[nodiscard]] std::uint32_t send(std::uint64_t now_us, bool reliable) noexcept;

  /// Slots whose messages have arrived and may be released.
  struct Completed {
    std::uint32_t count = 0;
    std::array<std::uint16_t, 32> slots;
  };
  enum class AckKind : std::uint8_t {
    kNeverSent,  ///< names a sequence number this sender has not used: nothing was changed
    kOld,        ///< nothing new in it
    kNew,        ///< something arrived
    kRecovered,  ///< as kNew, and the link had failed: it is up again
  };
  /// acknowledge() of what nearly every ack is: for the oldest message, on a link that works and
  /// has lost nothing. True: the message at slot_of(@p sequence) has arrived. False: nothing was
  /// done.
  [[nodiscard]] bool acknowledge_oldest(std::uint32_t sequence, std::uint64_t now_us) noexcept {
    const std::uint32_t slot = slot_of(sequence);
    if (sequence != oldest_ || oldest_ == next_ || bits_[slot].state != kInFlight || lost_ != 0 ||
        failed_ || !ever_acknowledged_) {
      return false;
    }
    if (!is_measured(now_us, slot)) measure(now_us, slot);
    bits_[slot].state = kDone;
    --in_flight_;
    if (older(highest_acked_, sequence)) highest_acked_ = sequence;
    silent_timeouts_ = 0;
    quiet_since_us_ = now_us;
    if (cwnd_ < kWindow) grow(1, sequence);
    advance_oldest();
    return true;
  }
  /// An ack frame. @p received is taken as a hint that lost acks need not mean lost messages
  ///
  [[nodiscard]] AckKind acknowledge(std::uint32_t sequence, std::uint32_t received,
                                    std::uint64_t now_us, Completed& completed) noexcept;

  /// Finds what timed out. Cheap while nothing can have. Then call next_lost() until it says kNone.
  void check_timers(std::uint64_t now_us) noexcept;

  struct Lost {
    enum class Action : std::uint8_t { kNone, kRetransmit, kGiveUp };
    Action action = Action::kNone;
    std::uint32_t from_slot = 0;  ///< where the message is
    std::uint32_t sequence = 0;   ///< kRetransmit: its new number; move it to slot_of(sequence)
  };
  /// The next lost message to be sent again, as far as the window allows, or to be given up.
  [[nodiscard]] Lost next_lost(std::uint64_t now_us) noexcept;
  /// True once after the retransmission that declared the link failed (C-19). It goes on sending
  /// what it has: on a path that only loses much, an ack comes soon.
  [[nodiscard]] bool take_failure() noexcept;
  /// True once after silence has lasted as long as all transmissions of a message (C-18). Then the
  /// link lets go of all its messages but the probe.
  [[nodiscard]] bool take_death() noexcept;

  [[nodiscard]] bool has_lost() const noexcept { return lost_ != 0; }
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] bool dead() const noexcept { return dead_; }  ///< then it has failed, too
  [[nodiscard]] bool ever_acknowledged() const noexcept { return ever_acknowledged_; }
  /// Slots in use lie at slot_of(oldest()) .. slot_of(next() - 1).
  [[nodiscard]] std::uint32_t oldest() const noexcept { return oldest_; }
  [[nodiscard]] std::uint32_t next() const noexcept { return next_; }
  [[nodiscard]] std::uint32_t in_flight() const noexcept { return in_flight_ + lost_; }
  [[nodiscard]] std::uint32_t cwnd() const noexcept { return cwnd_; }
  [[nodiscard]] std::uint32_t srtt_us() const noexcept { return srtt8_ / 8; }
  [[nodiscard]] std::uint32_t rttvar_us() const noexcept { return rttvar4_ / 4; }
  [[nodiscard]] std::uint32_t rto_us() const noexcept { return rto_us_; }
  /// When check_timers() has to be called next, at the latest. @pre in_flight() != 0
  [[nodiscard]] std::uint64_t next_check_us() const noexcept { return next_check_us_; }

 private:
  enum State : std::uint8_t { kDone, kInFlight, kLost, kMoved };
  struct Bits {
    std::uint8_t state : 2;
    std::uint8_t transmissions : 3;
    std::uint8_t reliable : 1;
  };
  static_assert(sizeof(Bits) == 1);

  void record(std::uint32_t sequence, std::uint64_t now_us, std::uint8_t transmissions,
              bool reliable) noexcept;
  [[nodiscard]] bool is_kept(std::uint32_t sequence) const noexcept;
  void complete(std::uint32_t sequence, Completed& completed) noexcept;
  /// True when sequence number @p a is older than @p b, modulo 2^32.
  [[nodiscard]] static bool older(std::uint32_t a, std::uint32_t b) noexcept {
    return static_cast<std::int32_t>(a - b) < 0;
  }
  /// Messages that left together and whose acks came together tell nothing that the first did not.
  [[nodiscard]] bool is_measured(std::uint64_t now_us, std::uint32_t slot) const noexcept {
    return measured_ && now_us == measured_at_us_ && sent_us_[slot] == measured_sent_us_;
  }
  void measure(std::uint64_t now_us, std::uint32_t slot) noexcept;
  void grow(std::uint32_t arrived, std::uint32_t acked) noexcept;
  [[nodiscard]] bool is_paced() const noexcept { return srtt8_ >= 8 * kPacedFromUs; }
  [[nodiscard]] bool pace_allows(std::uint64_t now_us) noexcept {
    return !is_paced() || pace_grants(now_us);
  }
  [[nodiscard]] bool pace_grants(std::uint64_t now_us) noexcept;
  void note_reordering(std::uint32_t sequence) noexcept;
  void find_overtaken(std::uint64_t now_us) noexcept;
  void lose_overtaken(std::uint32_t sequence) noexcept;
  /// This worker stood still, and what arrived meanwhile is not read yet.
  [[nodiscard]] bool is_stopped(std::uint64_t now_us) const noexcept;
  void mark_lost(std::uint32_t sequence) noexcept;
  void reduce(std::uint32_t to) noexcept;
  void advance_oldest() noexcept {
    while (oldest_ != next_) {
      const auto state = static_cast<State>(bits_[slot_of(oldest_)].state);
      if (state == kInFlight || state == kLost) break;
      ++oldest_;
    }
    // Dragged along, so that comparisons stay right when 2^31 messages pass without such an event.
    constexpr std::uint32_t kFar = 1U << 30U;
    if (older(recovery_, oldest_)) recovery_ = oldest_;
    if (older(window_filled_ + kFar, oldest_)) window_filled_ = oldest_ - kFar;
  }
  void die(std::uint32_t probe) noexcept;
  void note_silence(std::uint64_t now_us, std::uint32_t probe) noexcept;
  [[nodiscard]] std::uint32_t backed_off_us(unsigned doublings) const noexcept {
    return std::min(rto_us_ << std::min(doublings, kMaxTransmissions - 1), kMaxRtoUs);
  }
  [[nodiscard]] std::uint32_t wait_us(std::uint32_t slot) const noexcept;

  std::uint32_t oldest_ = 0;         // nothing older is in flight or lost
  std::uint32_t next_ = 0;           // C-04
  std::uint32_t in_flight_ = 0;      // in state kInFlight
  std::uint32_t lost_ = 0;           // in state kLost
  std::uint32_t highest_acked_ = 0;  // valid once ever_acknowledged_
  std::uint32_t examined_ = 0;       // everything older was compared with highest_acked_
  std::uint32_t recovery_ = 0;       // older numbers belong to a reduction already made
  std::uint32_t window_filled_ = 0;  // older numbers were sent when the window was full or filling
  std::uint32_t cwnd_ = kInitialCwnd;
  std::uint32_t ssthresh_ = kWindow;
  std::uint32_t growth_ = 0;  // acks towards the next step of congestion avoidance
  std::uint32_t reorder_ = kReorderThreshold;
  std::uint32_t pace_edge_ = 0;  // first number pacing does not allow yet; unused when not paced
  std::uint32_t srtt8_ = 0;
  std::uint32_t rttvar4_ = 0;
  std::uint32_t rto_us_ = kInitialRtoUs;
  std::uint32_t silent_timeouts_ = 0;  // since the last ack: the backoff
  std::uint64_t quiet_since_us_ = 0;   // last ack, or when the link stopped being idle
  std::uint64_t last_silence_us_ = 0;
  std::uint64_t next_check_us_ = 0;
  std::uint64_t last_send_us_ = 0;
  std::uint64_t last_check_us_ = 0;
  std::uint64_t resumed_us_ = 0;  // when the worker was last found to have been stopped
  std::uint64_t paced_at_us_ = 0;
  std::uint64_t pace_rest_ = 0;  // earned but less than one message, times srtt8_
  std::uint64_t measured_at_us_ = 0;
  std::uint32_t measured_sent_us_ = 0;
  bool wrapped_ = false;  // next_ went through zero: all old numbers were sent once
  bool ever_acknowledged_ = false;
  bool measured_ = false;
  bool failed_ = false;
  bool failure_untold_ = false;
  bool dead_ = false;
  bool death_untold_ = false;
  std::array<std::uint32_t, kWindow> sent_us_{};
  std::array<std::uint16_t, kWindow> moved_by_{};  // kMoved: distance to the number after
  std::array<Bits, kWindow> bits_{};
};

}  // namespace dataplane
