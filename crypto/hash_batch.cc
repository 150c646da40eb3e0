// SPDX-License-Identifier: Apache-2.0
#include "crypto/hash_batch.h"

#include <intel-ipsec-mb.h>
#include <openssl/evp.h>

#include <cassert>
#include <cstdint>

namespace crypto {
namespace {

/// One hash function and how ipsec-mb runs it.
struct Function {
  IMB_HASH_ALG algorithm;
  std::size_t digest_bytes;
  std::size_t lanes;
  /// A pass with fewer lanes filled than this takes longer than OpenSSL does one by one: measured,
  /// docs/performance.md. OpenSSL's SHA-256 has instructions of its own on CPUs with these lanes.
  std::size_t worthwhile;
};
constexpr Function kSha512 = {IMB_AUTH_SHA_512, 64, 8, 3};
constexpr Function kSha256 = {IMB_AUTH_SHA_256, 32, 16, 12};

std::uint8_t* octets(std::byte* bytes) noexcept { return reinterpret_cast<std::uint8_t*>(bytes); }
const std::uint8_t* octets(std::span<const std::byte> bytes) noexcept {
  return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

/// Afterwards the context starts again and again without memory or locks.
bool prepare(EVP_MD_CTX* context, const char* name) {
  EVP_MD* const algorithm = EVP_MD_fetch(nullptr, name, nullptr);
  const bool ready = context != nullptr && algorithm != nullptr &&
                     EVP_DigestInit_ex2(context, algorithm, nullptr) == 1;
  EVP_MD_free(algorithm);  // the context keeps it
  return ready;
}

void hash_one(EVP_MD_CTX* context, const HashBatch::Message& message) noexcept {
  [[maybe_unused]] const bool done =
      EVP_DigestInit_ex2(context, nullptr, nullptr) == 1 &&
      EVP_DigestUpdate(context, message.bytes.data(), message.bytes.size()) == 1 &&
      EVP_DigestFinal_ex(context, octets(message.digest), nullptr) == 1;
  assert(done);  // nothing in it can fail: the context has all it needs
}

void hash_in_lanes(IMB_MGR* lanes, const Function& function,
                   std::span<const HashBatch::Message> messages) noexcept {
  for (const HashBatch::Message& message : messages) {
    assert(message.bytes.size() <= HashBatch::kMaxBytes);
    IMB_JOB* const job = IMB_GET_NEXT_JOB(lanes);
    job->cipher_mode = IMB_CIPHER_NULL;
    job->cipher_direction = IMB_DIR_ENCRYPT;
    job->chain_order = IMB_ORDER_HASH_CIPHER;
    job->hash_alg = function.algorithm;
    job->src = octets(message.bytes);
    job->hash_start_src_offset_in_bytes = 0;
    job->msg_len_to_hash_in_bytes = message.bytes.size();
    job->msg_len_to_cipher_in_bytes = 0;
    job->auth_tag_output = octets(message.digest);
    job->auth_tag_output_len_in_bytes = function.digest_bytes;
    // Whatever it returns is done: the digest is where it belongs.
    (void)IMB_SUBMIT_JOB_NOCHECK(lanes);
  }
  while (IMB_FLUSH_JOB(lanes) != nullptr) {
  }
}

}  // namespace

struct HashBatch::Engines {
  IMB_MGR* lanes = nullptr;
  // One for each function: a context that changes its function frees and allocates.
  EVP_MD_CTX* sha512 = EVP_MD_CTX_new();
  EVP_MD_CTX* sha256 = EVP_MD_CTX_new();

  Engines() = default;
  ~Engines() {
    if (lanes != nullptr) free_mb_mgr(lanes);
    EVP_MD_CTX_free(sha512);
    EVP_MD_CTX_free(sha256);
  }
  Engines(const Engines&) = delete;
  Engines& operator=(const Engines&) = delete;

  void hash(const Function& function, EVP_MD_CTX* one_by_one,
            std::span<const Message> messages) noexcept;
};

void HashBatch::Engines::hash(const Function& function, EVP_MD_CTX* one_by_one,
                              std::span<const Message> messages) noexcept {
  assert(messages.size() <= kMaxMessages);
  const std::size_t rest = messages.size() % function.lanes;
  const std::size_t in_lanes =
      rest < function.worthwhile ? messages.size() - rest : messages.size();
  if (in_lanes != 0) hash_in_lanes(lanes, function, messages.first(in_lanes));
  for (const Message& one : messages.subspan(in_lanes)) hash_one(one_by_one, one);
}

HashBatch::HashBatch(std::unique_ptr<Engines> engines) noexcept : engines_(std::move(engines)) {}
HashBatch::~HashBatch() = default;

std::unique_ptr<HashBatch> HashBatch::create() {
  auto engines = std::make_unique<Engines>();
  engines->lanes = alloc_mb_mgr(0);
  if (engines->lanes == nullptr || !prepare(engines->sha512, "SHA512") ||
      !prepare(engines->sha256, "SHA256")) {
    return nullptr;
  }
  IMB_ARCH chosen = IMB_ARCH_NONE;
  init_mb_mgr_auto(engines->lanes, &chosen);
  const std::uint64_t tested = engines->lanes->features;
  if (chosen == IMB_ARCH_NONE || (tested & IMB_FEATURE_SELF_TEST_PASS) == 0) return nullptr;
  return std::unique_ptr<HashBatch>(new HashBatch(std::move(engines)));
}

void HashBatch::sha512(std::span<const Message> messages) noexcept {
  engines_->hash(kSha512, engines_->sha512, messages);
}

void HashBatch::sha256(std::span<const Message> messages) noexcept {
  engines_->hash(kSha256, engines_->sha256, messages);
}

}  // namespace crypto
