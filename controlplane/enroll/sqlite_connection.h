// SPDX-License-Identifier: Apache-2.0
// SQLite, in a file beside the server: the default store.

#pragma once

#include <memory>
#include <string>

#include "controlplane/enroll/sql_connection.h"

struct sqlite3;

namespace controlplane::enroll {

/// Write-ahead log with a sync at each commit: what is committed survives a loss of power. Waits
/// kBusyMs for another process, then throws. The file is made with mode 0600.
class SqliteConnection final : public SqlConnection {
 public:
  static constexpr int kBusyMs = 20'000;

  explicit SqliteConnection(const std::string& path);
  ~SqliteConnection() override;

  [[nodiscard]] const Dialect& dialect() const noexcept override;
  std::vector<SqlRow> execute(std::string_view statement,
                              std::span<const SqlValue> values) override;
  void transaction(const std::function<bool()>& work) override;

 private:
  [[noreturn]] void fail(const std::string& what) const;
  std::string path_;
  sqlite3* database_ = nullptr;
};

}  // namespace controlplane::enroll
