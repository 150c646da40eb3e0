// SPDX-License-Identifier: Apache-2.0
#include "controlplane/enroll/sqlite_connection.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "controlplane/enroll/store.h"

namespace controlplane::enroll {
namespace {

constexpr Dialect kDialect = {
    .bytes = "BLOB",
    .identity = "INTEGER PRIMARY KEY AUTOINCREMENT",
    .for_update = "",  // BEGIN IMMEDIATE keeps all other writers out
    .lock_schema = "",
    .tables_called = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = $1"};

struct Statement {
  sqlite3_stmt* prepared = nullptr;
  Statement() = default;
  ~Statement() { sqlite3_finalize(prepared); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
};

int bind(sqlite3_stmt* statement, int index, const SqlValue& value) {
  if (const auto* const number = std::get_if<std::int64_t>(&value)) {
    return sqlite3_bind_int64(statement, index, *number);
  }
  if (const auto* const text = std::get_if<std::string>(&value)) {
    return sqlite3_bind_text64(statement, index, text->data(), text->size(), SQLITE_STATIC,
                               SQLITE_UTF8);
  }
  if (const auto* const bytes = std::get_if<SqlBytes>(&value)) {
    return sqlite3_bind_blob64(statement, index, bytes->data(), bytes->size(), SQLITE_STATIC);
  }
  return sqlite3_bind_null(statement, index);
}

SqlValue column(sqlite3_stmt* statement, int index) {
  const auto size = [&] {
    return static_cast<std::size_t>(sqlite3_column_bytes(statement, index));
  };
  switch (sqlite3_column_type(statement, index)) {
    case SQLITE_INTEGER:
      return static_cast<std::int64_t>(sqlite3_column_int64(statement, index));
    case SQLITE_TEXT: {
      const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(statement, index));
      return std::string(text, size());
    }
    case SQLITE_BLOB: {
      const auto* const bytes =
          static_cast<const std::byte*>(sqlite3_column_blob(statement, index));
      return SqlBytes(bytes, bytes + size());
    }
    default:
      return std::monostate{};
  }
}

}  // namespace

SqliteConnection::SqliteConnection(const std::string& path) : path_(path) {
  // Made here and not by SQLite, whose files are readable for all but for the umask.
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) throw StoreError(path + ": " + std::strerror(errno));
  ::close(file);
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (sqlite3_open_v2(path.c_str(), &database_, flags, nullptr) != SQLITE_OK) {
    const std::string why = database_ == nullptr ? "out of memory" : sqlite3_errmsg(database_);
    sqlite3_close(database_);
    throw StoreError(path + ": " + why);
  }
  try {
    sqlite3_busy_timeout(database_, kBusyMs);
    (void)execute("PRAGMA journal_mode = WAL", {});
    (void)execute("PRAGMA synchronous = FULL", {});
    (void)execute("PRAGMA foreign_keys = ON", {});
  } catch (...) {
    sqlite3_close(database_);
    throw;
  }
}

SqliteConnection::~SqliteConnection() { sqlite3_close(database_); }

const Dialect& SqliteConnection::dialect() const noexcept { return kDialect; }

void SqliteConnection::fail(const std::string& what) const {
  throw StoreError(path_ + ": " + what + ": " + sqlite3_errmsg(database_));
}

std::vector<SqlRow> SqliteConnection::execute(std::string_view statement,
                                              std::span<const SqlValue> values) {
  Statement prepared;
  if (sqlite3_prepare_v2(database_, statement.data(), static_cast<int>(statement.size()),
                         &prepared.prepared, nullptr) != SQLITE_OK) {
    fail("cannot prepare a statement");
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    // SQLite numbers named parameters by their first appearance, so each is looked up by name.
    const std::string name = "$" + std::to_string(i + 1);
    const int index = sqlite3_bind_parameter_index(prepared.prepared, name.c_str());
    if (index != 0 && bind(prepared.prepared, index, values[i]) != SQLITE_OK) {
      fail("cannot bind a value");
    }
  }
  std::vector<SqlRow> rows;
  for (;;) {
    const int step = sqlite3_step(prepared.prepared);
    if (step == SQLITE_DONE) return rows;
    if (step != SQLITE_ROW) fail("cannot execute a statement");
    SqlRow& row = rows.emplace_back();
    for (int i = 0; i < sqlite3_column_count(prepared.prepared); ++i) {
      row.push_back(column(prepared.prepared, i));
    }
  }
}

void SqliteConnection::transaction(const std::function<bool()>& work) {
  (void)execute("BEGIN IMMEDIATE", {});
  try {
    (void)execute(work() ? "COMMIT" : "ROLLBACK", {});
  } catch (...) {
    // A failed COMMIT leaves the transaction open, a full disk may have ended it already.
    if (sqlite3_get_autocommit(database_) == 0) {
      sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
    }
    throw;
  }
}

}  // namespace controlplane::enroll
