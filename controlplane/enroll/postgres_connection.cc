// SPDX-License-Identifier: Apache-2.0
#include "controlplane/enroll/postgres_connection.h"

#include <libpq-fe.h>

#include <array>
#include <charconv>
#include <limits>

#include "controlplane/enroll/store.h"

namespace controlplane::enroll {
namespace {

constexpr Dialect kDialect = {
    .bytes = "BYTEA",
    .identity = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    .for_update = " FOR UPDATE",
    .lock_schema = "SELECT pg_advisory_xact_lock(5780614292161351019)",  // a number of our own
    .tables_called =
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = "
        "current_schema() AND table_name = $1"};

// Types of columns, from the server's catalog (pg_type.dat): they never change.
constexpr Oid kBytea = 17;
constexpr Oid kInt8 = 20;
constexpr Oid kInt2 = 21;
constexpr Oid kInt4 = 23;

struct Result {
  PGresult* result;
  explicit Result(PGresult* taken) : result(taken) {}
  ~Result() { PQclear(result); }
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;
};

/// libpq's messages end in a newline and may have several lines.
std::string one_line(const char* message) {
  std::string text = message == nullptr ? "" : message;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

/// One value as libpq takes it: text, or bytes.
struct Parameter {
  std::string text;
  const char* value = nullptr;
  int length = 0;
  int format = 0;
};

Parameter parameter(const SqlValue& value) {
  Parameter made;
  if (const auto* const number = std::get_if<std::int64_t>(&value)) {
    made.text = std::to_string(*number);
  } else if (const auto* const text = std::get_if<std::string>(&value)) {
    made.text = *text;
  } else if (const auto* const bytes = std::get_if<SqlBytes>(&value)) {
    made.text.assign(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    made.format = 1;
  }
  if (made.text.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw StoreError("a value is too long for PostgreSQL");
  }
  made.length = static_cast<int>(made.text.size());
  return made;
}

SqlValue column(const PGresult* result, int row, int index) {
  if (PQgetisnull(result, row, index) != 0) return std::monostate{};
  const std::string text(PQgetvalue(result, row, index),
                         static_cast<std::size_t>(PQgetlength(result, row, index)));
  switch (PQftype(result, index)) {
    case kInt2:
    case kInt4:
    case kInt8: {
      std::int64_t number = 0;
      std::from_chars(text.data(), text.data() + text.size(), number);
      return number;
    }
    case kBytea: {
      std::size_t length = 0;
      unsigned char* const bytes =
          PQunescapeBytea(reinterpret_cast<const unsigned char*>(text.c_str()), &length);
      if (bytes == nullptr) throw StoreError("out of memory");
      const auto* const first = reinterpret_cast<const std::byte*>(bytes);
      SqlBytes copy(first, first + length);
      PQfreemem(bytes);
      return copy;
    }
    default:
      return text;
  }
}

}  // namespace

PostgresConnection::PostgresConnection(const std::string& url) : url_(url) { connect(); }

PostgresConnection::~PostgresConnection() { PQfinish(connection_); }

const Dialect& PostgresConnection::dialect() const noexcept { return kDialect; }

void PostgresConnection::connect() {
  PQfinish(connection_);
  const std::string timeout = std::to_string(kConnectS);
  const std::string options =
      "-c statement_timeout=" + std::to_string(kStatementMs) +
      " -c idle_in_transaction_session_timeout=" + std::to_string(kStatementMs);
  // What stands in the URL, an expansion of dbname, wins over what stands before it.
  const std::array<const char*, 6> keywords = {"connect_timeout", "application_name", "options",
                                               "client_encoding", "dbname",           nullptr};
  const std::array<const char*, 6> values = {timeout.c_str(), "hopseal-enroll", options.c_str(),
                                             "UTF8",          url_.c_str(),     nullptr};
  connection_ = PQconnectdbParams(keywords.data(), values.data(), 1);
  if (PQstatus(connection_) != CONNECTION_OK) {
    const std::string why = one_line(PQerrorMessage(connection_));
    PQfinish(connection_);
    connection_ = nullptr;
    throw StoreError("PostgreSQL: " + why);
  }
  // Notices go to the log of the database, not into ours.
  PQsetNoticeReceiver(
      connection_, [](void*, const PGresult*) {}, nullptr);
}

std::vector<SqlRow> PostgresConnection::execute(std::string_view statement,
                                                std::span<const SqlValue> values) {
  std::vector<Parameter> parameters;
  for (const SqlValue& value : values) parameters.push_back(parameter(value));
  std::vector<const char*> texts;
  std::vector<int> lengths;
  std::vector<int> formats;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool null = std::holds_alternative<std::monostate>(values[i]);
    texts.push_back(null ? nullptr : parameters[i].text.c_str());
    lengths.push_back(parameters[i].length);
    formats.push_back(parameters[i].format);
  }
  const Result result(PQexecParams(connection_, std::string(statement).c_str(),
                                   static_cast<int>(values.size()), nullptr, texts.data(),
                                   lengths.data(), formats.data(), 0));
  const ExecStatusType status = PQresultStatus(result.result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    throw StoreError("PostgreSQL: " + one_line(PQerrorMessage(connection_)));
  }
  std::vector<SqlRow> rows;
  for (int row = 0; row < PQntuples(result.result); ++row) {
    SqlRow& made = rows.emplace_back();
    for (int i = 0; i < PQnfields(result.result); ++i) {
      made.push_back(column(result.result, row, i));
    }
  }
  return rows;
}

void PostgresConnection::transaction(const std::function<bool()>& work) {
  if (connection_ == nullptr || PQstatus(connection_) != CONNECTION_OK) connect();
  try {
    (void)execute("BEGIN", {});
  } catch (const StoreError&) {
    // The server was restarted since the last transaction: libpq only notices now.
    connect();
    (void)execute("BEGIN", {});
  }
  try {
    (void)execute(work() ? "COMMIT" : "ROLLBACK", {});
  } catch (...) {
    Result(PQexec(connection_, "ROLLBACK"));  // of no use, and harmless, when the link is gone
    throw;
  }
}

}  // namespace controlplane::enroll
