// SPDX-License-Identifier: Apache-2.0
// What the control plane keeps of an association that the dataplane owns: enough to understand what
// the peer says in epoch 1 besides data, and to answer.

#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "controlplane/links/dtls_handshake.h"
#include "controlplane/links/io.h"

namespace controlplane::links {

class Established {
 public:
  /// @param number  as in its AssociationRecord
  Established(std::uint32_t number, Role role, Agreed agreed, std::uint64_t now_ns);
  /// One whose keys only the dataplane has: nothing of it can be understood.
  [[nodiscard]] static Established adopted(std::uint32_t number, std::uint64_t now_ns);

  enum class Heard : std::uint8_t {
    kNothing,        ///< no record of this association in it
    kOurs,           ///< one that asks for nothing
    kFinishedAgain,  ///< the peer did not get our final flight: repeat_final_flight()
    kClosed,         ///< close_notify
    kFatalAlert,     ///< alert() says which
  };
  /// Tries the records of epoch 1 in @p datagram. Replays do no harm: an alert ends the association
  /// once, and a Finished counts only when its record number is higher than all before.
  [[nodiscard]] Heard hear(std::span<const std::byte> datagram);
  [[nodiscard]] int alert() const noexcept { return alert_; }

  /// Sets the keys of @p record, whose slot and generation the caller sets.
  void describe(wire::shm::AssociationRecord& record) const;

  /// Our final flight again: what is in clear as datagrams with new numbers, what is protected as
  /// plaintexts for the dataplane to seal. Both empty when there is none.
  void repeat_final_flight(std::vector<Bytes>& datagrams, std::vector<FlightRecord>& records);
  /// From here on answers nothing.
  void drop_final_flight() noexcept { agreed_.final_flight.clear(); }

  [[nodiscard]] std::uint32_t number() const noexcept { return number_; }
  [[nodiscard]] Role role() const noexcept { return role_; }
  [[nodiscard]] wire::dtls::Aead aead() const noexcept { return agreed_.keys.aead; }
  [[nodiscard]] std::uint64_t since_ns() const noexcept { return since_ns_; }
  [[nodiscard]] bool is_adopted() const noexcept { return adopted_; }

 private:
  [[nodiscard]] Heard understand(const wire::dtls::RecordHeader& header,
                                 std::span<const std::byte> plaintext);
  std::uint32_t number_;
  Role role_;
  Agreed agreed_;
  std::uint64_t since_ns_;
  std::uint64_t newest_finished_ = 0;
  int alert_ = kNoAlert;
  bool adopted_ = false;
};

}  // namespace controlplane::links
