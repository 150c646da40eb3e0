// SPDX-License-Identifier: Apache-2.0
// The nodes this peer has links to, and what it knows of each.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "wire/reload/ids.h"
#include "wire/shm/layout.h"

namespace controlplane::topology::chord {

struct Link {
  wire::reload::NodeId id;
  std::uint64_t since_ns = 0;            ///< linked, failed, or usable again
  std::uint64_t wanted_ns = 0;           ///< the other end last showed that it needs the link
  std::uint64_t contacted_until_ns = 0;  ///< taken to be a peer till then, see below
  std::uint64_t table_ns = 0;            ///< its neighbours last came; 0: never
  std::uint64_t asked_ns = 0;            ///< they were last asked for
  std::uint64_t doubted_ns = 0;          ///< it was linked again, maybe as no peer; 0: no doubt
  std::uint64_t heard_ns = 0;            ///< a request or an answer last came over it
  std::uint64_t uptime_ns = 0;           ///< it last told its uptime; 0: never
  std::uint64_t checked_ns = 0;          ///< ours were last sent because somebody's did not agree
  std::uint32_t uptime_s = 0;            ///< what it told then
  std::uint32_t serial = 0;              ///< of this link, in tickets
  std::uint32_t sent_version = 0;        ///< of our Neighbor Table, in the last Update sent to it
  std::uint16_t slot = wire::shm::kNoLink;
  bool usable = true;
  /// It has sent an Update: it is a peer and takes transit traffic (G-02, X-34).
  bool ready = false;
  bool ours = false;         ///< made at our wish, so it is ours to close
  bool probed = false;       ///< asked for its uptime
  bool owed_update = false;  ///< it asked for an Update before we could send one

  /// May be in the Neighbor Table.
  [[nodiscard]] bool is_peer(std::uint64_t now_ns) const noexcept {
    return usable && (ready || contacted_until_ns > now_ns);
  }
  /// May be routed through.
  [[nodiscard]] bool routable() const noexcept { return usable && ready; }
};

/// Sorted by Node-ID. Some dozens of entries, so walks are cheap.
class LinkTable {
 public:
  [[nodiscard]] Link* find(const wire::reload::NodeId& id) noexcept;
  [[nodiscard]] const Link* find(const wire::reload::NodeId& id) const noexcept;
  [[nodiscard]] Link* by_slot(std::uint16_t slot) noexcept;
  [[nodiscard]] Link* by_serial(std::uint32_t serial) noexcept;
  /// The link to @p id, made if there is none.
  Link& make(const wire::reload::NodeId& id);
  void erase(const wire::reload::NodeId& id);

  [[nodiscard]] std::vector<Link>& all() noexcept { return links_; }
  [[nodiscard]] const std::vector<Link>& all() const noexcept { return links_; }

  /// The routable one that comes last in the interval (@p after, @p upto], or nullptr.
  [[nodiscard]] const Link* last_in(const wire::reload::NodeId& after,
                                    const wire::reload::NodeId& upto) const noexcept;
  /// The routable one that comes first behind @p point, or nullptr when none is routable.
  [[nodiscard]] const Link* first_behind(const wire::reload::NodeId& point) const noexcept;

 private:
  std::vector<Link> links_;
  std::uint32_t last_serial_ = 0;
};

}  // namespace controlplane::topology::chord
