// SPDX-License-Identifier: Apache-2.0
#include "bench/verify_traffic.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <random>
#include <stdexcept>

namespace bench {
namespace {

/// So many different messages even when there is one signer: no cache of results could help.
constexpr std::size_t kFewestMessages = 256;
/// What lies around a message's contents: overlay, transaction_id, SignerIdentity.
constexpr std::size_t kOverlayBytes = 4;
constexpr std::size_t kTransactionBytes = 8;
constexpr std::size_t kIdentityBytes = 36;
constexpr std::size_t kHugePageBytes = std::size_t{2} << 20U;

constexpr std::array kSignatures = {
    Signature{"ed25519", crypto::Algorithm::kEd25519, 0, 100'000},
    Signature{"p256", crypto::Algorithm::kEcdsaP256Sha256, 0, 100'000},
    Signature{"rsa2048", crypto::Algorithm::kRsaPkcs1Sha256, 2048, 8},
    Signature{"rsa3072", crypto::Algorithm::kRsaPkcs1Sha256, 3072, 8},
    Signature{"rsa4096", crypto::Algorithm::kRsaPkcs1Sha256, 4096, 8},
};

std::unique_ptr<crypto::SigningKey> rsa_key(int bits) {
  EVP_PKEY* const made = EVP_RSA_gen(static_cast<unsigned>(bits));
  BIO* const memory = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(memory, made, nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const long length = BIO_get_mem_data(memory, &text);
  std::string why;
  auto key = crypto::SigningKey::from_pem({text, static_cast<std::size_t>(length)}, why);
  BIO_free(memory);
  EVP_PKEY_free(made);
  return key;
}

}  // namespace

std::span<const Signature> signatures() noexcept { return kSignatures; }

void Signers::grow(std::size_t count) {
  std::string why;
  while (signing_.size() < count) {
    signing_.push_back(signature_.rsa_bits != 0
                           ? rsa_key(signature_.rsa_bits)
                           : crypto::SigningKey::generate(signature_.algorithm));
    verifying_.push_back(crypto::PublicKey::from_spki(signing_.back()->public_spki(), why));
    if (verifying_.back() == nullptr) throw std::runtime_error("a new key is refused: " + why);
  }
}

Tables::Tables(const crypto::KernelTable& kernel, const Signers& signers, std::size_t count) {
  const crypto::Algorithm algorithm = signers.signature().algorithm;
  stride_ = kernel.table_bytes(algorithm);
  if (stride_ == 0) return;
  bytes_ = (count * stride_ + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
  const auto map = [this](int flags) {
    return mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | flags, -1, 0);
  };
  void* at = map(MAP_HUGETLB);
  huge_ = at != MAP_FAILED;
  if (!huge_) at = map(0);
  if (at == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<std::byte*>(at);
  for (std::size_t signer = 0; signer < count; ++signer) {
    for (std::uint32_t slice = 0; slice < kernel.table_slices(algorithm); ++slice) {
      kernel.build_slice(signers.verifying(signer), memory_ + signer * stride_, slice);
    }
  }
}

Tables::~Tables() {
  if (memory_ != nullptr) munmap(memory_, bytes_);
}

const std::byte* Tables::of(std::size_t signer) const noexcept {
  return memory_ == nullptr ? nullptr : memory_ + signer * stride_;
}

Traffic::Traffic(const Signers& signers, std::size_t count, std::size_t message_bytes) {
  std::mt19937 random(6940);
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  while (messages.size() < kFewestMessages || messages.size() < count) {
    std::shuffle(order.begin(), order.end(), random);
    for (const std::size_t signer : order) {
      Message made{signer, Bytes(message_bytes), {}};
      for (std::byte& byte : made.bytes) byte = static_cast<std::byte>(random());
      made.signature = signers.signing(signer).sign(made.bytes);
      messages.push_back(std::move(made));
    }
  }
}

crypto::VerifyJob Traffic::job(const Signers& signers, std::size_t i, const Tables* tables) const {
  const Message& message = messages[i];
  crypto::VerifyJob job;
  std::span<const std::byte> rest(message.bytes);
  const auto take = [&rest](std::size_t bytes) {
    const auto taken = rest.first(std::min(bytes, rest.size()));
    rest = rest.subspan(taken.size());
    return taken;
  };
  job.signed_parts[0] = take(kOverlayBytes);
  job.signed_parts[1] = take(kTransactionBytes);
  job.signed_parts[2] = take(rest.size() - std::min(rest.size(), kIdentityBytes));
  job.signed_parts[3] = rest;
  job.key = &signers.verifying(message.signer);
  job.signature = message.signature;
  if (tables != nullptr) job.table = tables->of(message.signer);
  return job;
}

}  // namespace bench
