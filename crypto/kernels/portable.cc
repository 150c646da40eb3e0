// SPDX-License-Identifier: Apache-2.0
// The portable kernel: OpenSSL's EVP, one job after the other. It defines every other kernel's
// verdicts (decision 0002).
//
// Our code here neither allocates nor locks after make_scratch. OpenSSL does both inside each
// EVP_DigestVerifyInit: about ten small allocations, reference counts on the key and on the fetched
// digest, and on failure an entry in the thread's error queue.

#include <openssl/err.h>
#include <openssl/evp.h>

#include <cstring>
#include <new>

#include "crypto/batch_verify.h"
#include "crypto/kernels/kernel_list.h"

namespace crypto {
namespace {

struct Scratch {
  EVP_MD_CTX* context;
  /// Ed25519 hashes the message twice, so EVP takes it in one piece only: parts are joined here.
  unsigned char joined[kMaxSignedBytes];
};

void free_scratch(void* memory) {
  auto* scratch = static_cast<Scratch*>(memory);
  EVP_MD_CTX_free(scratch->context);
  ::operator delete(memory);
}

void* make_scratch() {
  void* memory = ::operator new(sizeof(Scratch), std::nothrow);
  if (memory == nullptr) return nullptr;
  auto* scratch = ::new (memory) Scratch;
  scratch->context = EVP_MD_CTX_new();
  if (scratch->context != nullptr) return scratch;
  free_scratch(scratch);
  return nullptr;
}

const unsigned char* as_octets(const std::byte* bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes);
}

/// RSA and ECDSA: EVP hashes the parts where they lie.
bool matches_hashed_in_place(EVP_MD_CTX* context, const VerifyJob& job) noexcept {
  if (EVP_DigestVerifyInit_ex(context, nullptr, "SHA256", nullptr, nullptr,
                              static_cast<EVP_PKEY*>(job.key->openssl()), nullptr) != 1) {
    return false;
  }
  for (const auto& part : job.signed_parts) {
    if (!part.empty() && EVP_DigestVerifyUpdate(context, part.data(), part.size()) != 1) {
      return false;
    }
  }
  return EVP_DigestVerifyFinal(context, as_octets(job.signature.data()), job.signature.size()) == 1;
}

/// Ed25519: the only non-empty part where it lies, or all of them joined.
bool matches_joined(Scratch& scratch, const VerifyJob& job) noexcept {
  if (EVP_DigestVerifyInit_ex(scratch.context, nullptr, nullptr, nullptr, nullptr,
                              static_cast<EVP_PKEY*>(job.key->openssl()), nullptr) != 1) {
    return false;
  }
  const unsigned char* message = scratch.joined;
  std::size_t length = 0;
  for (const auto& part : job.signed_parts) {
    if (part.empty()) continue;
    if (length == 0) {
      message = as_octets(part.data());
    } else {
      if (message != scratch.joined) {
        std::memcpy(scratch.joined, message, length);
        message = scratch.joined;
      }
      std::memcpy(scratch.joined + length, part.data(), part.size());
    }
    length += part.size();
  }
  return EVP_DigestVerify(scratch.context, as_octets(job.signature.data()), job.signature.size(),
                          message, length) == 1;
}

void verify(void* memory, const VerifyJob* jobs, std::size_t count, Verdict* verdicts,
            BatchStatistics& statistics) {
  auto& scratch = *static_cast<Scratch*>(memory);
  for (std::size_t i = 0; i < count; ++i) {
    ERR_set_mark();
    const bool valid = jobs[i].key->algorithm() == Algorithm::kEd25519
                           ? matches_joined(scratch, jobs[i])
                           : matches_hashed_in_place(scratch.context, jobs[i]);
    ERR_pop_to_mark();
    // A context that has a key keeps it: a second Init with another key would be ignored. The reset
    // also drops the reference, so that no key outlives its signer table entry.
    EVP_MD_CTX_reset(scratch.context);
    verdicts[i] = valid ? Verdict::kValid : Verdict::kBadSignature;
    ++statistics.paths[static_cast<std::size_t>(jobs[i].key->algorithm())].openssl;
  }
}

std::size_t table_bytes(Algorithm) { return 0; }
std::uint32_t table_slices(Algorithm) { return 0; }
bool takes_table(const PublicKey&) { return false; }
void build_slice(const PublicKey&, std::byte*, std::uint32_t) {}

}  // namespace

const KernelTable kKernelPortable = {
    .name = "portable",
    .required_features = 0,
    .lanes = 1,
    .make_scratch = make_scratch,
    .free_scratch = free_scratch,
    .verify = verify,
    .table_bytes = table_bytes,
    .table_slices = table_slices,
    .takes_table = takes_table,
    .build_slice = build_slice,
};

}  // namespace crypto
