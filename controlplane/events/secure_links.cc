// SPDX-License-Identifier: Apache-2.0

#include "controlplane/events/secure_links.h"

#include <string.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "config/node_config.h"

namespace controlplane::events {

using links::LinkReport;
using overlay::Note;
using overlay::Now;
using wire::shm::Command;
using wire::shm::CommandKind;
using wire::shm::LinkProtocol;
using wire::shm::LinkRecord;
using wire::shm::LinkStatus;

namespace {

/// How often it is looked at which links have keys: routes follow within this time.
constexpr std::uint64_t kLookNs = 20 * overlay::kMillisecond;
/// A link that fails the same way again and again says so once in this time.
constexpr std::uint64_t kSameFailureNs = 60 * links::kSecond;

/// Above any number this node has used: those the dataplane has now, and, because they are handed
/// out more slowly than seconds pass, also those it had before.
std::uint32_t first_association(const wire::shm::NodeRegion& region, const Now& now) {
  auto first = static_cast<std::uint32_t>(now.unix_s());
  for (const LinkStatus& status : region.dataplane.links) {
    first = std::max(first, status.association.load(std::memory_order_relaxed) + 1);
  }
  return std::max(first, 1U);
}

links::SecureLink secure_link(const LinkRecord& link) {
  return {link.slot, link.generation, link.mtu, {link.local, link.remote}, link.peer};
}

std::string in_seconds(std::uint64_t ns) {
  return std::to_string((ns + links::kSecond - 1) / links::kSecond) + " s";
}

}  // namespace

SecureLinks::SecureLinks(links::HandshakeSettings settings,
                         std::shared_ptr<const links::SecureContext> context,
                         std::span<const LinkRecord> links, const wire::shm::NodeRegion& region,
                         publish::Commands& commands, Injector& injector, const Now& now)
    : region_(region),
      commands_(commands),
      injector_(injector),
      handshakes_(
          [&] {
            settings.first_association = first_association(region, now);
            return settings;
          }(),
          std::move(context)) {
  for (const LinkRecord& link : links) {
    if (link.protocol == LinkProtocol::kDtls) links_.push_back({link});
  }
  set_links(now);
  out_.clear();  // there was no link before, so nothing has to be closed
  handshakes_.log_keys(false);
}

void SecureLinks::set_links(const Now& now) {
  std::vector<links::SecureLink> secure;
  for (const Link& link : links_) {
    secure.push_back(secure_link(link.record));
    secure.back().initiative = link.initiative;
  }
  handshakes_.set_links(now, secure, out_);
}

void SecureLinks::add(const Now& now, const LinkRecord& link, links::Initiative initiative,
                      LinkChanges& changes) {
  commands_.send(publish::upsert(link));
  links_.push_back({link, false, initiative});
  set_links(now);
  next_look_ns_ = 0;
  carry_out(now, changes);
}

void SecureLinks::admit(const Now& now, const LinkRecord& link, const links::Admission& admission,
                        LinkChanges& changes) {
  add(now, link, links::Initiative::kTheirs, changes);
  handshakes_.receive(now, admission.from.endpoints, admission.client_hello, out_);
  carry_out(now, changes);
}

void SecureLinks::remove(const Now& now, std::uint16_t slot, LinkChanges& changes) {
  std::erase_if(links_, [slot](const Link& link) { return link.record.slot == slot; });
  noted_.erase(slot);
  set_links(now);
  // Its keys go with the link: without them the last word could not be said.
  std::erase_if(out_.forgets, [slot](const links::Forget& forget) { return forget.slot == slot; });
  carry_out(now, changes);
}

void SecureLinks::log_keys(KeyLogSink sink) {
  key_log_ = std::move(sink);
  handshakes_.log_keys(static_cast<bool>(key_log_));
}

std::uint32_t SecureLinks::association_of(const LinkRecord& link) const noexcept {
  const LinkStatus& status = region_.dataplane.links[link.slot];
  const std::uint32_t association = status.association.load(std::memory_order_relaxed);
  if (association == 0) return 0;
  // Until the dataplane has read our commands the slot may be another link's.
  LinkRecord served;
  const bool is_this = wire::shm::read_identity(status, served) && served.slot == link.slot &&
                       served.generation == link.generation && served.protocol == link.protocol &&
                       served.peer == link.peer && served.local == link.local &&
                       served.remote == link.remote;
  return is_this ? association : 0;
}

void SecureLinks::meet_dataplane(const Now& now, LinkChanges& changes) {
  handshakes_.dataplane_restarted(now);
  for (const Link& link : links_) {
    const std::uint32_t association = association_of(link.record);
    if (association != 0) {
      handshakes_.adopt(now, link.record.slot, link.record.generation, association);
    }
  }
  look(changes);
}

void SecureLinks::receive(const Now& now, const wire::shm::PacketRecord& record,
                          LinkChanges& changes) {
  const auto datagram = std::span(record.bytes).first(record.length);
  const links::EndpointPair endpoints{record.local, record.remote};
  if (!handshakes_.receive(now, endpoints, datagram, out_) && takes_strangers_) {
    handshakes_.meet(now, {endpoints, record.port, record.mac}, datagram, out_);
  }
  carry_out(now, changes);
}

void SecureLinks::want(const Now& now, const wire::shm::Event& event, LinkChanges& changes) {
  handshakes_.want_association(now, event.link_slot, event.generation,
                               static_cast<std::uint32_t>(event.count), out_);
  carry_out(now, changes);
}

void SecureLinks::turn(const Now& now, LinkChanges& changes) {
  if (now.ns >= handshakes_.next_timer()) {
    handshakes_.tick(now, out_);
    carry_out(now, changes);
  }
  if (now.ns < next_look_ns_) return;
  next_look_ns_ = now.ns + kLookNs;
  look(changes);
}

void SecureLinks::look(LinkChanges& changes) {
  for (Link& link : links_) {
    const bool has_keys = association_of(link.record) != 0;
    if (has_keys == link.has_keys) continue;
    link.has_keys = has_keys;
    changes.keys.push_back({{link.record.slot, link.record.generation}, has_keys});
  }
}

/// Before their keys go down: a link that gets another peer in the dataplane loses its keys there.
void SecureLinks::meet_peers(LinkChanges& changes) {
  for (const LinkReport& report : out_.reports) {
    if (report.kind == LinkReport::Kind::kRekeyed && report.role == links::Role::kServer) {
      changes.renewed.push_back({report.slot, report.generation});
    }
    if (report.kind != LinkReport::Kind::kSecured) continue;
    changes.secured.push_back({{report.slot, report.generation}, report.peer});
    for (Link& link : links_) {
      if (link.record.slot != report.slot) continue;
      link.initiative = links::Initiative::kLowerNodeId;
      if (link.record.peer == report.peer) continue;
      link.record.peer = report.peer;
      commands_.send(publish::upsert(link.record));
    }
  }
}

void SecureLinks::carry_out(const Now& now, LinkChanges& changes) {
  meet_peers(changes);
  for (const auto& association : out_.associations) {
    Command command;
    command.kind = CommandKind::kInstallAssociation;
    command.association = association;
    commands_.send(command);
    ::explicit_bzero(&command, sizeof command);
  }
  if (!out_.associations.empty()) commands_.turn();
  for (const links::Datagram& datagram : out_.datagrams) {
    injector_.send_datagram({datagram.slot, datagram.generation}, datagram.bytes);
  }
  for (const links::Reply& reply : out_.replies) injector_.send_reply(reply.to, reply.bytes);
  std::ranges::move(out_.admissions, std::back_inserter(changes.admissions));
  for (const links::PlainRecord& record : out_.records) {
    injector_.send_record({record.slot, record.generation}, record.association, record.content_type,
                          record.bytes);
  }
  for (const links::Forget& forget : out_.forgets) {
    Command command;
    command.kind = CommandKind::kForgetAssociations;
    command.forget = {forget.slot, forget.generation};
    commands_.send(command);
  }
  if (key_log_) {
    for (const std::string& line : out_.key_log) key_log_(line);
  }
  for (const LinkReport& report : out_.reports) note(now, report, changes);
  out_.clear();
}

void SecureLinks::note(const Now& now, const LinkReport& report, LinkChanges& changes) {
  const std::string link =
      "link " + std::to_string(report.slot) + " to " + config::to_string(report.peer) + ": ";
  Note::Level level = Note::Level::kNormal;
  std::string text;
  switch (report.kind) {
    case LinkReport::Kind::kSecured:
    case LinkReport::Kind::kRekeyed:
      noted_.erase(report.slot);
      text = report.kind == LinkReport::Kind::kSecured ? "secured" : "has new keys";
      text += std::string(" as DTLS ") + links::role_name(report.role) + " with " +
              wire::dtls::kAeadNames[static_cast<std::size_t>(report.aead)] + ", association " +
              std::to_string(report.association);
      break;
    case LinkReport::Kind::kHandshakeFailed: {
      if (report.failure.failure == links::Failure::kYielded) return;  // the other one goes on
      changes.not_secured.push_back({report.slot, report.generation});
      Noted& last = noted_[report.slot];
      if (last.failure == report.failure.failure && now.ns - last.at_ns < kSameFailureNs) return;
      last = {report.failure.failure, now.ns};
      level = Note::Level::kWarning;
      text = std::string("handshake as ") + links::role_name(report.role) +
             " failed: " + links::describe(report.failure);
      if (report.retry_ns != 0) text += "; next attempt in " + in_seconds(report.retry_ns);
      break;
    }
    case LinkReport::Kind::kClosed:
      changes.closed.push_back({report.slot, report.generation});
      level = Note::Level::kWarning;
      text = "association " + std::to_string(report.association) +
             " ended: " + links::describe(report.failure) + "; next attempt in " +
             in_seconds(report.retry_ns);
      break;
  }
  changes.notes.push_back({level, link + text});
}

}  // namespace controlplane::events
