// SPDX-License-Identifier: Apache-2.0
#include "controlplane/links/tls_sockets.h"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstring>
#include <map>
#include <unordered_map>
#include <utility>

namespace controlplane::links {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kReadBytes = 16384;
// A connection that is over has so long to get its last words out.
constexpr std::chrono::seconds kLastWords{2};
// The kernel says that it has no descriptors: wait, instead of asking again at once.
constexpr std::chrono::milliseconds kAcceptPause{100};

tcp::endpoint to_asio(const wire::shm::Endpoint& endpoint) {
  if (endpoint.family == 6) {
    asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), endpoint.address.data(), bytes.size());
    return {asio::ip::address_v6(bytes), endpoint.port};
  }
  asio::ip::address_v4::bytes_type bytes;
  std::memcpy(bytes.data(), endpoint.address.data() + 12, bytes.size());
  return {asio::ip::address_v4(bytes), endpoint.port};
}

wire::shm::Endpoint from_asio(const tcp::endpoint& endpoint) {
  wire::shm::Endpoint made;
  made.port = endpoint.port();
  if (endpoint.address().is_v6()) {
    const auto bytes = endpoint.address().to_v6().to_bytes();
    std::memcpy(made.address.data(), bytes.data(), bytes.size());
    made.family = 6;
  } else {
    const auto bytes = endpoint.address().to_v4().to_bytes();
    std::memcpy(made.address.data() + 12, bytes.data(), bytes.size());
    made.family = 4;
  }
  return made;
}

}  // namespace

struct TlsSockets::State : std::enable_shared_from_this<TlsSockets::State> {
  /// One socket. Handlers hold it, so it outlives its row in `connections`. It counts against the
  /// limits until the socket is closed.
  struct Connection {
    Connection(State& owner, Id its_id, tcp::socket its_socket)
        : id(its_id), socket(std::move(its_socket)), timer(owner.io) {}
    Id id;
    tcp::socket socket;
    asio::steady_timer timer;
    std::unique_ptr<TlsLink> link;
    asio::ip::address source;  // of an accepted one
    bool accepted = false;
    bool counted_as_handshake = false;
    bool ready = false;  // connected: may read and write
    bool reading = false;
    bool over = false;      // its row is gone; only last words are left
    bool finished = false;  // the socket is closed
    std::uint64_t timer_at_ns = kNever;
    Bytes writing;
    std::array<std::byte, kReadBytes> room;
  };
  using Handle = std::shared_ptr<Connection>;
  struct Listener {
    explicit Listener(asio::io_context& io) : acceptor(io), pause(io) {}
    tcp::acceptor acceptor;
    asio::steady_timer pause;
  };

  State(asio::io_context& its_io, std::shared_ptr<const SecureContext> its_context,
        const TlsSocketSettings& its_settings, std::function<Now()> its_now, Hooks its_hooks)
      : io(its_io),
        context(std::move(its_context)),
        settings(its_settings),
        now(std::move(its_now)),
        hooks(std::move(its_hooks)) {}

  asio::io_context& io;
  std::shared_ptr<const SecureContext> context;
  TlsSocketSettings settings;
  std::function<Now()> now;
  Hooks hooks;
  std::vector<TlsPeer> peers;
  std::vector<std::shared_ptr<Listener>> listeners;
  std::unordered_map<Id, Handle> connections;
  std::map<asio::ip::address, std::size_t> per_source;
  std::size_t sockets = 0;
  std::size_t handshakes = 0;
  Id next_id = 1;
  TlsSocketCounters counters;
  bool stopped = false;

  void accept(const std::shared_ptr<Listener>& listener);
  void take(tcp::socket socket);
  [[nodiscard]] bool has_room_for(const asio::ip::address& source);
  [[nodiscard]] std::vector<wire::reload::NodeId> expected_from(
      const asio::ip::address& source) const;
  Handle add(tcp::socket socket, Role role, std::vector<wire::reload::NodeId> any_of);
  void read(const Handle& connection);
  void write(const Handle& connection);
  void set_timer(const Handle& connection);
  void end_of_stream(const Handle& connection);
  /// Carries out what a step of the link gave, then goes on reading, writing and waiting.
  void settle(const Handle& connection, TlsOutputs& out);
  void forget(const Handle& connection);
  void finish(const Handle& connection);
  void stop();
};

// --- connections ---------------------------------------------------------------------------------

void TlsSockets::State::accept(const std::shared_ptr<Listener>& listener) {
  listener->acceptor.async_accept(
      [self = shared_from_this(), listener](const error_code& error, tcp::socket socket) {
        if (self->stopped || error == asio::error::operation_aborted) return;
        if (!error) {
          self->take(std::move(socket));
          return self->accept(listener);
        }
        listener->pause.expires_after(kAcceptPause);
        listener->pause.async_wait([self, listener](const error_code& aborted) {
          if (!aborted && !self->stopped) self->accept(listener);
        });
      });
}

