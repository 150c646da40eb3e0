// SPDX-License-Identifier: Apache-2.0
#include "bench/baseline/socket_forwarder.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <poll.h>

#include <algorithm>
#include <cstring>

#include "wire/byte_order.h"
#include "wire/reload/destination.h"
#include "wire/reload/message_contents.h"

namespace bench::baseline {

using namespace wire::reload;

namespace {

/// The only generation a link ever has.
constexpr std::uint8_t kGeneration = 1;

const unsigned char* octets(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}

}  // namespace

SocketForwarder::SocketForwarder(const Setting& setting) : setting_(setting) {}

void SocketForwarder::add_link(const NodeId& peer, std::unique_ptr<UdpSocket> socket,
                               std::unique_ptr<DtlsEnd> dtls) {
  const Route route{peer, links_.size()};
  routes_.insert(std::ranges::upper_bound(routes_, peer, {}, &Route::id), route);
  Link link;
  link.peer = peer;
  link.socket = std::move(socket);
  link.dtls = std::move(dtls);
  links_.push_back(std::move(link));
}

bool SocketForwarder::add_signer(const SignerKey& id, std::span<const std::byte> spki) {
  const unsigned char* at = octets(spki.data());
  const OpensslPointer<EVP_PKEY, EVP_PKEY_free> key(
      d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
  Check check(EVP_MD_CTX_new());
  // The context keeps a reference to the key.
  const bool good = key != nullptr && check != nullptr && EVP_PKEY_is_a(key.get(), "ED25519") &&
                    EVP_DigestVerifyInit(check.get(), nullptr, nullptr, nullptr, key.get()) == 1;
  if (good) signers_.insert_or_assign(id, std::move(check));
  ERR_clear_error();
  return good;
}

std::size_t SocketForwarder::turn() {
  std::size_t taken = 0;
  for (std::size_t from = 0; from < links_.size(); ++from) {
    for (const std::span<const std::byte> datagram : links_[from].socket->receive()) {
      take_datagram(from, datagram);
      ++taken;
    }
  }
  for (const Link& link : links_) link.socket->flush();
  counters_.datagrams += taken;
  return taken;
}

void SocketForwarder::wait(int most_ms) const {
  std::vector<pollfd> sockets;
  for (const Link& link : links_) sockets.push_back({link.socket->descriptor(), POLLIN, 0});
  (void)::poll(sockets.data(), sockets.size(), most_ms);
}

void SocketForwarder::send(Link& link, std::span<const std::byte> frame) {
  const std::span<std::byte> room = link.socket->room();
  if (link.dtls == nullptr) {
    std::ranges::copy(frame, room.begin());
    link.socket->push(frame.size());
  } else if (const std::size_t bytes = link.dtls->seal(frame, room); bytes != 0) {
    link.socket->push(bytes);
  }
}

void SocketForwarder::take_datagram(std::size_t from, std::span<const std::byte> datagram) {
  Link& link = links_[from];
  std::span<const std::byte> plain = datagram;
  if (link.dtls != nullptr) {
    plain = std::span(opened_).first(link.dtls->open(datagram, opened_));
    if (plain.empty()) {
      ++counters_.bad_records;
      return;
    }
  }
  Frame frame;
  if (!parse_frame(plain, frame).ok()) {
    ++counters_.malformed;
    return;
  }
  if (frame.is_ack) {
    ++counters_.acks;
    // Ahead of the newest ack, and of a frame that was sent.
    if (frame.sequence - link.acked <= link.sent - link.acked) link.acked = frame.sequence;
    return;
  }
  std::array<std::byte, kAckFrameBytes> ack;
  write_ack_frame(frame.sequence, link.received.note(frame.sequence), ack);
  send(link, ack);
  take_message(from, frame.message);
}

void SocketForwarder::take_message(std::size_t from, std::span<const std::byte> message) {
  ForwardingHeader header;
  MessageContents contents;
  if (!parse_forwarding_header(message, header).ok() ||
      !parse_message_contents(message.subspan(header.size()), contents).ok() ||
      kDataFrameOverhead + message.size() + kCompactEntryBytes + kNodeEntryBytes > framed_.size()) {
    ++counters_.malformed;
    return;
  }
  if (header.overlay != setting_.overlay) {
    ++counters_.wrong_overlay;
    return;
  }
  if (header.ttl == 0) {
    ++counters_.ttl_exceeded;
    return;
  }
  if (setting_.verify && !signature_holds(message, contents.encoded)) return;
  const std::optional<Hop> hop =
      route(message.subspan(header.destination_list_offset(), header.destination_list_length));
  if (!hop) {
    ++counters_.no_route;
    return;
  }
  std::array<std::byte, kCompactEntryBytes> via;
  wire::store_be16(via.data(), CompactId{static_cast<std::uint16_t>(from), kGeneration}.encode());
  const bool via_wanted = is_request(contents.message_code);  // B-17
  forward(*hop, std::span(via).first(via_wanted ? via.size() : 0), message, header);
}

/// Counts why, when it does not. @param contents  of @p message, where they lie in it
bool SocketForwarder::signature_holds(std::span<const std::byte> message,
                                      std::span<const std::byte> contents) {
  const auto behind = static_cast<std::size_t>(contents.data() + contents.size() - message.data());
  SecurityBlock block;
  if (!parse_security_block(message.subspan(behind), block).ok()) {
    ++counters_.malformed;
    return false;
  }
  const auto signer = signers_.find(block.signature.signer);
  if (signer == signers_.end() || block.signature.scheme != SignatureScheme::kEd25519) {
    ++counters_.signer_unknown;
    return false;
  }
  // Ed25519 needs the message in one piece.
  std::size_t size = 0;
  for (const std::span<const std::byte> part :
       signed_parts(message, contents, block.signature.identity)) {
    std::memcpy(signed_.data() + size, part.data(), part.size());
    size += part.size();
  }
  const std::span<const std::byte> value = block.signature.value;
  if (EVP_DigestVerify(signer->second.get(), octets(value.data()), value.size(),
                       octets(signed_.data()), size) == 1) {
    return true;
  }
  ERR_clear_error();
  ++counters_.bad_signature;
  return false;
}

/// RFC 6940 section 10.3: the link to @p target, or to the last peer before it on the ring.
std::optional<std::size_t> SocketForwarder::link_towards(const NodeId& target) const {
  if (routes_.empty()) return std::nullopt;
  const auto above = std::ranges::upper_bound(routes_, target, {}, &Route::id);
  return (above == routes_.begin() ? routes_.back() : *(above - 1)).link;
}

std::optional<SocketForwarder::Hop> SocketForwarder::route(
    std::span<const std::byte> destinations) const {
  const std::size_t listed = destinations.size();
  while (!destinations.empty()) {
    Destination head;
    if (!read_destination(destinations, head).ok()) return std::nullopt;
    std::optional<std::size_t> link;
    std::size_t pop_bytes = listed - destinations.size();
    if (head.type == DestinationType::kNode && head.node_id() == setting_.self) {
      destinations = destinations.subspan(head.entry.size());
      continue;
    }
    if (head.type == DestinationType::kNode) {
      link = link_towards(head.node_id());
    } else if (head.type == DestinationType::kResource && head.value.size() == kNodeIdBytes) {
      link = link_towards(NodeId::from(head.value.first<kNodeIdBytes>()));
    } else if (head.compact) {
      const CompactId id = CompactId::decode(wire::load_be16(head.value.data()));
      if (id.slot < links_.size() && id.generation == kGeneration) link = id.slot;
      pop_bytes += head.entry.size();
    }
    if (!link) return std::nullopt;
    return Hop{*link, pop_bytes, head.compact};
  }
  return std::nullopt;
}

void SocketForwarder::forward(const Hop& hop, std::span<const std::byte> via,
                              std::span<const std::byte> message, const ForwardingHeader& header) {
  Link& link = links_[hop.link];
  if (link.sent - link.acked >= kWindow) {
    ++counters_.window_full;
    return;
  }
  // The frame's header, the message's with its Via List, the new entries, what is left.
  std::byte* const start = framed_.data() + kDataFrameOverhead;
  const std::size_t front = header.destination_list_offset();
  std::memcpy(start, message.data(), front);
  std::byte* at = start + front;
  std::memcpy(at, via.data(), via.size());
  at += via.size();
  const std::size_t pushed =
      hop.push_node ? write_node_entry(link.peer, std::span(at, kNodeEntryBytes)) : 0;
  at += pushed;
  const std::span<const std::byte> rest = message.subspan(front + hop.pop_bytes);
  std::memcpy(at, rest.data(), rest.size());

  ForwardingHeader changed = header;
  changed.ttl = static_cast<std::uint8_t>(header.ttl - 1);
  changed.via_list_length = static_cast<std::uint16_t>(header.via_list_length + via.size());
  changed.destination_list_length =
      static_cast<std::uint16_t>(header.destination_list_length + pushed - hop.pop_bytes);
  changed.length = static_cast<std::uint32_t>(at - start) + static_cast<std::uint32_t>(rest.size());
  write_forwarding_header(changed, {start, kFixedHeaderBytes});
  write_data_frame_header(++link.sent, changed.length, framed_);
  send(link, std::span(framed_).first(kDataFrameOverhead + changed.length));
  ++counters_.forwarded;
}

}  // namespace bench::baseline
