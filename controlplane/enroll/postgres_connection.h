// SPDX-License-Identifier: Apache-2.0
// PostgreSQL by URL: the store of an authority with several servers.

#pragma once

#include <memory>
#include <string>

#include "controlplane/enroll/sql_connection.h"

struct pg_conn;

namespace controlplane::enroll {

/// Transactions are READ COMMITTED; the store locks the rows it decides by. A connection that is
/// lost is made anew at the next transaction; a transaction it was lost in is not repeated, since
/// it may have been committed.
class PostgresConnection final : public SqlConnection {
 public:
  /// @param url  "postgresql://user@host/database?...", as libpq documents it. Connecting takes
  ///             kConnectS at most, a statement kStatementMs.
  explicit PostgresConnection(const std::string& url);
  ~PostgresConnection() override;
  static constexpr int kConnectS = 10;
  static constexpr int kStatementMs = 20'000;

  [[nodiscard]] const Dialect& dialect() const noexcept override;
  std::vector<SqlRow> execute(std::string_view statement,
                              std::span<const SqlValue> values) override;
  void transaction(const std::function<bool()>& work) override;

 private:
  void connect();
  std::string url_;
  pg_conn* connection_ = nullptr;
};

}  // namespace controlplane::enroll
