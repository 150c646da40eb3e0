// SPDX-License-Identifier: Apache-2.0
#include "controlplane/links/handshakes.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "controlplane/links/cookie.h"
#include "controlplane/links/link_handshakes.h"
#include "wire/dtls/client_hello.h"

namespace controlplane::links {
namespace {

using wire::dtls::ClientHelloFault;

struct EndpointPairHash {
  std::size_t operator()(const EndpointPair& pair) const noexcept {
    static_assert(std::has_unique_object_representations_v<EndpointPair>);
    return std::hash<std::string_view>()(
        {reinterpret_cast<const char*>(&pair), sizeof(EndpointPair)});
  }
};

/// Whose peer was not known may have one by now.
bool is_same(const SecureLink& link, const SecureLink& old) {
  return link.generation == old.generation && link.endpoints == old.endpoints &&
         link.mtu == old.mtu && (link.peer == old.peer || link.peer == wire::reload::NodeId{});
}

}  // namespace

struct Handshakes::State {
  LinksShare share;
  CookieJar cookies;
  std::map<std::uint16_t, LinkHandshakes> links;  // by slot, so that every run steps alike
  std::unordered_map<EndpointPair, LinkHandshakes*, EndpointPairHash> by_endpoints;
  std::uint64_t due_ns = kNever;  // not after the earliest timer

