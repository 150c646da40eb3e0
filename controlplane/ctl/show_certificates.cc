// SPDX-License-Identifier: Apache-2.0
// The certificates that node.toml names, judged as the node will judge them at its next start.

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>

#include "controlplane/ctl/show.h"
#include "controlplane/ctl/text_table.h"
#include "controlplane/trust/certificate_checker.h"
#include "controlplane/trust/credentials.h"

namespace controlplane::ctl {
namespace {

using trust::Certificate;
using trust::CertificateChecker;

/// A certificate with less left than this is due for renewal.
constexpr std::int64_t kRenewalSeconds = 30 * 86'400;

struct Row {
  std::string name;
  std::string file;
  std::string state;  ///< good, renew, or a name of trust::Refusal
  std::string note;
  std::optional<Certificate> certificate;
};

std::optional<std::string> read(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream.is_open()) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

Row read_row(std::string name, const std::string& file) {
  Row row{std::move(name), file, "unreadable", "", std::nullopt};
  const auto pem = read(file);
  if (!pem) {
    row.note = "cannot be opened";
    return row;
  }
  row.certificate = Certificate::from_pem(*pem, row.note);
  return row;
}

void judge_dates(Row& row, std::int64_t now) {
  const std::int64_t left = row.certificate->not_after_unix_s - now;
  row.state = left < 0 ? "expired" : left < kRenewalSeconds ? "renew" : "good";
  if (left >= 0) row.note = duration(static_cast<double>(left)) + " left";
}

Row own(const config::Identity& identity, const CertificateChecker* checker, std::int64_t now) {
  Row row = read_row(identity.name, identity.certificate);
  if (!row.certificate) return row;
  judge_dates(row, now);
  if (checker == nullptr) {
    row.state = "unknown";
    row.note = "no root to judge it by";
    return row;
  }
  if (row.certificate->nodes.empty()) {
    row.state = "refused";
    row.note = "names no node";
    return row;
  }
  const auto checked =
      checker->check_node(row.certificate->der, row.certificate->nodes.front().node_id, now);
  if (checked.accepted()) return row;
  row.state = refusal_name(checked.refusal);
  row.note = refusal_sentence(checked.refusal);
  if (!checked.detail.empty()) row.note += ": " + checked.detail;
  return row;
}

Document as_json(const Row& row) {
  Document json{{"name", row.name}, {"file", row.file}, {"state", row.state}, {"note", row.note}};
  if (!row.certificate) return json;
  Document nodes = Document::array();
  for (const trust::NodeUri& node : row.certificate->nodes) {
    nodes.push_back(config::to_string(node.node_id));
  }
  json["node_ids"] = nodes;
  json["users"] = row.certificate->user_names;
  json["not_before_unix_s"] = row.certificate->not_before_unix_s;
  json["not_after_unix_s"] = row.certificate->not_after_unix_s;
  return json;
}

void add(TextTable& table, const Row& row) {
  const bool is_read = row.certificate.has_value();
  const bool has_node = is_read && !row.certificate->nodes.empty();
  const bool has_user = is_read && !row.certificate->user_names.empty();
  const auto ends = is_read ? row.certificate->not_after_unix_s : 0;
  table.add({row.name, has_node ? config::to_string(row.certificate->nodes.front().node_id) : "-",
             has_user ? row.certificate->user_names.front() : "-", row.state,
             utc(ends > 0 ? static_cast<std::uint64_t>(ends) : 0), row.note, row.file});
}

}  // namespace

void show_certificates(const Context& context) {
  const config::NodeConfig& config = context.config();
  const std::int64_t now = std::chrono::duration_cast<std::chrono::seconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count();
  std::vector<Row> roots;
  std::vector<std::string> pems;
  for (const std::string& file : config.overlay.root_certificates) {
    Row& row = roots.emplace_back(read_row("root", file));
    if (!row.certificate) continue;
    judge_dates(row, now);
    pems.push_back(read(file).value_or(""));
  }
  std::string why;
  const auto checker = CertificateChecker::make(pems, config.overlay.name, why,
                                                trust::self_signed_of(config.overlay.self_signed));
  std::vector<Row> rows;
  for (const config::Identity& identity : config.identities) {
    rows.push_back(own(identity, checker.get(), now));
  }
  if (context.json) {
    Document document{{"identities", Document::array()}, {"roots", Document::array()}};
    for (const Row& row : rows) document["identities"].push_back(as_json(row));
    for (const Row& row : roots) document["roots"].push_back(as_json(row));
    return print(document);
  }
  TextTable table({{"name", {}},
                   {"Node-ID", {}},
                   {"user", {}},
                   {"state", {}},
                   {"ends", {}},
                   {"note", {}},
                   {"file", {}}});
  for (const Row& row : rows) add(table, row);
  for (const Row& row : roots) add(table, row);
  table.print();
}

}  // namespace controlplane::ctl