bool TlsSockets::State::has_room_for(const asio::ip::address& source) {
  if (sockets >= settings.max_connections) {
    ++counters.refused_full;
  } else if (const auto at = per_source.find(source);
             at != per_source.end() && at->second >= settings.max_per_source) {
    ++counters.refused_source;
  } else if (handshakes >= settings.max_handshakes) {
    ++counters.refused_handshakes;
  } else {
    return true;
  }
  return false;
}

std::vector<wire::reload::NodeId> TlsSockets::State::expected_from(
    const asio::ip::address& source) const {
  std::vector<wire::reload::NodeId> expected;
  for (const TlsPeer& peer : peers) {
    if (context->uses_certificates() || to_asio(peer.remote).address() == source) {
      expected.push_back(peer.id);
    }
  }
  // One secret behind one address: nothing tells two peers apart.
  if (!context->uses_certificates() && expected.size() > 1) expected.clear();
  return expected;
}

void TlsSockets::State::take(tcp::socket socket) {
  error_code error;
  const tcp::endpoint remote = socket.remote_endpoint(error);
  if (error) return;  // closes it
  std::vector<wire::reload::NodeId> any_of = expected_from(remote.address());
  if (any_of.empty()) {
    ++counters.refused_stranger;
    return;
  }
  if (!has_room_for(remote.address())) return;
  ++counters.accepted;
  ++handshakes;
  ++per_source[remote.address()];
  socket.set_option(tcp::no_delay(true), error);
  socket.set_option(asio::socket_base::keep_alive(true), error);
  const Handle connection = add(std::move(socket), Role::kServer, std::move(any_of));
  connection->accepted = connection->counted_as_handshake = connection->ready = true;
  connection->source = remote.address();
  TlsOutputs out;
  settle(connection, out);
}

TlsSockets::State::Handle TlsSockets::State::add(tcp::socket socket, Role role,
                                                 std::vector<wire::reload::NodeId> any_of) {
  const auto connection = std::make_shared<Connection>(*this, next_id++, std::move(socket));
  connection->link =
      std::make_unique<TlsLink>(context, role, std::move(any_of), settings.link, now());
  connections.emplace(connection->id, connection);
  ++sockets;
  return connection;
}

/// The connection is over for everybody but the socket, which gets a moment for what is under way.
void TlsSockets::State::forget(const Handle& connection) {
  if (std::exchange(connection->over, true)) return;
  connections.erase(connection->id);
  ++counters.closed;
  if (std::exchange(connection->counted_as_handshake, false)) --handshakes;
  if (!connection->ready) return finish(connection);  // there is nobody to tell
  connection->timer.expires_after(kLastWords);
  connection->timer.async_wait([self = shared_from_this(), connection](const error_code& aborted) {
    if (!aborted) self->finish(connection);
  });
}

void TlsSockets::State::finish(const Handle& connection) {
  if (std::exchange(connection->finished, true)) return;
  error_code ignored;
  connection->socket.close(ignored);
  connection->timer.cancel();
  --sockets;
  if (!connection->accepted) return;
  const auto at = per_source.find(connection->source);
  if (--at->second == 0) per_source.erase(at);
}

// --- bytes ---------------------------------------------------------------------------------------

void TlsSockets::State::read(const Handle& connection) {
  if (!connection->ready || connection->reading || connection->finished) return;
  // When it is over, reading goes on to no purpose but to see the end: a socket closed with unread
  // bytes resets the connection, and the peer might lose our alert.
  if (!connection->over && !connection->link->wants_input()) return;
  connection->reading = true;
  connection->socket.async_read_some(
      asio::buffer(connection->room),
      [self = shared_from_this(), connection](const error_code& error, std::size_t length) {
        connection->reading = false;
        if (self->stopped) return;
        if (connection->over) {
          return error ? self->finish(connection) : self->read(connection);
        }
        if (error) return self->end_of_stream(connection);
        self->counters.bytes_in += length;
        TlsOutputs out;
        connection->link->receive(self->now(), std::span(connection->room).first(length), out);
        self->settle(connection, out);
      });
}

void TlsSockets::State::write(const Handle& connection) {
  if (!connection->ready || !connection->writing.empty() || connection->finished) return;
  connection->writing = connection->link->take_output();
  if (connection->writing.empty()) {
    error_code ignored;
    if (connection->over) connection->socket.shutdown(tcp::socket::shutdown_send, ignored);
    return;
  }
  asio::async_write(
      connection->socket, asio::buffer(connection->writing),
      [self = shared_from_this(), connection](const error_code& error, std::size_t length) {
        connection->writing.clear();
        self->counters.bytes_out += length;
        if (self->stopped) return;
        connection->link->note_written(self->now(), length);
        if (error && connection->over) return self->finish(connection);
        if (error) return self->end_of_stream(connection);
        TlsOutputs out;
        self->settle(connection, out);
      });
}

void TlsSockets::State::end_of_stream(const Handle& connection) {
  TlsOutputs out;
  connection->link->end_of_stream(now(), out);
  settle(connection, out);
}

