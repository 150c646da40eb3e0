// SPDX-License-Identifier: Apache-2.0
// Links that come and go: what the core asks for (OpenLink, bootstrap) becomes slots, handshakes
// and commands, and what comes of it becomes inputs of the core. Also admits nodes that ask for a
// link because this one is their bootstrap node (RFC 6940 section 11.4).
//
//            carry_out()                add(), admit()
//   core  ------------------> this  ---------------------> SecureLinks --> dataplane
//         <------------------       <---------------------
//            take_inputs()              LinkChanges
//
// All of them are DTLS links between service ports, so a pair of addresses names a pair of nodes.
// A slot that becomes free is given out again as late as possible, with the next generation:
// opaque IDs of messages that are under way name both. On the control plane's one thread.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "config/node_config.h"
#include "controlplane/events/link_changes.h"
#include "controlplane/events/secure_links.h"
#include "controlplane/overlay/io.h"
#include "controlplane/publish/commands.h"

namespace controlplane::events {

struct OverlayLinkSettings {
  config::Dataplane dataplane;
  std::vector<wire::shm::Endpoint> bootstrap;  ///< called in turn; own addresses are left out
  wire::shm::LinkClass link_class = wire::shm::LinkClass::kBackbone;
  /// A stranger, or a bootstrap node, has so long for its handshake.
  std::uint64_t handshake_ns = 5 * links::kSecond;
  /// Between the last word to a peer and the end of the link in the dataplane.
  std::uint64_t farewell_ns = links::kSecond / 5;
  std::size_t max_strangers = 32;  ///< whose handshakes are going on
};

class OverlayLinks {
 public:
  /// @param secure, commands  outlive this object
  OverlayLinks(OverlayLinkSettings settings, SecureLinks& secure, publish::Commands& commands,
               overlay::RandomSource random);

  /// open_links, close_links, forget_links and bootstrap of @p wishes.
  void carry_out(const overlay::Now& now, const overlay::Outputs& wishes, LinkChanges& changes);
  /// Takes from @p changes what happened to links of this object, and what strangers asked for.
  void follow(const overlay::Now& now, LinkChanges& changes);
  /// Whether a link works, as the dataplane says of it.
  void hear(const wire::shm::Event& event);
  /// Whose time is over. At every turn.
  void turn(const overlay::Now& now, LinkChanges& changes);
  /// For the core, in order.
  [[nodiscard]] std::vector<overlay::Input> take_inputs();

  /// All links the dataplane has or is about to have.
  [[nodiscard]] std::vector<wire::shm::LinkRecord> records() const;
  /// Rises with every change of records().
  [[nodiscard]] std::uint64_t version() const noexcept { return version_; }
  [[nodiscard]] std::uint64_t strangers_refused() const noexcept { return strangers_refused_; }

 private:
  enum class State : std::uint8_t {
    kForming,  ///< no handshake has ended well
    kSecured,  ///< the dataplane is about to have the keys
    kOpen,     ///< the core knows it
    kLeaving,  ///< the core knows it no more
  };
  struct Link {
    wire::shm::LinkRecord record;
    State state = State::kForming;
    bool is_asked_for = false;                 ///< by OpenLink
    bool has_failed = false;                   ///< no acks come: its peer may have forgotten it
    bool is_bootstrap = false;                 ///< the bootstrap wish waits for it
    std::uint64_t until_ns = overlay::kNever;  ///< end of kForming, kSecured, kLeaving
  };

  void open(const overlay::Now& now, const overlay::OpenLink& wish, LinkChanges& changes);
  void forget(const overlay::Now& now, const wire::reload::NodeId& peer, LinkChanges& changes);
  void admit(const overlay::Now& now, const links::Admission& admission, LinkChanges& changes);
  void call_next_bootstrap(const overlay::Now& now, LinkChanges& changes);
  void bootstrap_ended(const std::optional<wire::reload::NodeId>& node);
  /// Gives @p record a slot; nullptr without one.
  Link* take_slot(wire::shm::LinkRecord record);
  void leave(const overlay::Now& now, Link& link, LinkChanges& changes);
  void take_away(const Link& link);
  /// At once, for another link between the same ends.
  void make_way(const overlay::Now& now, Link& link, LinkChanges& changes);
  void give_up(const overlay::Now& now, Link& link, LinkChanges& changes);
  void opened(const overlay::Now& now, Link& link, LinkChanges& changes);
  [[nodiscard]] Link* at(const overlay::Ingress& link);
  [[nodiscard]] Link* with_ends(const wire::shm::LinkRecord& record);
  [[nodiscard]] Link* forming_to(const wire::reload::NodeId& peer);
  [[nodiscard]] std::size_t strangers() const;

  OverlayLinkSettings settings_;
  SecureLinks& secure_;
  publish::Commands& commands_;
  std::map<std::uint16_t, Link> links_;  // by slot
  std::vector<std::uint8_t> generations_;
  std::uint16_t next_slot_ = 0;
  std::size_t next_bootstrap_;
  std::size_t bootstrap_left_ = 0;  // addresses to be tried for the wish that is being carried out
  bool bootstrapping_ = false;
  std::vector<overlay::Input> inputs_;
  std::uint64_t strangers_refused_ = 0;
  std::uint64_t version_ = 1;
};

}  // namespace controlplane::events
