// SPDX-License-Identifier: Apache-2.0
// Gives one job to OpenSSL, plainly, and to every kernel that runs here, alone and among others in
// every place of a full batch, with the signer's table and without: all must agree, and nobody's
// neighbours may notice.

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "crypto/batch_verify.h"
#include "crypto/kernels/select.h"
#include "crypto/known_table.h"
#include "crypto/self_test.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/kernels_agree_input.h"

namespace {

using namespace crypto;
using kernels_agree::Bytes;
using kernels_agree::ByteSpan;
using kernels_agree::Input;

/// A known answer as a neighbour in a batch.
struct Neighbour {
  std::unique_ptr<PublicKey> key;
  Bytes spki;
  Bytes message;
  Bytes signature;
  Verdict verdict = Verdict::kValid;
};

const std::vector<Neighbour>& neighbours() {
  static const auto kNeighbours = [] {
    std::vector<Neighbour> made;
    for (const KnownAnswer& answer : known_answers()) {
      Neighbour one;
      std::string why;
      one.spki = kernels_agree::from_hex(answer.spki);
      one.key = PublicKey::from_spki(one.spki, why);
      FUZZ_CHECK(one.key != nullptr);
      one.message = kernels_agree::from_hex(answer.message);
      one.signature = kernels_agree::from_hex(answer.signature);
      one.verdict = answer.verdict;
      made.push_back(std::move(one));
    }
    return made;
  }();
  return kNeighbours;
}

const unsigned char* octets(ByteSpan bytes) {
  static const unsigned char kNone = 0;
  return bytes.empty() ? &kNone : reinterpret_cast<const unsigned char*>(bytes.data());
}

Verdict openssl_verdict(ByteSpan spki, const Input& input) {
  if (input.message.size() > kMaxSignedBytes) return Verdict::kTooLong;
  const unsigned char* at = octets(spki);
  EVP_PKEY* key = d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size()));
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const EVP_MD* digest = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
  const bool valid = EVP_DigestVerifyInit(context, nullptr, digest, nullptr, key) == 1 &&
                     EVP_DigestVerify(context, octets(input.signature), input.signature.size(),
                                      octets(input.message), input.message.size()) == 1;
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  return valid ? Verdict::kValid : Verdict::kBadSignature;
}

VerifyJob job_of(const PublicKey& key, const Input& input) {
  const std::size_t size = input.message.size();
  const std::size_t first = std::min<std::size_t>(input.cuts[0], size);
  const std::size_t second = std::min<std::size_t>(first + input.cuts[1], size);
  VerifyJob job;
  job.signed_parts = {input.message.first(first),
                      {},
                      input.message.subspan(first, second - first),
                      input.message.subspan(second)};
  job.key = &key;
  job.signature = input.signature;
  return job;
}

/// A kernel with what lasts from input to input.
struct Rig {
  explicit Rig(const KernelTable& used) : kernel(used), verifier(used) {
    for (const Neighbour& one : neighbours()) tables.emplace_back(used, *one.key);
  }
  const KernelTable& kernel;
  BatchVerifier verifier;
  std::vector<KnownTable> tables;  ///< by neighbour
};

std::vector<Rig>& rigs() {
  static auto rigs = [] {
    std::vector<Rig> made;
    for (const KernelTable* kernel : all_kernels()) {
      if (runs_here(*kernel)) made.emplace_back(*kernel);
    }
    return made;
  }();
  return rigs;
}

void check_kernel(Rig& rig, const VerifyJob& job, Verdict expected, std::size_t place) {
  auto alone = static_cast<Verdict>(0xff);
  rig.verifier.verify({&job, 1}, {&alone, 1});
  FUZZ_CHECK(alone == expected);

  std::array<VerifyJob, BatchVerifier::kMaxJobs> jobs;
  std::array<Verdict, BatchVerifier::kMaxJobs> verdicts{};
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const std::size_t which = i % neighbours().size();
    const Neighbour& one = neighbours()[which];
    jobs[i].signed_parts[0] = one.message;
    jobs[i].key = one.key.get();
    jobs[i].signature = one.signature;
    if (i % 2 == 0) jobs[i].table = rig.tables[which].get();
  }
  jobs[place] = job;
  rig.verifier.verify(jobs, verdicts);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const Verdict wanted = i == place ? expected : neighbours()[i % neighbours().size()].verdict;
    FUZZ_CHECK(verdicts[i] == wanted);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const Input input = kernels_agree::decode({reinterpret_cast<const std::byte*>(bytes), size});
  std::unique_ptr<PublicKey> own;
  const PublicKey* key = nullptr;
  ByteSpan spki;
  if (input.key == kernels_agree::kOwnKey) {
    std::string why;
    spki = input.own_key;
    own = PublicKey::from_spki(spki, why);
    FUZZ_CHECK((own == nullptr) == !why.empty());
    if (own == nullptr) return 0;
    key = own.get();
  } else {
    const Neighbour& known = neighbours()[input.key % neighbours().size()];
    key = known.key.get();
    spki = known.spki;
  }
  const Verdict expected = openssl_verdict(spki, input);
  VerifyJob job = job_of(*key, input);
  const std::size_t place = size % BatchVerifier::kMaxJobs;
  for (Rig& rig : rigs()) {
    job.table = nullptr;
    check_kernel(rig, job, expected, place);
    const KnownTable table(rig.kernel, *key);
    if (table.get() == nullptr) continue;
    job.table = table.get();
    check_kernel(rig, job, expected, place);
  }
  return 0;
}
