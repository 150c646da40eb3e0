// SPDX-License-Identifier: Apache-2.0
// TLS links on TCP sockets: connects, listens, and carries bytes between sockets and TlsLinks.
//
// Single-threaded: everything runs in the io_context that was given. What strangers can make this
// node hold is limited: connections in all and per source address, and unauthenticated ones live no
// longer than TlsLinkSettings::handshake_ns.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "controlplane/links/tls_link.h"

namespace boost::asio {
class io_context;
}

namespace controlplane::links {

struct TlsSocketSettings {
  TlsLinkSettings link;
  std::size_t max_connections = 1024;  ///< both directions; more are closed as soon as accepted
  std::size_t max_per_source = 8;      ///< accepted ones of one address
  std::size_t max_handshakes = 128;    ///< accepted ones that are not authenticated yet
};

/// Somebody who may connect to this node.
struct TlsPeer {
  wire::reload::NodeId id;
  wire::shm::Endpoint remote;  ///< where it is called; see set_peers()
};

/// What happened so far; tls_socket_counter.def has the meanings.
struct TlsSocketCounters {
#define TLS_SOCKET_COUNTER(name, help) std::uint64_t name = 0;
#include "controlplane/links/tls_socket_counter.def"
#undef TLS_SOCKET_COUNTER
};

class TlsSockets {
 public:
  using Id = std::uint64_t;  ///< of a connection; never 0, never used again

  /// Both may call any function of TlsSockets. After kClosed the id means nothing.
  struct Hooks {
    std::function<void(Id, const TlsEvent&)> event;
    std::function<void(Id, std::span<const std::byte> message)> message;
    std::function<void(std::string_view line)> key_log;  ///< may be empty
  };

  /// @param io       outlives this
  /// @param context  for Transport::kStream
  /// @param now      asked whenever something happens
  TlsSockets(boost::asio::io_context& io, std::shared_ptr<const SecureContext> context,
             const TlsSocketSettings& settings, std::function<Now()> now, Hooks hooks);
  /// Closes all sockets without a word. No hook is called any more.
  ~TlsSockets();
  TlsSockets(const TlsSockets&) = delete;
  TlsSockets& operator=(const TlsSockets&) = delete;

  /// For connections that begin from now on.
  void set_context(std::shared_ptr<const SecureContext> context);
  /// Who may connect to this node; those already connected stay. Certificates say who connects,
  /// from wherever. With a shared secret, which all have, it is the one whose address it comes
  /// from.
  void set_peers(std::vector<TlsPeer> peers);
  /// Accepts connections at @p local, port 0 for any. False with @p why. May be called for several.
  [[nodiscard]] bool listen(const wire::shm::Endpoint& local, std::string& why);
  /// Where the last listen() listens; family 0 before any.
  [[nodiscard]] wire::shm::Endpoint listening_at() const;

  /// Calls @p peer at @p remote. The outcome comes as an event, kUp or kClosed, never from within
  /// this call.
  Id connect(const wire::shm::Endpoint& remote, const wire::reload::NodeId& peer);
  [[nodiscard]] TlsLink::Sent send(Id id, std::span<const std::byte> message);
  /// Says close_notify, gives what is under way a moment, closes. No event follows.
  void close(Id id);

  [[nodiscard]] const TlsLink* find(Id id) const;  ///< nullptr when it is over
  [[nodiscard]] std::size_t connections() const noexcept;
  [[nodiscard]] const TlsSocketCounters& counters() const noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace controlplane::links
