// SPDX-License-Identifier: Apache-2.0
// The little of SQL that SqlStore needs, so that one store runs on SQLite and on PostgreSQL.
//
// Statements are written in what both understand, with $1, $2... for values, never with values in
// the text. Where the two differ, Dialect has the words.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace controlplane::enroll {

using SqlBytes = std::vector<std::byte>;
using SqlValue = std::variant<std::monostate, std::int64_t, std::string, SqlBytes>;
using SqlRow = std::vector<SqlValue>;

struct Dialect {
  std::string_view bytes;          ///< the type of a column of bytes
  std::string_view identity;       ///< of a 64-bit key that the database numbers, never reused
  std::string_view for_update;     ///< keeps a selected row from other transactions
  std::string_view lock_schema;    ///< first statement of a transaction that may make tables
  std::string_view tables_called;  ///< query for the tables of name $1
};

/// One connection, used by one thread at a time. Everything throws StoreError.
class SqlConnection {
 public:
  virtual ~SqlConnection() = default;
  SqlConnection() = default;
  SqlConnection(const SqlConnection&) = delete;
  SqlConnection& operator=(const SqlConnection&) = delete;

  [[nodiscard]] virtual const Dialect& dialect() const noexcept = 0;
  virtual std::vector<SqlRow> execute(std::string_view statement,
                                      std::span<const SqlValue> values) = 0;
  /// Runs @p work between BEGIN and COMMIT; rolls back and throws on when it throws, or when it
  /// gives false. A connection that was lost before BEGIN is made anew.
  virtual void transaction(const std::function<bool()>& work) = 0;
};

}  // namespace controlplane::enroll
