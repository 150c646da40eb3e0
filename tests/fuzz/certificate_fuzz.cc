// SPDX-License-Identifier: Apache-2.0
// Certificates from strangers: reading and checking one must refuse it or make sense of it. The
// checker trusts corpus/certificate/ca.pem alone, which nothing the fuzzer invents can be signed
// by; a certificate of that authority in the corpus keeps the way to acceptance covered.

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string>

#include "controlplane/trust/certificate.h"
#include "controlplane/trust/certificate_checker.h"
#include "tests/fuzz/check.h"

namespace {

using namespace controlplane::trust;

constexpr std::int64_t kNow = 1800000000;  // the corpus is valid until 2100, when it is

std::unique_ptr<CertificateChecker> make_checker() {
  std::ifstream in(CORPUS_CA);
  const std::string pem[] = {{std::istreambuf_iterator<char>(in), {}}};
  std::string why;
  auto checker = CertificateChecker::make(pem, "example.com", why);
  FUZZ_CHECK(checker != nullptr);
  return checker;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const std::unique_ptr<CertificateChecker> checker = make_checker();
  const auto der = std::as_bytes(std::span(bytes, size));

  std::string why;
  const auto certificate = Certificate::from_der(der, why);
  FUZZ_CHECK(certificate.has_value() || !why.empty());
  wire::reload::NodeId node_id = wire::reload::NodeId::wildcard();
  if (certificate && !certificate->nodes.empty()) {
    node_id = certificate->nodes.front().node_id;
    const auto signer = certificate->signer_key(node_id);
    FUZZ_CHECK(signer.has_value());
    FUZZ_CHECK(certificate->node_of(*signer) == node_id);
    const Checked checked = checker->check_signer(der, *signer, kNow);
    FUZZ_CHECK(!checked.accepted() || checked.node_id == node_id);
  }
  const Checked checked = checker->check_node(der, node_id, kNow);
  FUZZ_CHECK(certificate.has_value() || checked.refusal == Refusal::kGarbage);
  FUZZ_CHECK(refusal_sentence(checked.refusal) != nullptr);
  return 0;
}
