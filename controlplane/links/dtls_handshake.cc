// SPDX-License-Identifier: Apache-2.0
#include "controlplane/links/dtls_handshake.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <utility>

namespace controlplane::links {
namespace {

using wire::dtls::ContentType;
using wire::dtls::RecordCursor;
using wire::dtls::RecordHeader;

constexpr std::uint64_t kMaxTimeoutNs = 60 * kSecond;  // RFC 6347 section 4.2.4.1
// Records of epoch 1 that come before their keys are put aside by OpenSSL in buffers of 17 KiB, and
// anybody can send them. A peer on a very bad network has so many Finished on the way.
constexpr std::size_t kMaxEarlyRecords = 8;
constexpr std::uint8_t kFatal = 2;
constexpr std::size_t kAlertBytes = 2;

// Beyond any lifetime: OpenSSL would repeat flights with numbers of its own.
unsigned no_timer(SSL*, unsigned) { return ~0U; }

}  // namespace

DtlsHandshake::DtlsHandshake(std::shared_ptr<const SecureContext> context, Role role,
                             const DtlsHandshakeSettings& settings, const Now& now,
                             std::span<const std::byte> client_hello)
    : context_(std::move(context)),
      role_(role),
      settings_(settings),
      progress_ns_(now.ns),
      deadline_ns_(now.ns + settings.lifetime_ns),
      timeout_ns_(settings.first_timeout_ns) {
  if (settings_.peer != wire::reload::NodeId{}) check_.any_of = std::span(&settings_.peer, 1);
  check_.now_unix_s = static_cast<std::int64_t>(now.unix_s());
  if (settings.log_keys) check_.key_log = &key_log_;
  ERR_clear_error();
  if (!attach()) {
    fail(Failure::kInternal, "out of memory");
  } else if (role == Role::kServer && !listen(client_hello)) {
    fail(Failure::kProtocol, "OpenSSL does not take the ClientHello");
  } else {
    advance(now);
  }
}

DtlsHandshake::~DtlsHandshake() {
  SSL_free(ssl_);
  for (std::string& line : key_log_) wipe(std::as_writable_bytes(std::span(line)));
}

const AssociationKeys& DtlsHandshake::keys() const noexcept {
  static const AssociationKeys kNone;
  return keys_ ? *keys_ : kNone;
}

bool DtlsHandshake::attach() {
  ssl_ = context_->new_ssl(role_, check_);
  BIO* bio = ssl_ == nullptr ? nullptr : new_datagram_bio(port_);
  if (bio == nullptr) return false;
  SSL_set_bio(ssl_, bio, bio);
  port_.mtu = std::max(settings_.datagram_bytes, kMinDatagramBytes);
  DTLS_set_timer_cb(ssl_, no_timer);
  return SSL_set_mtu(ssl_, static_cast<long>(port_.mtu)) == static_cast<long>(port_.mtu);
}

bool DtlsHandshake::listen(std::span<const std::byte> client_hello) {
  // Makes OpenSSL go on as the server that sent the HelloVerifyRequest: with the numbers of this
  // ClientHello, which is the second one.
  BIO_ADDR* unused = BIO_ADDR_new();
  if (unused == nullptr) return false;
  input_bytes_ += client_hello.size();
  port_.in = client_hello;
  const bool taken = DTLSv1_listen(ssl_, unused) == 1;
  BIO_ADDR_free(unused);
  port_.in = {};
  return taken && port_.out.empty();
}

bool DtlsHandshake::may_feed(const Now& now, std::span<const std::byte> datagram) {
  input_bytes_ += datagram.size();
  if (input_bytes_ > settings_.max_input) {
    fail(Failure::kTooMuchInput, {});
    return false;
  }
  RecordCursor records(datagram);
  RecordHeader header;
  std::size_t early = 0;
  while (records.next(header)) {
    if (header.epoch != 0) {
      ++early;
    } else if (header.type == ContentType::kAlert) {
      // OpenSSL would believe it. Whoever says it means to say nothing else, so all of it is kept
      // from OpenSSL.
      note_alert(
          now, datagram.subspan(records.offset() + wire::dtls::kRecordHeaderBytes, header.length));
      return false;
    }
  }
  if (early_records_ + early > kMaxEarlyRecords) return false;
  early_records_ += early;
  return true;
}

void DtlsHandshake::note_alert(const Now& now, std::span<const std::byte> alert) {
  if (alert.size() != kAlertBytes || alert_in_clear_ != kNoAlert) return;
  const bool closes = alert[1] == std::byte{SSL_AD_CLOSE_NOTIFY};
  if (alert[0] != std::byte{kFatal} && !closes) return;
  alert_in_clear_ = std::to_integer<int>(alert[1]);
  alert_counts_at_ns_ = now.ns + settings_.first_timeout_ns;
}

void DtlsHandshake::receive(const Now& now, std::span<const std::byte> datagram) {
  if (state_ != State::kRunning || datagram.empty() || !may_feed(now, datagram)) return;
  port_.in = datagram;
  advance(now);
  port_.in = {};
}

void DtlsHandshake::advance(const Now& now) {
  check_.now_unix_s = static_cast<std::int64_t>(now.unix_s());
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  const int error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_, result);
  FailureReport report;
  const bool failed = error != SSL_ERROR_NONE && error != SSL_ERROR_WANT_READ;
  if (failed) report = context_->explain(check_);
  ERR_clear_error();
  if (failed) {
    send_last_words();
    fail(report.failure, {});
    failure_ = std::move(report);
    return;
  }
  if (!port_.out.empty()) send_written(now);
  if (state_ == State::kRunning && result == 1) complete();
}

