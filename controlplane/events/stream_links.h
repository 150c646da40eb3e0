// SPDX-License-Identifier: Apache-2.0
// Joins TLS connections to the dataplane: messages that came in a stream go down as if they had
// come on a link of their own, messages for such a link come up and go into its stream (requirement
// C-23). Decides who calls whom, when again, and which of two connections stays.
//
// Everything happens on the control plane's one thread: sockets work in the io_context, and turn()
// hands over what they changed.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "controlplane/events/injector.h"
#include "controlplane/events/link_changes.h"
#include "controlplane/links/tls_sockets.h"
#include "wire/shm/commands.h"

namespace controlplane::events {

struct StreamSettings {
  wire::reload::NodeId self;
  links::TlsSocketSettings sockets;
  std::vector<wire::shm::Endpoint> listen;  ///< may be empty: then this node only calls
};

/// What happened so far; stream_counter.def has the meanings.
struct StreamCounters {
#define STREAM_COUNTER(name, help) std::uint64_t name = 0;
#include "controlplane/events/stream_counter.def"
#undef STREAM_COUNTER
};

/// What is known of one TLS link.
struct StreamStatus {
  std::uint16_t slot = wire::shm::kNoLink;
  links::TlsSockets::Id connection = 0;  ///< 0: none; else never used before in this process
  std::string session;  ///< "TLSv1.3 TLS_AES_128_GCM_SHA256"; empty without a connection
  links::Role role = links::Role::kClient;
  bool failed = false;  ///< there is a connection, but its acks are missing
  bool calling = false;
  std::uint64_t since_ns = 0;
  std::uint64_t srtt_ns = 0;
  std::uint64_t rto_ns = 0;
  std::uint64_t failures = 0;  ///< attempts of ours since the last connection
  std::uint64_t next_call_ns = overlay::kNever;
  links::FailureReport last_failure;
};

class StreamLinks {
 public:
  /// Listens, and begins to call when serve(true) is said. nullptr with @p why when an address
  /// cannot be listened at.
  /// @param context  for Transport::kStream
  /// @param links    all links of the node; those that are not kVirtual are left alone
  /// @param now      asked whenever a socket has something
  /// @param io, injector  outlive this object
  [[nodiscard]] static std::unique_ptr<StreamLinks> start(
      boost::asio::io_context& io, std::shared_ptr<const links::SecureContext> context,
      const StreamSettings& settings, std::span<const wire::shm::LinkRecord> links,
      Injector& injector, std::function<overlay::Now()> now, std::string& why);

  /// Whether there is a dataplane to carry for. Without one all connections are closed, since acks
  /// would say that messages arrived, and none are taken.
  void serve(bool on);
  /// Calls those whose turn it is, and moves what changed to @p changes.
  void turn(const overlay::Now& now, LinkChanges& changes);
  /// Calls the peer at the next turn, however long the pause was to be. Nothing when it has a
  /// connection or is being called.
  void call_now(std::uint16_t slot);
  /// A record of PacketKind::kVirtualOut.
  void send(const wire::shm::PacketRecord& record);

  /// As SecureLinks::log_keys().
  using KeyLogSink = std::function<void(std::string_view line)>;
  void log_keys(KeyLogSink sink) { key_log_ = std::move(sink); }

  [[nodiscard]] const StreamCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] const links::TlsSocketCounters& socket_counters() const noexcept {
    return sockets_.counters();
  }
  [[nodiscard]] std::size_t connections() const noexcept { return sockets_.connections(); }
  [[nodiscard]] std::vector<StreamStatus> status() const;

 private:
  using Id = links::TlsSockets::Id;
  static constexpr Id kNone = 0;
  struct Link {
    wire::shm::LinkRecord record;
    bool calls_first = false;  // the lower Node-ID
    Id up = kNone;             // the connection that carries
    Id calling = kNone;
    bool usable = true;  // as the core was told; it begins with links that can carry
    std::uint64_t up_since_ns = 0;
    std::uint64_t next_call_ns = 0;
    std::uint64_t pause_ns = 0;  // before the next call
    std::uint64_t failures = 0;
    std::optional<links::Failure> noted;  // the failure that the log has, until something changes
    links::FailureReport last_failure;
  };

  StreamLinks(boost::asio::io_context& io, std::shared_ptr<const links::SecureContext> context,
              const StreamSettings& settings, std::span<const wire::shm::LinkRecord> links,
              Injector& injector, std::function<overlay::Now()> now);
  void take(Id id, std::span<const std::byte> message);
  void take(Id id, const links::TlsEvent& event);
  void connected(Link& link, Id id);
  void ended(Link& link, Id id, const links::TlsEvent& event);
  void note_refused(const links::FailureReport& failure);
  void call_later(Link& link);
  [[nodiscard]] bool is_better(const Link& link, Id id) const;
  [[nodiscard]] Link* link_of(Id id);
  [[nodiscard]] Link* link_at(std::uint16_t slot);
  [[nodiscard]] Link* link_to(const wire::reload::NodeId& peer);
  void tell(Link& link, bool usable);
  void note(const Link& link, overlay::Note::Level level, const std::string& what);

  Injector& injector_;
  std::function<overlay::Now()> now_;
  std::vector<links::TlsPeer> peers_;
  std::vector<Link> links_;
  std::unordered_map<std::uint16_t, std::size_t> by_slot_;
  std::unordered_map<Id, std::size_t> by_connection_;  // those that are up or called
  LinkChanges changes_;
  StreamCounters counters_;
  KeyLogSink key_log_;
  std::uint64_t refusals_counted_from_ns_ = 0;
  std::uint64_t refusals_ = 0;  // since then
  bool serving_ = false;
  std::uint64_t next_call_ns_ = 0;  // the first of all links
  links::TlsSockets sockets_;       // last: its hooks use all the others
};

}  // namespace controlplane::events
