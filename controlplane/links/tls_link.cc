// SPDX-License-Identifier: Apache-2.0
#include "controlplane/links/tls_link.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace controlplane::links {
namespace {

using wire::reload::Frame;
using wire::reload::FrameReader;

// A handshake with a chain of four RSA-4096 certificates has some 10 KiB.
constexpr std::uint64_t kMaxHandshakeInput = 65536;
// Acks go out even when the backlog is full; beyond so much more we stop reading.
constexpr std::size_t kAckRoom = 65536;
constexpr std::size_t kMaxOpen = 16384;  // frames without ack
// Who gets a message that is too large has so long to answer and close.
constexpr std::uint64_t kDeafNs = kSecond;
constexpr std::size_t kRecordBytes = 16384;

}  // namespace

TlsLink::TlsLink(std::shared_ptr<const SecureContext> context, Role role,
                 std::vector<wire::reload::NodeId> any_of, const TlsLinkSettings& settings,
                 const Now& now)
    : context_(std::move(context)),
      role_(role),
      any_of_(std::move(any_of)),
      settings_(settings),
      frames_(settings.max_message_size),
      handshake_until_ns_(now.ns + settings.handshake_ns),
      heard_ns_(now.ns),
      progress_ns_(now.ns) {
  check_.any_of = any_of_;
  check_.key_log = &key_log_;
  check_.now_unix_s = static_cast<std::int64_t>(now.unix_s());
  ERR_clear_error();
  ssl_ = any_of_.empty() ? nullptr : context_->new_ssl(role, check_);
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  if (ssl_ == nullptr || in == nullptr || out == nullptr) {
    BIO_free(in);
    BIO_free(out);
    handshake_until_ns_ = now.ns;  // the next tick says that nothing came of it
    return;
  }
  BIO_set_mem_eof_return(in, -1);  // no more bytes is not the end of the stream
  SSL_set_bio(ssl_, in, out);
  if (role == Role::kClient) {
    SSL_do_handshake(ssl_);
    drain(now);
  }
  ERR_clear_error();
}

TlsLink::~TlsLink() {
  SSL_free(ssl_);
  for (std::string& line : key_log_) wipe(std::as_writable_bytes(std::span(line)));
}

// --- from the socket -----------------------------------------------------------------------------

void TlsLink::receive(const Now& now, std::span<const std::byte> bytes, TlsOutputs& out) {
  if (state_ == State::kClosed || state_ == State::kDeaf || ssl_ == nullptr || bytes.empty())
    return;
  check_.now_unix_s = static_cast<std::int64_t>(now.unix_s());
  heard_ns_ = now.ns;
  ERR_clear_error();
  BIO* in = SSL_get_rbio(ssl_);
  while (!bytes.empty() && (state_ == State::kHandshake || state_ == State::kUp)) {
    // In pieces, so that what waits inside OpenSSL stays small.
    const auto piece = bytes.first(std::min(bytes.size(), kRecordBytes));
    if (BIO_write(in, piece.data(), static_cast<int>(piece.size())) !=
        static_cast<int>(piece.size())) {
      end(Failure::kInternal, out);
      break;
    }
    bytes = bytes.subspan(piece.size());
    if (state_ == State::kHandshake) {
      handshake_input_ += piece.size();
      shake_hands(now, out);
    }
    if (state_ == State::kUp) read(now, out);
  }
  drain(now);
  std::ranges::move(std::exchange(key_log_, {}), std::back_inserter(out.key_log));
  ERR_clear_error();
}

void TlsLink::shake_hands(const Now& now, TlsOutputs& out) {
  const int result = SSL_do_handshake(ssl_);
  const int error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_, result);
  if (error == SSL_ERROR_WANT_READ) {
    if (handshake_input_ > kMaxHandshakeInput) end(Failure::kTooMuchInput, out);
    return;
  }
  if (error != SSL_ERROR_NONE) return end(context_->explain(check_), out);
  if (SSL_version(ssl_) == TLS1_2_VERSION && SSL_get_extms_support(ssl_) != 1) {
    SSL_shutdown(ssl_);
    return end(Failure::kNoExtendedMasterSecret, out);
  }
  const bool authenticated = !context_->uses_certificates() ||
                             (check_.accepted() && SSL_get_verify_result(ssl_) == X509_V_OK);
  if (!authenticated || SSL_session_reused(ssl_) != 0) {
    FailureReport report;
    report.failure = Failure::kInternal;
    report.detail = "OpenSSL finished a handshake nobody authenticated";
    return end(std::move(report), out);
  }
  // Without certificates nobody proves a Node-ID; who was called, or may call, is taken at his
  // word.
  if (!context_->uses_certificates()) check_.node_id = any_of_.front();
  state_ = State::kUp;
  handshake_until_ns_ = kNever;
  progress_ns_ = now.ns;
  out.events.push_back({TlsEvent::Kind::kUp, check_.node_id, {}, {}});
}