std::optional<Flight> DtlsHandshake::take_written() {
  const std::vector<Bytes> written = std::exchange(port_.out, {});
  if (!keys_ && has_protected_record(written)) {
    keys_.emplace();
    if (!derive_keys(ssl_, role_, *keys_)) return std::nullopt;
  }
  auto flight = read_flight(written, keys());
  if (flight && !flight->empty() && !std::exchange(numbered_, true)) {
    // A server's first record has the number of the ClientHello (RFC 6347 section 4.2.1).
    sequences_[0] = flight->front().header.sequence;
  }
  return flight;
}

/// The alert, if there is one. It is said once and never repeated.
void DtlsHandshake::send_last_words() {
  if (!numbered_) {
    // Before a version is agreed upon OpenSSL says DTLS 1.0, which on an alert dataplanes drop.
    for (Bytes& datagram : std::exchange(port_.out, {})) {
      wire::store_be16(datagram.data() + 1, wire::dtls::kVersion12);
      datagrams_.push_back(std::move(datagram));
    }
  } else if (const auto flight = take_written()) {
    (void)write_flight(*flight, keys(), sequences_, datagrams_);
  }
}

void DtlsHandshake::send_written(const Now& now) {
  auto flight = take_written();
  if (!flight || flight->empty()) return fail(Failure::kInternal, "OpenSSL wrote no records");
  if (!write_flight(*flight, keys(), sequences_, datagrams_)) {
    return fail(Failure::kInternal, "OpenSSL cannot seal");
  }
  flight_ = std::move(*flight);
  progress_ns_ = now.ns;
  alert_in_clear_ = kNoAlert;
  alert_counts_at_ns_ = kNever;
  timeout_ns_ = settings_.first_timeout_ns;
  repeat_at_ns_ = now.ns + timeout_ns_;
}

void DtlsHandshake::complete() {
  // OpenSSL can be asked about the extended master secret only now. As client our Finished is out,
  // but no data is.
  if (SSL_get_extms_support(ssl_) != 1) {
    send_alert(SSL_AD_HANDSHAKE_FAILURE);
    return fail(Failure::kNoExtendedMasterSecret, {});
  }
  const bool authenticated = !context_->uses_certificates() ||
                             (check_.accepted() && SSL_get_verify_result(ssl_) == X509_V_OK);
  if (!keys_ || !authenticated || SSL_session_reused(ssl_) != 0) {
    return fail(Failure::kInternal, "OpenSSL finished a handshake nobody authenticated");
  }
  state_ = State::kComplete;
  SSL_free(std::exchange(ssl_, nullptr));
}

void DtlsHandshake::send_alert(std::uint8_t description) {
  FlightRecord record;
  record.header.type = ContentType::kAlert;
  record.header.epoch = wire::dtls::kDataEpoch;
  record.header.length = 2;
  record.starts_datagram = true;
  record.plaintext = {std::byte{kFatal}, std::byte{description}};
  check_.alert_sent = description;
  if (keys_) (void)write_flight({record}, *keys_, sequences_, datagrams_);
}

void DtlsHandshake::fail(Failure failure, std::string detail) {
  state_ = State::kFailed;
  failure_.failure = failure;
  failure_.detail = std::move(detail);
  failure_.alert_sent = check_.alert_sent;
  failure_.alert_received = check_.alert_received;
  SSL_free(std::exchange(ssl_, nullptr));
}

void DtlsHandshake::tick(const Now& now) {
  if (state_ != State::kRunning) return;
  if (now.ns >= alert_counts_at_ns_) {
    check_.alert_received = alert_in_clear_;
    return fail(alert_in_clear_ == SSL_AD_CLOSE_NOTIFY ? Failure::kPeerClosed : Failure::kPeerAlert,
                SSL_alert_desc_string_long(alert_in_clear_));
  }
  if (now.ns >= deadline_ns_) return fail(Failure::kTimedOut, {});
  if (now.ns < repeat_at_ns_) return;
  if (!write_flight(flight_, keys(), sequences_, datagrams_)) {
    return fail(Failure::kInternal, "OpenSSL cannot seal");
  }
  ++repeated_flights_;
  timeout_ns_ = std::min(2 * timeout_ns_, kMaxTimeoutNs);
  repeat_at_ns_ = now.ns + timeout_ns_;
}

std::uint64_t DtlsHandshake::next_timer() const noexcept {
  if (state_ != State::kRunning) return kNever;
  return std::min({deadline_ns_, repeat_at_ns_, alert_counts_at_ns_});
}

Agreed DtlsHandshake::take_agreed() {
  Agreed agreed;
  agreed.keys = *keys_;
  agreed.sequences = sequences_;
  if (role_ == Role::kServer) agreed.final_flight = std::move(flight_);
  agreed.peer = check_.node_id;
  keys_.reset();
  return agreed;
}

std::vector<Bytes> DtlsHandshake::take_datagrams() { return std::exchange(datagrams_, {}); }
std::vector<std::string> DtlsHandshake::take_key_log() { return std::exchange(key_log_, {}); }

}  // namespace controlplane::links
