// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/signature_check.h"

#include <array>
#include <optional>
#include <string_view>

#include "controlplane/ctl/hex_text.h"
#include "controlplane/trust/signature_scheme.h"
#include "crypto/kernels/select.h"
#include "crypto/public_key.h"

namespace controlplane::ctl {

namespace {

using namespace wire::reload;
using trust::algorithm_of;

constexpr std::string_view kPemBegin = "-----BEGIN CERTIFICATE-----";

}  // namespace

SignatureCheck::SignatureCheck() : verifier_(crypto::best_kernel()) {}

std::string SignatureCheck::add(std::span<const std::byte> text, const std::string& name) {
  std::string why;
  const std::string_view pem(reinterpret_cast<const char*>(text.data()), text.size());
  std::size_t at = pem.find(kPemBegin);
  if (at == std::string_view::npos) {
    auto certificate = trust::Certificate::from_der(text, why);
    if (!certificate) return name + " is neither a PEM nor a DER certificate: " + why;
    known_.push_back({*std::move(certificate), name});
    return {};
  }
  for (; at != std::string_view::npos; at = pem.find(kPemBegin, at + kPemBegin.size())) {
    auto certificate = trust::Certificate::from_pem(pem.substr(at), why);
    if (!certificate) return name + " holds a certificate that cannot be read: " + why;
    known_.push_back({*std::move(certificate), name});
  }
  return {};
}

SignatureCheck::Result SignatureCheck::check(std::span<const std::byte> message,
                                             const DecodedMessage& decoded) {
  const Signature& signature = decoded.security->signature;
  const auto algorithm = algorithm_of(signature.scheme);
  if (!algorithm) return {{{"verdict", "unknown_algorithm"}}, false};

  const trust::Certificate* certificate = nullptr;
  std::string name;
  std::optional<NodeId> node_id;
  for (const Known& known : known_) {
    node_id = known.certificate.node_of(signature.signer);
    if (!node_id) continue;
    certificate = &known.certificate;
    name = known.name;
    break;
  }
  std::optional<trust::Certificate> carried;
  std::span<const std::byte> der;
  std::span<const std::byte> rest = decoded.security->certificates;
  while (certificate == nullptr && !rest.empty() && read_certificate(rest, der, rest).ok()) {
    std::string why;
    carried = trust::Certificate::from_der(der, why);
    if (!carried) continue;
    node_id = carried->node_of(signature.signer);
    if (!node_id) continue;
    certificate = &*carried;
    name = "carried by the message";
  }
  if (certificate == nullptr) return {{{"verdict", "unknown_signer"}}, false};

  Result result{
      {{"verdict", "bad_signature"}, {"node_id", to_hex(node_id->bytes)}, {"certificate", name}},
      false};
  std::string why;
  const auto key = crypto::PublicKey::from_spki(certificate->spki, why);
  // The algorithm field is not signed: a key never answers for another algorithm than its own.
  if (key == nullptr || key->algorithm() != *algorithm) return result;
  crypto::VerifyJob job;
  job.signed_parts = signed_parts(message, decoded.contents->encoded, signature.identity);
  job.key = key.get();
  job.signature = signature.value;
  std::array<crypto::Verdict, 1> verdict{};
  verifier_.verify({&job, 1}, verdict);
  if (verdict[0] == crypto::Verdict::kValid) {
    result.json["verdict"] = "valid";
    result.valid = true;
  }
  return result;
}

}  // namespace controlplane::ctl
