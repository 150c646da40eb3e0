// SPDX-License-Identifier: Apache-2.0
#include "controlplane/enroll/sql_store.h"

#include <algorithm>
#include <array>

#include "controlplane/enroll/postgres_connection.h"
#include "controlplane/enroll/sqlite_connection.h"

namespace controlplane::enroll {

using wire::reload::NodeId;

namespace {

constexpr int kMostDraws = 8;  // one is enough; a second one means that the generator is broken

const char* const kUserColumns =
    "SELECT u.id, u.name, u.password_hash, u.node_id_cap, u.state, u.created,"
    " (SELECT COUNT(*) FROM enroll_node_ids n WHERE n.user_id = u.id),"
    " (SELECT COUNT(*) FROM enroll_certificates c WHERE c.user_id = u.id)"
    " FROM enroll_users u ";
const char* const kCertificateColumns =
    "SELECT c.id, c.serial, u.name, c.der, c.issued, c.not_after, c.revoked"
    " FROM enroll_certificates c JOIN enroll_users u ON u.id = c.user_id ";

std::int64_t number(const SqlRow& row, std::size_t column) {
  if (const auto* const value = std::get_if<std::int64_t>(&row.at(column))) return *value;
  throw StoreError("the store holds something else where a number should be");
}

const std::string& text(const SqlRow& row, std::size_t column) {
  if (const auto* const value = std::get_if<std::string>(&row.at(column))) return *value;
  throw StoreError("the store holds something else where a text should be");
}

const SqlBytes& bytes(const SqlRow& row, std::size_t column) {
  if (const auto* const value = std::get_if<SqlBytes>(&row.at(column))) return *value;
  throw StoreError("the store holds something else where bytes should be");
}

NodeId node_id(const SqlRow& row, std::size_t column) {
  const SqlBytes& stored = bytes(row, column);
  NodeId id;
  if (stored.size() != id.bytes.size()) throw StoreError("the store holds a Node-ID of wrong size");
  std::copy(stored.begin(), stored.end(), id.bytes.begin());
  return id;
}

SqlBytes bytes_of(const NodeId& id) { return {id.bytes.begin(), id.bytes.end()}; }

User user_of(const SqlRow& row) {
  User user;
  user.id = number(row, 0);
  user.name = text(row, 1);
  user.password_hash = text(row, 2);
  user.node_id_cap = static_cast<std::uint32_t>(number(row, 3));
  user.state = static_cast<UserState>(number(row, 4));
  user.created_unix_s = number(row, 5);
  user.node_ids = static_cast<std::uint32_t>(number(row, 6));
  user.certificates = static_cast<std::uint32_t>(number(row, 7));
  return user;
}

std::int64_t number_of(UserState state) { return static_cast<std::int64_t>(state); }

}  // namespace

const char* user_state_name(UserState state) noexcept {
  switch (state) {
    case UserState::kActive:
      return "active";
    case UserState::kDisabled:
      return "disabled";
    case UserState::kRemoved:
      return "removed";
  }
  return "?";
}

SqlStore::SqlStore(std::unique_ptr<SqlConnection> connection, std::string_view overlay)
    : connection_(std::move(connection)) {
  connection_->transaction([&] {
    open_schema(overlay);
    return true;
  });
}

template <class... Values>
SqlStore::Rows SqlStore::run(std::string_view statement, Values&&... values) {
  const std::array<SqlValue, sizeof...(Values)> bound = {SqlValue(std::forward<Values>(values))...};
  return connection_->execute(statement, bound);
}

void SqlStore::open_schema(std::string_view overlay) {
  const Dialect& dialect = connection_->dialect();
  if (!dialect.lock_schema.empty()) (void)run(dialect.lock_schema);
  if (!run(dialect.tables_called, std::string("enroll_meta")).empty()) {
    const Rows version = run("SELECT value FROM enroll_meta WHERE name = 'schema'");
    const Rows of = run("SELECT value FROM enroll_meta WHERE name = 'overlay'");
    if (version.empty() || text(version[0], 0) != std::to_string(kSchemaVersion)) {
      throw StoreError("the store has schema " + (version.empty() ? "?" : text(version[0], 0)) +
                       " and this program knows " + std::to_string(kSchemaVersion) +
                       " only; use the version of hopseal-enroll that made it");
    }
    if (of.empty() || text(of[0], 0) != overlay) {
      throw StoreError("the store belongs to the overlay " + (of.empty() ? "?" : text(of[0], 0)) +
                       ", not to " + std::string(overlay));
    }
    return;
  }
  const std::string bytes_type(dialect.bytes);
  const std::string identity(dialect.identity);
  (void)run("CREATE TABLE enroll_meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)");
  (void)run("CREATE TABLE enroll_users (id " + identity +
            ", name TEXT NOT NULL UNIQUE, password_hash TEXT NOT NULL,"
            " node_id_cap BIGINT NOT NULL, state BIGINT NOT NULL, created BIGINT NOT NULL)");
  (void)run("CREATE TABLE enroll_node_ids (node_id " + bytes_type +
            " PRIMARY KEY, user_id BIGINT NOT NULL REFERENCES enroll_users (id),"
            " position BIGINT NOT NULL, UNIQUE (user_id, position))");
  (void)run("CREATE TABLE enroll_certificates (id " + identity +
            ", serial TEXT NOT NULL UNIQUE, user_id BIGINT NOT NULL REFERENCES enroll_users (id),"
            " der " +
            bytes_type +
            " NOT NULL, issued BIGINT NOT NULL, not_after BIGINT NOT NULL,"
            " revoked BIGINT)");
  (void)run("CREATE INDEX enroll_certificates_of_user ON enroll_certificates (user_id)");
  (void)run("CREATE INDEX enroll_certificates_revoked ON enroll_certificates (revoked)");
  (void)run(
      "CREATE TABLE enroll_certificate_node_ids ("
      "certificate_id BIGINT NOT NULL REFERENCES enroll_certificates (id),"
      " position BIGINT NOT NULL, node_id " +
      bytes_type +
      " NOT NULL REFERENCES enroll_node_ids (node_id),"
      " PRIMARY KEY (certificate_id, position))");
  (void)run("CREATE TABLE enroll_audit (id " + identity +
            ", at BIGINT NOT NULL, action TEXT NOT NULL, user_name TEXT NOT NULL,"
            " source TEXT NOT NULL, detail TEXT NOT NULL)");
  (void)run("INSERT INTO enroll_meta (name, value) VALUES ('schema', $1), ('overlay', $2)",
            std::to_string(kSchemaVersion), std::string(overlay));
}

void SqlStore::note(const AuditEntry& entry) {
  (void)run(
      "INSERT INTO enroll_audit (at, action, user_name, source, detail)"
      " VALUES ($1, $2, $3, $4, $5)",
      entry.at_unix_s, entry.action, entry.user, entry.source, entry.detail);
}

bool SqlStore::change(const AuditEntry& entry, std::string_view statement,
                      std::span<const SqlValue> values) {
  const std::lock_guard lock(mutex_);
  bool changed = false;
  connection_->transaction([&] {
    changed = !connection_->execute(statement, values).empty();
    if (changed) note(entry);
    return changed;
  });
  return changed;
}

bool SqlStore::add_user(const User& user, const AuditEntry& entry) {
  const std::array<SqlValue, 5> values = {user.name, user.password_hash,
                                          std::int64_t{user.node_id_cap}, number_of(user.state),
                                          user.created_unix_s};
  return change(entry,
                "INSERT INTO enroll_users (name, password_hash, node_id_cap, state, created)"
                " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING RETURNING id",
                values);
}

std::optional<User> SqlStore::find_user(std::string_view name) {
  const std::lock_guard lock(mutex_);
  std::optional<User> found;
  connection_->transaction([&] {
    const Rows rows = run(std::string(kUserColumns) + "WHERE u.name = $1", std::string(name));
    if (!rows.empty()) found = user_of(rows[0]);
    return true;
  });
  return found;
}

std::vector<User> SqlStore::users(std::string_view after, std::uint32_t most) {
  const std::lock_guard lock(mutex_);
  std::vector<User> found;
  connection_->transaction([&] {
    for (const SqlRow& row :
         run(std::string(kUserColumns) + "WHERE u.name > $1 ORDER BY u.name LIMIT $2",
             std::string(after), std::int64_t{most})) {
      found.push_back(user_of(row));
    }
    return true;
  });
  return found;
}

bool SqlStore::set_password(std::string_view name, std::string_view hash, const AuditEntry& entry) {
  const std::array<SqlValue, 3> values = {std::string(name), std::string(hash),
                                          number_of(UserState::kRemoved)};
  return change(entry,
                "UPDATE enroll_users SET password_hash = $2 WHERE name = $1 AND state <> $3"
                " RETURNING id",
                values);
}

bool SqlStore::set_state(std::string_view name, UserState state, const AuditEntry& entry) {
  const std::lock_guard lock(mutex_);
  bool changed = false;
  connection_->transaction([&] {
    const Rows rows =
        run("UPDATE enroll_users SET state = $2 WHERE name = $1 AND state <> $3"
            " RETURNING id",
            std::string(name), number_of(state), number_of(UserState::kRemoved));
    changed = !rows.empty();
    if (!changed) return false;
    if (state == UserState::kRemoved) {
      const std::int64_t id = number(rows[0], 0);
      (void)run("UPDATE enroll_users SET password_hash = '' WHERE id = $1", id);
      (void)run(
          "UPDATE enroll_certificates SET revoked = $2"
          " WHERE user_id = $1 AND revoked IS NULL",
          id, entry.at_unix_s);
    }
    note(entry);
    return true;
  });
  return changed;
}

bool SqlStore::set_node_id_cap(std::string_view name, std::uint32_t cap, const AuditEntry& entry) {
  const std::array<SqlValue, 3> values = {std::string(name), std::int64_t{cap},
                                          number_of(UserState::kRemoved)};
  return change(entry,
                "UPDATE enroll_users SET node_id_cap = $2 WHERE name = $1 AND state <> $3"
                " RETURNING id",
                values);
}

IssueResult SqlStore::issue(const IssueWish& wish) {
  const std::lock_guard lock(mutex_);
  IssueResult result;
  connection_->transaction([&] {
    result = {};
    return decide(wish, result);
  });
  return result;
}

bool SqlStore::decide(const IssueWish& wish, IssueResult& result) {
  const Rows users = run("SELECT state, node_id_cap, name FROM enroll_users WHERE id = $1" +
                             std::string(connection_->dialect().for_update),
                         wish.user_id);
  if (users.empty() || number(users[0], 0) != number_of(UserState::kActive)) {
    result.outcome = IssueOutcome::kNotActive;
    return false;
  }
  if (std::int64_t{wish.node_ids} > number(users[0], 1)) {
    result.outcome = IssueOutcome::kTooMany;
    return false;
  }
  if (!give_node_ids(wish, result)) {
    result.outcome = IssueOutcome::kNoFreeNodeIds;
    return false;
  }
  std::optional<IssuedRecord> signed_record = wish.sign(result.node_ids);
  if (!signed_record) {
    result.outcome = IssueOutcome::kNotSigned;
    return false;
  }
  result.record = std::move(*signed_record);
  record(wish, result, text(users[0], 2));
  result.outcome = IssueOutcome::kIssued;
  return true;
}

bool SqlStore::give_node_ids(const IssueWish& wish, IssueResult& result) {
  for (const SqlRow& row : run("SELECT node_id FROM enroll_node_ids WHERE user_id = $1"
                               " ORDER BY position LIMIT $2",
                               wish.user_id, std::int64_t{wish.node_ids})) {
    result.node_ids.push_back(node_id(row, 0));
  }
  result.renewed = result.node_ids.size() >= wish.node_ids;
  for (int draws = 0; result.node_ids.size() < wish.node_ids;) {
    if (++draws > kMostDraws * static_cast<int>(wish.node_ids)) return false;
    const NodeId drawn = wish.draw();
    const auto position = static_cast<std::int64_t>(result.node_ids.size());
    if (!run("INSERT INTO enroll_node_ids (node_id, user_id, position) VALUES ($1, $2, $3)"
             " ON CONFLICT (node_id) DO NOTHING RETURNING position",
             bytes_of(drawn), wish.user_id, position)
             .empty()) {
      result.node_ids.push_back(drawn);
    }
  }
  return true;
}

void SqlStore::record(const IssueWish& wish, const IssueResult& result, std::string_view user) {
  const Rows made =
      run("INSERT INTO enroll_certificates (serial, user_id, der, issued, not_after)"
          " VALUES ($1, $2, $3, $4, $5) RETURNING id",
          result.record.serial, wish.user_id, result.record.der, wish.now_unix_s,
          result.record.not_after_unix_s);
  const std::int64_t certificate = number(made.at(0), 0);
  for (std::size_t i = 0; i < result.node_ids.size(); ++i) {
    (void)run(
        "INSERT INTO enroll_certificate_node_ids (certificate_id, position, node_id)"
        " VALUES ($1, $2, $3)",
        certificate, static_cast<std::int64_t>(i), bytes_of(result.node_ids[i]));
  }
  note({.at_unix_s = wish.now_unix_s,
        .action = result.renewed ? "renew" : "enroll",
        .user = std::string(user),
        .source = wish.source,
        .detail = "serial " + result.record.serial + ", Node-IDs " +
                  std::to_string(result.node_ids.size())});
}

StoredCertificate SqlStore::certificate_of(const SqlRow& row) {
  StoredCertificate certificate;
  certificate.serial = text(row, 1);
  certificate.user = text(row, 2);
  certificate.der = bytes(row, 3);
  certificate.issued_unix_s = number(row, 4);
  certificate.not_after_unix_s = number(row, 5);
  if (!std::holds_alternative<std::monostate>(row.at(6))) {
    certificate.revoked_unix_s = number(row, 6);
  }
  for (const SqlRow& id : run("SELECT node_id FROM enroll_certificate_node_ids"
                              " WHERE certificate_id = $1 ORDER BY position",
                              number(row, 0))) {
    certificate.node_ids.push_back(node_id(id, 0));
  }
  return certificate;
}

std::vector<StoredCertificate> SqlStore::certificates(std::string_view user, std::uint32_t most) {
  const std::lock_guard lock(mutex_);
  std::vector<StoredCertificate> found;
  connection_->transaction([&] {
    const std::string select(kCertificateColumns);
    const Rows rows = user.empty() ? run(select + "ORDER BY c.id DESC LIMIT $1", std::int64_t{most})
                                   : run(select + "WHERE u.name = $1 ORDER BY c.id DESC LIMIT $2",
                                         std::string(user), std::int64_t{most});
    for (const SqlRow& row : rows) found.push_back(certificate_of(row));
    return true;
  });
  return found;
}

std::optional<StoredCertificate> SqlStore::find_certificate(std::string_view serial) {
  const std::lock_guard lock(mutex_);
  std::optional<StoredCertificate> found;
  connection_->transaction([&] {
    const Rows rows =
        run(std::string(kCertificateColumns) + "WHERE c.serial = $1", std::string(serial));
    if (!rows.empty()) found = certificate_of(rows[0]);
    return true;
  });
  return found;
}

bool SqlStore::revoke(std::string_view serial, const AuditEntry& entry) {
  const std::array<SqlValue, 2> values = {std::string(serial), entry.at_unix_s};
  return change(entry,
                "UPDATE enroll_certificates SET revoked = $2 WHERE serial = $1 AND revoked IS NULL"
                " RETURNING id",
                values);
}

std::vector<Revocation> SqlStore::revoked(std::int64_t now_unix_s) {
  const std::lock_guard lock(mutex_);
  std::vector<Revocation> found;
  connection_->transaction([&] {
    for (const SqlRow& row : run("SELECT serial, revoked FROM enroll_certificates"
                                 " WHERE revoked IS NOT NULL AND not_after >= $1 ORDER BY serial",
                                 now_unix_s)) {
      found.push_back({text(row, 0), number(row, 1)});
    }
    return true;
  });
  return found;
}

std::vector<AuditEntry> SqlStore::audit_log(std::uint32_t most) {
  const std::lock_guard lock(mutex_);
  std::vector<AuditEntry> found;
  connection_->transaction([&] {
    for (const SqlRow& row : run("SELECT at, action, user_name, source, detail FROM enroll_audit"
                                 " ORDER BY id DESC LIMIT $1",
                                 std::int64_t{most})) {
      found.push_back({number(row, 0), text(row, 1), text(row, 2), text(row, 3), text(row, 4)});
    }
    return true;
  });
  return found;
}

std::unique_ptr<Store> open_store(const std::string& url, std::string_view overlay) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (url.starts_with(kSqlite)) {
    return std::make_unique<SqlStore>(
        std::make_unique<SqliteConnection>(url.substr(kSqlite.size())), overlay);
  }
  if (url.starts_with("postgresql://") || url.starts_with("postgres://")) {
    return std::make_unique<SqlStore>(std::make_unique<PostgresConnection>(url), overlay);
  }
  throw StoreError("a store is \"sqlite:FILE\" or \"postgresql://...\"");
}

}  // namespace controlplane::enroll
