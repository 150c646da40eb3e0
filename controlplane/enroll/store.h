// SPDX-License-Identifier: Apache-2.0
// What the enrollment authority remembers: users, their Node-IDs, the certificates it issued, and
// who did what (RFC 6940 section 11.3; requirements J-51 and E-27).

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "wire/reload/ids.h"

namespace controlplane::enroll {

/// The database cannot be reached, is full, or holds what no store wrote. The text says which and
/// names no password. Nothing of the failed call has been recorded.
class StoreError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class UserState : std::uint8_t {
  kActive,
  kDisabled,  ///< cannot enroll until an operator activates it again
  kRemoved,   ///< for good: a name is not given to somebody else, whose data would be taken for his
};
[[nodiscard]] const char* user_state_name(UserState state) noexcept;  ///< "active"

struct User {
  std::int64_t id = 0;        ///< never used again for another user
  std::string name;           ///< the overlay's user name, "alice@example.org"
  std::string password_hash;  ///< as password.h writes it; empty when removed
  std::uint32_t node_id_cap = 1;
  UserState state = UserState::kActive;
  std::int64_t created_unix_s = 0;
  std::uint32_t node_ids = 0;      ///< how many the user has been given
  std::uint32_t certificates = 0;  ///< how many were issued, all in all
};

/// What an authority signed for a user.
struct IssuedRecord {
  std::string serial;          ///< upper-case hex
  std::vector<std::byte> der;  ///< the certificate
  std::int64_t not_after_unix_s = 0;
};

struct StoredCertificate {
  std::string serial;
  std::string user;
  std::vector<wire::reload::NodeId> node_ids;
  std::vector<std::byte> der;
  std::int64_t issued_unix_s = 0;
  std::int64_t not_after_unix_s = 0;
  std::optional<std::int64_t> revoked_unix_s;
};

struct Revocation {
  std::string serial;
  std::int64_t revoked_unix_s = 0;
  friend bool operator==(const Revocation&, const Revocation&) = default;
};

/// One line of the audit log.
struct AuditEntry {
  std::int64_t at_unix_s = 0;
  std::string action;  ///< "enroll", "user add", "revoke"
  std::string user;    ///< whom it is about
  std::string source;  ///< the client's address, or "operator"
  std::string detail;
};

/// What an enrollment needs besides the user.
struct IssueWish {
  std::int64_t user_id = 0;
  std::uint32_t node_ids = 1;  ///< how many the certificate shall hold
  std::int64_t now_unix_s = 0;
  std::string source;  ///< for the audit log
  /// Draws a Node-ID; asked again when the one it gave belongs to somebody already.
  std::function<wire::reload::NodeId()> draw;
  /// Signs a certificate with these Node-IDs; nullopt gives the whole enrollment up.
  std::function<std::optional<IssuedRecord>(const std::vector<wire::reload::NodeId>&)> sign;
};

enum class IssueOutcome : std::uint8_t {
  kIssued,
  kNotActive,      ///< the user was disabled or removed meanwhile
  kTooMany,        ///< more Node-IDs than the user's cap
  kNotSigned,      ///< sign() gave nothing
  kNoFreeNodeIds,  ///< draw() gave only Node-IDs of others
};

struct IssueResult {
  IssueOutcome outcome = IssueOutcome::kNotSigned;
  std::vector<wire::reload::NodeId> node_ids;  ///< as they stand in the certificate
  bool renewed = false;                        ///< no Node-ID of it is new
  IssuedRecord record;                         ///< set when issued
};

/// All calls may throw StoreError. One call is one transaction: after a crash at any moment it
/// has happened completely or not at all. Several threads and several processes may use the same
/// database; one Store serves one call at a time and lets the others wait.
class Store {
 public:
  virtual ~Store() = default;
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// False when the name is there already, a removed user's included.
  [[nodiscard]] virtual bool add_user(const User& user, const AuditEntry& entry) = 0;
  [[nodiscard]] virtual std::optional<User> find_user(std::string_view name) = 0;
  /// Sorted by name, those behind @p after, at most @p most.
  [[nodiscard]] virtual std::vector<User> users(std::string_view after, std::uint32_t most) = 0;
  /// These give false when no user that is not removed has the name.
  [[nodiscard]] virtual bool set_password(std::string_view name, std::string_view hash,
                                          const AuditEntry& entry) = 0;
  [[nodiscard]] virtual bool set_state(std::string_view name, UserState state,
                                       const AuditEntry& entry) = 0;
  [[nodiscard]] virtual bool set_node_id_cap(std::string_view name, std::uint32_t cap,
                                             const AuditEntry& entry) = 0;

  /// Records Node-IDs and certificate together before anybody can see either. A user with enough
  /// Node-IDs gets those he has, in the order in which he got them (J-51).
  [[nodiscard]] virtual IssueResult issue(const IssueWish& wish) = 0;

  /// Newest first, at most @p most; of one user unless @p user is empty.
  [[nodiscard]] virtual std::vector<StoredCertificate> certificates(std::string_view user,
                                                                    std::uint32_t most) = 0;
  [[nodiscard]] virtual std::optional<StoredCertificate> find_certificate(
      std::string_view serial) = 0;
  /// False when there is no such certificate, or it is revoked already.
  [[nodiscard]] virtual bool revoke(std::string_view serial, const AuditEntry& entry) = 0;
  /// Revoked and not yet expired at @p now_unix_s, by serial.
  [[nodiscard]] virtual std::vector<Revocation> revoked(std::int64_t now_unix_s) = 0;

  /// Newest first, at most @p most.
  [[nodiscard]] virtual std::vector<AuditEntry> audit_log(std::uint32_t most) = 0;
};

}  // namespace controlplane::enroll
