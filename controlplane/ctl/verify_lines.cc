// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/verify_lines.h"

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

namespace controlplane::ctl {
namespace {

using Bytes = std::vector<std::byte>;
using crypto::Algorithm;

constexpr std::array kAlgorithms = {Algorithm::kEd25519, Algorithm::kEcdsaP256Sha256,
                                    Algorithm::kRsaPkcs1Sha256};

std::optional<Algorithm> algorithm_named(const std::string& name) {
  for (const Algorithm algorithm : kAlgorithms) {
    if (name == crypto::algorithm_name(algorithm)) return algorithm;
  }
  return std::nullopt;
}

std::optional<unsigned> digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

/// False with @p error when @p hex is not whole bytes of hex.
bool from_hex(const std::string& hex, Bytes& bytes, std::string& error) {
  if (hex.size() % 2 != 0) return error = "an odd number of hex digits", false;
  bytes.clear();
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const auto high = digit(hex[i]);
    const auto low = digit(hex[i + 1]);
    if (!high || !low) {
      return error = "not a hex digit at position " + std::to_string(high ? i + 2 : i + 1), false;
    }
    bytes.push_back(static_cast<std::byte>(*high << 4U | *low));
  }
  return true;
}

/// SubjectPublicKeyInfo up to the key itself, for the lengths that raw keys have: Ed25519 (RFC
/// 8410) and points of P-256, compressed or not (RFC 5480).
Bytes spki_head(Algorithm algorithm, std::size_t raw_bytes) {
  std::string hex;
  if (algorithm == Algorithm::kEd25519 && raw_bytes == 32) hex = "302a300506032b6570032100";
  if (algorithm == Algorithm::kEcdsaP256Sha256) {
    if (raw_bytes == 33) hex = "3039301306072a8648ce3d020106082a8648ce3d030107032200";
    if (raw_bytes == 65) hex = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
  }
  Bytes head;
  std::string error;
  (void)from_hex(hex, head, error);
  return head;
}

}  // namespace

LineVerifier::LineVerifier(const crypto::KernelTable& kernel, bool known)
    : kernel_(kernel), known_(known), verifier_(kernel) {}

std::shared_ptr<const LineVerifier::Key> LineVerifier::key_of(Algorithm algorithm,
                                                              const std::string& hex) {
  const std::string name = std::string(crypto::algorithm_name(algorithm)) + ' ' + hex;
  if (const auto found = keys_.find(name); found != keys_.end()) return found->second;
  auto made = std::make_shared<Key>();
  Bytes spki;
  if (from_hex(hex, spki, made->error)) {
    const Bytes head = spki_head(algorithm, spki.size());
    spki.insert(spki.begin(), head.begin(), head.end());
    made->key = crypto::PublicKey::from_spki(spki, made->error);
  }
  if (made->key != nullptr && made->key->algorithm() != algorithm) {
    made->error = std::string("is of ") + crypto::algorithm_name(made->key->algorithm()) +
                  ", and \"alg\" says " + crypto::algorithm_name(algorithm);
  }
  if (known_ && made->error.empty()) {
    made->table = std::make_unique<crypto::KnownTable>(kernel_, *made->key);
  }
  if (keys_.size() >= kMaxKeys) keys_.clear();
  keys_.emplace(name, made);
  return made;
}

LineVerifier::Pending LineVerifier::parse(std::string_view text) {
  Pending made;
  std::string& error = made.line.error;
  const auto document = nlohmann::json::parse(text, nullptr, false);
  if (!document.is_object()) {
    error = "not a JSON object";
    return made;
  }
  std::array<std::string, 4> values;
  constexpr std::array<const char*, 4> kKeys = {"alg", "key", "msg", "sig"};
  for (std::size_t i = 0; i < kKeys.size(); ++i) {
    const auto found = document.find(kKeys[i]);
    if (found == document.end() || !found->is_string()) {
      error = std::string("\"") + kKeys[i] +
              "\": " + (found == document.end() ? "missing" : "not a string");
      return made;
    }
    values[i] = found->get<std::string>();
  }
  const auto algorithm = algorithm_named(values[0]);
  if (!algorithm) {
    error = "\"alg\": \"" + values[0] + "\" is none of";
    for (const Algorithm one : kAlgorithms) error += std::string(" ") + crypto::algorithm_name(one);
    return made;
  }
  made.key = key_of(*algorithm, values[1]);
  if (!made.key->error.empty()) {
    error = "\"key\": " + made.key->error;
  } else if (!from_hex(values[2], made.message, error)) {
    error = "\"msg\": " + error;
  } else if (!from_hex(values[3], made.signature, error)) {
    error = "\"sig\": " + error;
  }
  return made;
}

void LineVerifier::add(std::string_view text) {
  ++lines_;
  if (text.find_first_not_of(" \t\r") == std::string_view::npos) return;
  Pending made = parse(text);
  made.line.number = lines_;
  pending_.push_back(std::move(made));
}

std::vector<VerifyLine> LineVerifier::take() {
  std::vector<crypto::VerifyJob> jobs;
  for (const Pending& one : pending_) {
    if (!one.line.error.empty()) continue;
    crypto::VerifyJob job;
    job.signed_parts[0] = one.message;
    job.key = one.key->key.get();
    job.signature = one.signature;
    if (one.key->table != nullptr) job.table = one.key->table->get();
    jobs.push_back(job);
  }
  std::vector<crypto::Verdict> verdicts(jobs.size());
  verifier_.verify(jobs, verdicts);
  std::vector<VerifyLine> lines;
  auto verdict = verdicts.begin();
  for (Pending& one : pending_) {
    if (one.line.error.empty()) one.line.verdict = *verdict++;
    lines.push_back(std::move(one.line));
  }
  pending_.clear();
  return lines;
}

}  // namespace controlplane::ctl