void TlsSockets::State::set_timer(const Handle& connection) {
  const std::uint64_t due = connection->link->next_timer();
  // A timer that goes off too early finds nothing due; to set it at every packet costs more.
  if (connection->over || due >= connection->timer_at_ns) return;
  connection->timer_at_ns = due;
  const std::uint64_t at = now().ns;
  connection->timer.expires_after(std::chrono::nanoseconds(due > at ? due - at : 0));
  connection->timer.async_wait([self = shared_from_this(), connection](const error_code& aborted) {
    if (aborted || self->stopped || connection->over) return;
    connection->timer_at_ns = kNever;
    TlsOutputs out;
    connection->link->tick(self->now(), out);
    self->settle(connection, out);
  });
}

void TlsSockets::State::settle(const Handle& connection, TlsOutputs& out) {
  for (const std::string& line : out.key_log) {
    if (hooks.key_log) hooks.key_log(line);
  }
  std::size_t given = 0;
  // Messages of a step came after it was up, and before it was closed.
  for (const TlsEvent& event : out.events) {
    if (event.kind == TlsEvent::Kind::kUp) {
      ++counters.up;
      if (std::exchange(connection->counted_as_handshake, false)) --handshakes;
    } else {
      for (; given < out.messages.size() && !stopped && !connection->over; ++given) {
        hooks.message(connection->id, out.messages[given]);
      }
    }
    if (stopped || connection->over) break;
    if (event.kind == TlsEvent::Kind::kClosed) forget(connection);
    hooks.event(connection->id, event);
  }
  for (; given < out.messages.size() && !stopped && !connection->over; ++given) {
    hooks.message(connection->id, out.messages[given]);
  }
  if (stopped) return;
  write(connection);
  read(connection);
  set_timer(connection);
}

void TlsSockets::State::stop() {
  stopped = true;
  for (const auto& listener : listeners) {
    listener->acceptor.close();
    listener->pause.cancel();
  }
  for (const auto& [id, connection] : connections) {
    connection->socket.close();
    connection->timer.cancel();
  }
  connections.clear();
}

// --- the interface -------------------------------------------------------------------------------

TlsSockets::TlsSockets(asio::io_context& io, std::shared_ptr<const SecureContext> context,
                       const TlsSocketSettings& settings, std::function<Now()> now, Hooks hooks)
    : state_(std::make_shared<State>(io, std::move(context), settings, std::move(now),
                                     std::move(hooks))) {}

TlsSockets::~TlsSockets() { state_->stop(); }

void TlsSockets::set_context(std::shared_ptr<const SecureContext> context) {
  state_->context = std::move(context);
}

void TlsSockets::set_peers(std::vector<TlsPeer> peers) { state_->peers = std::move(peers); }

bool TlsSockets::listen(const wire::shm::Endpoint& local, std::string& why) {
  const auto listener = std::make_shared<State::Listener>(state_->io);
  const tcp::endpoint endpoint = to_asio(local);
  error_code error;
  listener->acceptor.open(endpoint.protocol(), error);
  if (!error) listener->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && local.family == 6) {
    listener->acceptor.set_option(asio::ip::v6_only(true), error);
  }
  if (!error) listener->acceptor.bind(endpoint, error);
  if (!error) listener->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    why = error.message();
    return false;
  }
  state_->listeners.push_back(listener);
  state_->accept(listener);
  return true;
}

wire::shm::Endpoint TlsSockets::listening_at() const {
  if (state_->listeners.empty()) return {};
  error_code error;
  return from_asio(state_->listeners.back()->acceptor.local_endpoint(error));
}

TlsSockets::Id TlsSockets::connect(const wire::shm::Endpoint& remote,
                                   const wire::reload::NodeId& peer) {
  ++state_->counters.connected;
  const State::Handle connection = state_->add(tcp::socket(state_->io), Role::kClient, {peer});
  connection->socket.async_connect(
      to_asio(remote), [state = state_, connection](const error_code& error) {
        if (state->stopped || connection->over) return;
        if (error) return state->end_of_stream(connection);
        connection->ready = true;
        error_code ignored;
        connection->socket.set_option(tcp::no_delay(true), ignored);
        connection->socket.set_option(asio::socket_base::keep_alive(true), ignored);
        TlsOutputs out;
        state->settle(connection, out);
      });
  state_->set_timer(connection);
  return connection->id;
}

TlsLink::Sent TlsSockets::send(Id id, std::span<const std::byte> message) {
  const auto at = state_->connections.find(id);
  if (at == state_->connections.end()) return TlsLink::Sent::kNotUp;
  const State::Handle connection = at->second;
  const TlsLink::Sent sent = connection->link->send(state_->now(), message);
  state_->write(connection);
  state_->set_timer(connection);
  return sent;
}

void TlsSockets::close(Id id) {
  const auto at = state_->connections.find(id);
  if (at == state_->connections.end()) return;
  const State::Handle connection = at->second;
  connection->link->close(state_->now());
  state_->forget(connection);
  state_->write(connection);
  state_->read(connection);
}

const TlsLink* TlsSockets::find(Id id) const {
  const auto at = state_->connections.find(id);
  return at == state_->connections.end() ? nullptr : at->second->link.get();
}

std::size_t TlsSockets::connections() const noexcept { return state_->connections.size(); }
const TlsSocketCounters& TlsSockets::counters() const noexcept { return state_->counters; }

}  // namespace controlplane::links