void TlsLink::read(const Now& now, TlsOutputs& out) {
  std::array<std::byte, kRecordBytes> plaintext;
  while (state_ == State::kUp) {
    const int length = SSL_read(ssl_, plaintext.data(), static_cast<int>(plaintext.size()));
    if (length > 0) {
      take_frames(now, std::span(plaintext).first(static_cast<std::size_t>(length)), out);
      continue;
    }
    switch (SSL_get_error(ssl_, length)) {
      case SSL_ERROR_WANT_READ:
        return;
      case SSL_ERROR_ZERO_RETURN:
        SSL_shutdown(ssl_);  // RFC 5246 section 7.2.1: answer it
        return end(Failure::kPeerClosed, out);
      default:
        return end(context_->explain(check_), out);
    }
  }
}

void TlsLink::take_frames(const Now& now, std::span<const std::byte> plaintext, TlsOutputs& out) {
  Frame frame;
  for (;;) {
    switch (frames_.next(plaintext, frame)) {
      case FrameReader::Step::kNeedMore:
        return;
      case FrameReader::Step::kFrame:
        break;
      case FrameReader::Step::kTooLarge:
        state_ = State::kDeaf;
        deaf_until_ns_ = now.ns + kDeafNs;
        out.events.push_back({TlsEvent::Kind::kTooLarge,
                              check_.node_id,
                              {frame.message.begin(), frame.message.end()},
                              {}});
        return;
      case FrameReader::Step::kHeaderTooLarge:
        SSL_shutdown(ssl_);
        return end(Failure::kMessageTooLarge, out);
      case FrameReader::Step::kBroken:
        SSL_shutdown(ssl_);
        return end(Failure::kBadFrame, out);
    }
    if (frame.is_ack) {
      take_ack(now, frame.sequence, out);
      continue;
    }
    ++counters_.messages_in;
    out.messages.emplace_back(frame.message.begin(), frame.message.end());
    std::array<std::byte, wire::reload::kAckFrameBytes> ack;
    wire::reload::write_ack_frame(frame.sequence, received_.note(frame.sequence), ack);
    if (!write(now, ack)) return end(Failure::kInternal, out);
  }
}

void TlsLink::take_ack(const Now& now, std::uint32_t sequence, TlsOutputs& out) {
  ++counters_.acks_in;
  const auto found = std::ranges::find(open_, sequence, &Open::sequence);
  if (found == open_.end()) {
    ++counters_.stray_acks;
    return;
  }
  rto_.note(now.ns - found->sent_ns);
  // The stream keeps order, so what was sent before has arrived, too.
  open_.erase(open_.begin(), found + 1);
  if (is_failed()) {
    failed_at_ns_ = kNever;
    out.events.push_back({TlsEvent::Kind::kRecovered, check_.node_id, {}, {}});
  }
}

void TlsLink::end_of_stream(const Now& now, TlsOutputs& out) {
  if (state_ == State::kClosed) return;
  end(state_ == State::kHandshake && handshake_input_ == 0 ? Failure::kNotConnected
                                                           : Failure::kTruncated,
      out);
  drain(now);
}

// --- to the socket -------------------------------------------------------------------------------

bool TlsLink::write(const Now& now, std::span<const std::byte> plaintext) {
  ERR_clear_error();
  const bool written = SSL_write(ssl_, plaintext.data(), static_cast<int>(plaintext.size())) ==
                       static_cast<int>(plaintext.size());
  drain(now);
  return written;
}

