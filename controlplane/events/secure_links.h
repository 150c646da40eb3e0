// SPDX-License-Identifier: Apache-2.0
// Joins the handshakes of secure links to the dataplane that serves them: datagrams it handed up go
// in; keys, datagrams and records go down.
//
// Keys go into the command ring before the datagrams of the same step go into the lcores' rings.
// They can still be overtaken there; the dataplane holds records that come before their keys.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "controlplane/events/injector.h"
#include "controlplane/events/link_changes.h"
#include "controlplane/links/handshakes.h"
#include "controlplane/overlay/io.h"
#include "controlplane/publish/commands.h"
#include "wire/shm/region.h"

namespace controlplane::events {

class SecureLinks {
 public:
  /// @param settings  but first_association, which follows from what the dataplane has
  /// @param context   for Transport::kDatagram
  /// @param links     all links of the node; those that are not kDtls are left alone
  /// @param region, commands, injector  outlive this object
  SecureLinks(links::HandshakeSettings settings,
              std::shared_ptr<const links::SecureContext> context,
              std::span<const wire::shm::LinkRecord> links, const wire::shm::NodeRegion& region,
              publish::Commands& commands, Injector& injector, const overlay::Now& now);

  /// One more link. The dataplane is told of it here, and again when its peer becomes known.
  /// @param initiative  whose its first handshake is
  void add(const overlay::Now& now, const wire::shm::LinkRecord& link, links::Initiative initiative,
           LinkChanges& changes);
  /// The link of a node that asked for one: LinkChanges::admissions. @p link has its endpoints.
  void admit(const overlay::Now& now, const wire::shm::LinkRecord& link,
             const links::Admission& admission, LinkChanges& changes);
  /// Takes a link away, after a last word to its peer; the caller gives the dataplane the time to
  /// send it before it takes the link from there.
  void remove(const overlay::Now& now, std::uint16_t slot, LinkChanges& changes);
  /// Whether nodes that have no link may ask for one. At first they may not.
  void take_strangers(bool on) noexcept { takes_strangers_ = on; }

  /// There is a dataplane that this process has told nothing yet: a new one, without keys, or one
  /// that ran before this process and kept the keys of its links. Call behind the resync.
  void meet_dataplane(const overlay::Now& now, LinkChanges& changes);
  /// Which links have keys, as the dataplane says. All of them, before anything else was told.
  void look(LinkChanges& changes);
  /// A record of PacketKind::kHandshake.
  void receive(const overlay::Now& now, const wire::shm::PacketRecord& record,
               LinkChanges& changes);
  /// An event of kind kAssociationWanted, from the dataplane or an operator.
  void want(const overlay::Now& now, const wire::shm::Event& event, LinkChanges& changes);
  /// Timers, and look() now and then. While a dataplane runs, at every turn.
  void turn(const overlay::Now& now, LinkChanges& changes);

  /// Takes the key log line of each handshake that begins from now on; empty switches that off, as
  /// it is at first. A line is secret: with it, what the link carries can be read.
  using KeyLogSink = std::function<void(std::string_view line)>;
  void log_keys(KeyLogSink sink);

  [[nodiscard]] const links::HandshakeCounters& counters() const noexcept {
    return handshakes_.counters();
  }
  [[nodiscard]] std::size_t half_open() const noexcept { return handshakes_.half_open(); }
  [[nodiscard]] std::vector<links::LinkSecurity> status() const { return handshakes_.status(); }

 private:
  struct Link {
    wire::shm::LinkRecord record;
    bool has_keys = true;  ///< as the core was told; it begins with links that can carry
    links::Initiative initiative = links::Initiative::kLowerNodeId;
  };
  struct Noted {
    links::Failure failure = links::Failure::kNone;
    std::uint64_t at_ns = 0;
  };
  /// The number of the keys the dataplane sends with on this very link; 0 when it has none.
  [[nodiscard]] std::uint32_t association_of(const wire::shm::LinkRecord& link) const noexcept;
  void set_links(const overlay::Now& now);
  void meet_peers(LinkChanges& changes);
  void carry_out(const overlay::Now& now, LinkChanges& changes);
  void note(const overlay::Now& now, const links::LinkReport& report, LinkChanges& changes);

  const wire::shm::NodeRegion& region_;
  publish::Commands& commands_;
  Injector& injector_;
  std::vector<Link> links_;
  links::Handshakes handshakes_;
  links::Outputs out_;
  std::map<std::uint16_t, Noted> noted_;  // by slot: the last failure in the log
  KeyLogSink key_log_;
  std::uint64_t next_look_ns_ = 0;
  bool takes_strangers_ = false;
};

}  // namespace controlplane::events