  void look_at(const LinkHandshakes& link) { due_ns = std::min(due_ns, link.next_timer()); }
  [[nodiscard]] LinkHandshakes* find(std::uint16_t slot, std::uint8_t generation) {
    const auto found = links.find(slot);
    if (found == links.end() || found->second.link().generation != generation) return nullptr;
    return &found->second;
  }
  /// True: the hello is from where it says. Otherwise @p answer is to be sent there.
  [[nodiscard]] bool check_cookie(const Now& now, const EndpointPair& endpoints,
                                  const wire::dtls::ClientHello& hello, Bytes& answer);
};

Handshakes::Handshakes(const HandshakeSettings& settings,
                       std::shared_ptr<const SecureContext> context)
    : state_(std::make_unique<State>()) {
  state_->share.settings = settings;
  state_->share.context = std::move(context);
  state_->share.next_association = std::max<std::uint32_t>(settings.first_association, 1);
}

Handshakes::~Handshakes() = default;

void Handshakes::set_context(std::shared_ptr<const SecureContext> context) {
  state_->share.context = std::move(context);
}

void Handshakes::set_links(const Now& now, std::span<const SecureLink> links, Outputs& out) {
  State& state = *state_;
  state.by_endpoints.clear();
  for (auto at = state.links.begin(); at != state.links.end();) {
    LinkHandshakes& old = at->second;
    const bool stays = std::ranges::any_of(links, [&](const SecureLink& link) {
      return link.slot == old.link().slot && is_same(link, old.link());
    });
    if (!stays) old.close(out);
    at = stays ? std::next(at) : state.links.erase(at);
  }
  for (const SecureLink& link : links) {
    const auto [at, _] = state.links.try_emplace(link.slot, state.share, link, now.ns);
    state.by_endpoints.emplace(link.endpoints, &at->second);
    state.look_at(at->second);
  }
}

bool Handshakes::receive(const Now& now, const EndpointPair& endpoints,
                         std::span<const std::byte> datagram, Outputs& out) {
  State& state = *state_;
  HandshakeCounters& counters = state.share.counters;
  ++counters.datagrams;
  const auto found = state.by_endpoints.find(endpoints);
  if (found == state.by_endpoints.end()) {
    ++counters.unknown_source;
    return false;
  }
  wire::dtls::RecordHeader header;
  if (datagram.empty() || !wire::dtls::parse_record(datagram, 0, header).ok()) {
    ++counters.malformed;
    return true;
  }
  LinkHandshakes& link = *found->second;
  wire::dtls::ClientHello hello;
  Bytes answer;
  switch (wire::dtls::parse_client_hello(datagram, hello)) {
    case ClientHelloFault::kNone:
      if (state.check_cookie(now, endpoints, hello, answer)) {
        link.hear_client_hello(now, hello, datagram, out);
      } else {
        out.datagrams.push_back({link.link().slot, link.link().generation, std::move(answer)});
      }
      break;
    case ClientHelloFault::kNotClientHello:
      link.hear(now, datagram, out);
      break;
    case ClientHelloFault::kFragmented:
    case ClientHelloFault::kMalformed:
      ++counters.malformed;
      return true;
  }
  state.look_at(link);
  return true;
}

void Handshakes::meet(const Now& now, const Stranger& stranger, std::span<const std::byte> datagram,
                      Outputs& out) {
  State& state = *state_;
  if (!state.share.context->uses_certificates()) return;
  wire::dtls::ClientHello hello;
  if (wire::dtls::parse_client_hello(datagram, hello) != ClientHelloFault::kNone) {
    ++state.share.counters.malformed;
    return;
  }
  Bytes answer;
  if (!state.check_cookie(now, stranger.endpoints, hello, answer)) {
    out.replies.push_back({stranger, std::move(answer)});
  } else if (state.share.half_open >= state.share.settings.max_half_open) {
    ++state.share.counters.half_open_full;
  } else {
    out.admissions.push_back({stranger, Bytes(datagram.begin(), datagram.end())});
  }
}

bool Handshakes::State::check_cookie(const Now& now, const EndpointPair& endpoints,
                                     const wire::dtls::ClientHello& hello, Bytes& answer) {
  if (!hello.cookie.empty()) {
    if (cookies.knows(now.ns, endpoints, hello)) return true;
    ++share.counters.bad_cookies;  // as if it had none (RFC 6347 section 4.2.1)
  }
  const CookieJar::Cookie cookie = cookies.bake(now.ns, endpoints, hello);
  answer.resize(wire::dtls::kMaxHelloVerifyBytes);
  answer.resize(wire::dtls::write_hello_verify_request(hello, cookie, answer));
  ++share.counters.hello_verify_requests;
  return false;
}

void Handshakes::tick(const Now& now, Outputs& out) {
  State& state = *state_;
  if (now.ns < state.due_ns) return;
  state.due_ns = kNever;
  for (auto& [slot, link] : state.links) {
    if (link.next_timer() <= now.ns) link.tick(now, out);
    state.look_at(link);
  }
}

std::uint64_t Handshakes::next_timer() const noexcept { return state_->due_ns; }

void Handshakes::want_association(const Now& now, std::uint16_t slot, std::uint8_t generation,
                                  std::uint32_t association, Outputs& out) {
  LinkHandshakes* link = state_->find(slot, generation);
  if (link == nullptr) return;
  link->want_association(now, association);
  link->tick(now, out);
  state_->look_at(*link);
}

void Handshakes::adopt(const Now& now, std::uint16_t slot, std::uint8_t generation,
                       std::uint32_t association) {
  if (LinkHandshakes* link = state_->find(slot, generation)) link->adopt(now, association);
}

void Handshakes::dataplane_restarted(const Now& now) {
  for (auto& [slot, link] : state_->links) {
    link.dataplane_restarted(now);
    state_->look_at(link);
  }
}

void Handshakes::log_keys(bool on) noexcept { state_->share.log_keys = on; }

const HandshakeCounters& Handshakes::counters() const noexcept { return state_->share.counters; }
std::size_t Handshakes::half_open() const noexcept { return state_->share.half_open; }

std::vector<LinkSecurity> Handshakes::status() const {
  std::vector<LinkSecurity> rows;
  rows.reserve(state_->links.size());
  for (const auto& [slot, link] : state_->links) rows.push_back(link.status());
  return rows;
}

}  // namespace controlplane::links
