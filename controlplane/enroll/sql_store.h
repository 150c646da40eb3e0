// SPDX-License-Identifier: Apache-2.0
// The store, in SQL, over whichever database there is.

#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "controlplane/enroll/sql_connection.h"
#include "controlplane/enroll/store.h"

namespace controlplane::enroll {

class SqlStore final : public Store {
 public:
  static constexpr std::int64_t kSchemaVersion = 1;

  /// Makes the tables when there are none. Throws StoreError when they are of another version, or
  /// of another overlay than @p overlay: an authority that mixes two gives one's users the other's
  /// certificates.
  SqlStore(std::unique_ptr<SqlConnection> connection, std::string_view overlay);

  bool add_user(const User& user, const AuditEntry& entry) override;
  std::optional<User> find_user(std::string_view name) override;
  std::vector<User> users(std::string_view after, std::uint32_t most) override;
  bool set_password(std::string_view name, std::string_view hash, const AuditEntry& entry) override;
  bool set_state(std::string_view name, UserState state, const AuditEntry& entry) override;
  bool set_node_id_cap(std::string_view name, std::uint32_t cap, const AuditEntry& entry) override;
  IssueResult issue(const IssueWish& wish) override;
  std::vector<StoredCertificate> certificates(std::string_view user, std::uint32_t most) override;
  std::optional<StoredCertificate> find_certificate(std::string_view serial) override;
  bool revoke(std::string_view serial, const AuditEntry& entry) override;
  std::vector<Revocation> revoked(std::int64_t now_unix_s) override;
  std::vector<AuditEntry> audit_log(std::uint32_t most) override;

 private:
  using Rows = std::vector<SqlRow>;
  template <class... Values>
  Rows run(std::string_view statement, Values&&... values);
  void open_schema(std::string_view overlay);
  /// Executes one UPDATE that returns what it changed, and the audit line when it changed any.
  bool change(const AuditEntry& entry, std::string_view statement,
              std::span<const SqlValue> values);
  void note(const AuditEntry& entry);
  [[nodiscard]] bool decide(const IssueWish& wish, IssueResult& result);
  [[nodiscard]] bool give_node_ids(const IssueWish& wish, IssueResult& result);
  void record(const IssueWish& wish, const IssueResult& result, std::string_view user);
  [[nodiscard]] StoredCertificate certificate_of(const SqlRow& row);

  std::mutex mutex_;
  std::unique_ptr<SqlConnection> connection_;
};

/// "sqlite:PATH", or "postgresql://..." as libpq has it. Throws StoreError.
[[nodiscard]] std::unique_ptr<Store> open_store(const std::string& url, std::string_view overlay);

}  // namespace controlplane::enroll