/// Moves what OpenSSL wrote to where take_output() finds it.
void TlsLink::drain(const Now& now) {
  if (ssl_ == nullptr) return;
  BIO* written = SSL_get_wbio(ssl_);
  const std::size_t length = BIO_ctrl_pending(written);
  if (length == 0) return;
  if (backlog_ == 0) progress_ns_ = now.ns;
  const std::size_t before = output_.size();
  output_.resize(before + length);
  BIO_read(written, output_.data() + before, static_cast<int>(length));
  backlog_ += length;
}

TlsLink::Sent TlsLink::send(const Now& now, std::span<const std::byte> message) {
  if (state_ != State::kUp && state_ != State::kDeaf) return Sent::kNotUp;
  if (message.size() > wire::reload::kMaxFramedMessageBytes) return Sent::kTooLong;
  if (backlog_ + message.size() > settings_.max_backlog || open_.size() >= kMaxOpen) {
    return Sent::kBacklogFull;
  }
  Bytes frame(wire::reload::kDataFrameOverhead);
  wire::reload::write_data_frame_header(next_sequence_, static_cast<std::uint32_t>(message.size()),
                                        frame);
  frame.insert(frame.end(), message.begin(), message.end());
  if (!write(now, frame)) return Sent::kNotUp;
  open_.push_back({next_sequence_++, now.ns});
  ++counters_.messages_out;
  return Sent::kYes;
}

void TlsLink::close(const Now& now) {
  if (state_ == State::kClosed) return;
  if (state_ != State::kHandshake) SSL_shutdown(ssl_);
  drain(now);
  state_ = State::kClosed;
}

Bytes TlsLink::take_output() { return std::exchange(output_, {}); }

void TlsLink::note_written(const Now& now, std::size_t bytes) noexcept {
  backlog_ -= std::min(bytes, backlog_);
  progress_ns_ = now.ns;
}

bool TlsLink::wants_input() const noexcept { return backlog_ < settings_.max_backlog + kAckRoom; }

// --- time ----------------------------------------------------------------------------------------

std::uint64_t TlsLink::next_timer() const noexcept {
  if (state_ == State::kClosed) return kNever;
  std::uint64_t due = std::min(handshake_until_ns_, deaf_until_ns_);
  if (backlog_ > 0) due = std::min(due, progress_ns_ + settings_.stalled_ns);
  if (settings_.idle_ns != kNever) due = std::min(due, heard_ns_ + settings_.idle_ns);
  if (is_failed()) return std::min(due, failed_at_ns_ + settings_.failed_kept_ns);
  if (!open_.empty()) due = std::min(due, open_.front().sent_ns + rto_.rto_ns());
  return due;
}

void TlsLink::tick(const Now& now, TlsOutputs& out) {
  if (now.ns < next_timer()) return;
  if (now.ns >= handshake_until_ns_) {
    end(ssl_ == nullptr ? Failure::kInternal : Failure::kTimedOut, out);
  } else if (now.ns >= deaf_until_ns_) {
    SSL_shutdown(ssl_);
    end(Failure::kMessageTooLarge, out);
  } else if (backlog_ > 0 && now.ns >= progress_ns_ + settings_.stalled_ns) {
    end(Failure::kStalled, out);
  } else if (settings_.idle_ns != kNever && now.ns >= heard_ns_ + settings_.idle_ns) {
    SSL_shutdown(ssl_);
    end(Failure::kIdle, out);
  } else if (is_failed()) {
    SSL_shutdown(ssl_);
    end(Failure::kNoAcks, out);
  } else {
    ++counters_.failures;
    failed_at_ns_ = now.ns;
    out.events.push_back({TlsEvent::Kind::kFailed, check_.node_id, {}, {}});
  }
  drain(now);
  ERR_clear_error();
}

void TlsLink::end(Failure failure, TlsOutputs& out) {
  FailureReport report;
  report.failure = failure;
  report.alert_sent = check_.alert_sent;
  report.alert_received = check_.alert_received;
  end(std::move(report), out);
}

void TlsLink::end(FailureReport report, TlsOutputs& out) {
  state_ = State::kClosed;
  handshake_until_ns_ = kNever;
  out.events.push_back({TlsEvent::Kind::kClosed, check_.node_id, {}, std::move(report)});
}

std::string TlsLink::description() const {
  if (ssl_ == nullptr || state_ == State::kHandshake) return {};
  return std::string(SSL_get_version(ssl_)) + " " + SSL_get_cipher_name(ssl_);
}

}  // namespace controlplane::links
