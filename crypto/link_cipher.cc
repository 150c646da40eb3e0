// SPDX-License-Identifier: Apache-2.0
#include "crypto/link_cipher.h"

#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>
#include <vector>

#include "crypto/link_cipher_answers.h"

namespace crypto {
namespace {

/// Jobs whose keys are on their way while one is worked on: about what a load from memory takes.
constexpr std::size_t kJobsAhead = 4;

struct KeySizes {
  std::size_t key;
  std::size_t iv;
};
constexpr KeySizes sizes_of(AeadCipher cipher) noexcept {
  switch (cipher) {
    case AeadCipher::kAes128Gcm:
      return {IMB_GCM_128_KEY_LEN, 4};
    case AeadCipher::kAes256Gcm:
      return {IMB_GCM_256_KEY_LEN, 4};
    case AeadCipher::kChaCha20Poly1305:
      return {32, kAeadNonceBytes};
  }
  return {0, 0};
}

enum class Direction : std::uint8_t { kSeal, kOpen };

std::uint8_t* octets(std::byte* bytes) noexcept { return reinterpret_cast<std::uint8_t*>(bytes); }
const std::uint8_t* octets(const std::byte* bytes) noexcept {
  return reinterpret_cast<const std::uint8_t*>(bytes);
}

using Tag = std::array<std::byte, kAeadTagBytes>;

/// Takes the same time wherever they differ.
bool same_tag(const Tag& computed, const std::byte* received) noexcept {
  std::array<std::uint64_t, 2> ours;
  std::array<std::uint64_t, 2> theirs;
  std::memcpy(ours.data(), computed.data(), sizeof ours);
  std::memcpy(theirs.data(), received, sizeof theirs);
  return ((ours[0] ^ theirs[0]) | (ours[1] ^ theirs[1])) == 0;
}

std::vector<std::byte> from_hex(const char* hex) {
  std::vector<std::byte> bytes(std::strlen(hex) / 2);
  std::size_t written = 0;
  if (OPENSSL_hexstr2buf_ex(octets(bytes.data()), bytes.size(), &written, hex, '\0') != 1)
    return {};
  bytes.resize(written);
  return bytes;
}

}  // namespace

LinkKey::~LinkKey() { OPENSSL_cleanse(expanded_.data(), sizeof expanded_ + sizeof iv_); }

struct LinkCipher::Engine {
  IMB_MGR* manager = nullptr;
  gcm_context_data context{};  // holds key stream after a call

  Engine() = default;
  ~Engine() {
    OPENSSL_cleanse(&context, sizeof context);
    if (manager != nullptr) free_mb_mgr(manager);
  }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// What AeadJob says, with additional data of any length.
  struct Work {
    const LinkKey* key;
    std::byte* text;
    std::size_t bytes;
    const std::byte* nonce;
    const std::byte* aad;
    std::size_t aad_bytes;
  };
  static Work work_of(const AeadJob& job) noexcept {
    return {job.key, job.text, job.bytes, job.nonce.data(), job.aad.data(), job.aad.size()};
  }

  /// Turns the text over and writes the tag that belongs to it. False when the library refuses.
  template <Direction direction>
  [[nodiscard]] bool run(const Work& work, std::byte* tag) noexcept;
  template <Direction direction>
  [[nodiscard]] bool run_chacha(const Work& work, std::byte* tag) noexcept;

  [[nodiscard]] bool open(const Work& work, const std::byte* tag) noexcept;
  /// Both ways, and that it refuses another tag.
  [[nodiscard]] bool agrees(const LinkKey& key, const AeadAnswer& answer);
};

// The direct calls are the quickest: GCM gains nothing from several records at once.
template <Direction direction>
bool LinkCipher::Engine::run(const Work& work, std::byte* tag) noexcept {
  const auto* const key = reinterpret_cast<const gcm_key_data*>(work.key->expanded_.data());
  std::uint8_t* const text = octets(work.text);
  constexpr bool kSeals = direction == Direction::kSeal;
  switch (work.key->cipher_) {
    case AeadCipher::kAes128Gcm:
      (kSeals ? manager->gcm128_enc : manager->gcm128_dec)(
          key, &context, text, text, work.bytes, octets(work.nonce), octets(work.aad),
          work.aad_bytes, octets(tag), kAeadTagBytes);
      return true;
    case AeadCipher::kAes256Gcm:
      (kSeals ? manager->gcm256_enc : manager->gcm256_dec)(
          key, &context, text, text, work.bytes, octets(work.nonce), octets(work.aad),
          work.aad_bytes, octets(tag), kAeadTagBytes);
      return true;
    case AeadCipher::kChaCha20Poly1305:
      return run_chacha<direction>(work, tag);
  }
  return false;
}

// As a job, because the direct calls take a third longer. Each is done when it is submitted.
template <Direction direction>
bool LinkCipher::Engine::run_chacha(const Work& work, std::byte* tag) noexcept {
  constexpr bool kSeals = direction == Direction::kSeal;
  IMB_JOB* const job = IMB_GET_NEXT_JOB(manager);
  job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
  job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
  job->cipher_direction = kSeals ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
  job->chain_order = kSeals ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
  job->enc_keys = job->dec_keys = work.key->expanded_.data();
  job->key_len_in_bytes = sizes_of(AeadCipher::kChaCha20Poly1305).key;
  job->iv = octets(work.nonce);
  job->iv_len_in_bytes = kAeadNonceBytes;
  job->src = job->dst = octets(work.text);
  job->cipher_start_src_offset_in_bytes = 0;
  job->msg_len_to_cipher_in_bytes = work.bytes;
  job->hash_start_src_offset_in_bytes = 0;
  job->msg_len_to_hash_in_bytes = work.bytes;
  job->u.CHACHA20_POLY1305.aad = work.aad;
  job->u.CHACHA20_POLY1305.aad_len_in_bytes = work.aad_bytes;
  job->auth_tag_output = octets(tag);
  job->auth_tag_output_len_in_bytes = kAeadTagBytes;
  const IMB_JOB* done = IMB_SUBMIT_JOB(manager);
  if (done == nullptr) done = IMB_FLUSH_JOB(manager);
  return done == job && done->status == IMB_STATUS_COMPLETED;
}

bool LinkCipher::Engine::open(const Work& work, const std::byte* tag) noexcept {
  Tag computed;
  if (!run<Direction::kOpen>(work, computed.data())) return false;
  if (same_tag(computed, tag)) [[likely]]
    return true;
  // Both ciphers add a key stream: once more, and the ciphertext is back.
  (void)run<Direction::kOpen>(work, computed.data());
  return false;
}

bool LinkCipher::Engine::agrees(const LinkKey& key, const AeadAnswer& answer) {
  const std::vector<std::byte> nonce = from_hex(answer.nonce);
  const std::vector<std::byte> aad = from_hex(answer.aad);
  const std::vector<std::byte> plaintext = from_hex(answer.plaintext);
  const std::vector<std::byte> ciphertext = from_hex(answer.ciphertext);
  const std::vector<std::byte> tag = from_hex(answer.tag);
  if (nonce.size() != kAeadNonceBytes || tag.size() != kAeadTagBytes) return false;
  std::vector<std::byte> text = plaintext;
  Tag made;
  const Work work = {&key, text.data(), text.size(), nonce.data(), aad.data(), aad.size()};
  if (!run<Direction::kSeal>(work, made.data()) || text != ciphertext ||
      !same_tag(made, tag.data())) {
    return false;
  }
  made[0] ^= std::byte{1};
  if (open(work, made.data()) || text != ciphertext) return false;
  return open(work, tag.data()) && text == plaintext;
}

LinkCipher::LinkCipher(std::unique_ptr<Engine> engine) noexcept : engine_(std::move(engine)) {}
LinkCipher::~LinkCipher() = default;

std::unique_ptr<LinkCipher> LinkCipher::create(std::string& error) {
  auto engine = std::make_unique<Engine>();
  engine->manager = alloc_mb_mgr(0);
  if (engine->manager == nullptr) {
    error = "ipsec-mb has no memory for a manager";
    return nullptr;
  }
  IMB_ARCH chosen = IMB_ARCH_NONE;
  init_mb_mgr_auto(engine->manager, &chosen);
  if (chosen == IMB_ARCH_NONE) {
    error = std::string("ipsec-mb does not run on this CPU: ") +
            imb_get_strerror(imb_get_errno(engine->manager));
    return nullptr;
  }
  const std::uint64_t tested = engine->manager->features;
  if ((tested & IMB_FEATURE_SELF_TEST_PASS) == 0) {
    error = "ipsec-mb fails its own self-test";
    return nullptr;
  }
  std::unique_ptr<LinkCipher> made(new LinkCipher(std::move(engine)));
  for (const AeadAnswer& answer : aead_answers()) {
    LinkKey key;
    const std::vector<std::byte> nonce = from_hex(answer.nonce);
    const std::span iv = std::span(nonce).first(sizes_of(answer.cipher).iv);
    if (!made->expand(answer.cipher, from_hex(answer.key), iv, key) ||
        !made->engine_->agrees(key, answer)) {
      error = std::string("ipsec-mb gives another answer than ") + answer.source;
      return nullptr;
    }
  }
  return made;
}

bool LinkCipher::expand(AeadCipher cipher, std::span<const std::byte> key,
                        std::span<const std::byte> iv, LinkKey& out) const noexcept {
  static_assert(sizeof(gcm_key_data) == sizeof out.expanded_ && alignof(LinkKey) >= 64);
  const KeySizes sizes = sizes_of(cipher);
  if (sizes.key == 0 || key.size() != sizes.key || iv.size() != sizes.iv) return false;
  auto* const expanded = reinterpret_cast<gcm_key_data*>(out.expanded_.data());
  switch (cipher) {
    case AeadCipher::kAes128Gcm:
      engine_->manager->gcm128_pre(key.data(), expanded);
      break;
    case AeadCipher::kAes256Gcm:
      engine_->manager->gcm256_pre(key.data(), expanded);
      break;
    case AeadCipher::kChaCha20Poly1305:
      std::memcpy(expanded, key.data(), key.size());
      break;
  }
  out.iv_ = {};
  std::memcpy(out.iv_.data(), iv.data(), iv.size());
  out.cipher_ = cipher;
  return true;
}

std::uint64_t LinkCipher::seal(std::span<const AeadJob> jobs) noexcept {
  assert(jobs.size() <= kMaxJobs);
  for (const AeadJob& job : jobs.first(std::min(kJobsAhead, jobs.size()))) job.key->prefetch();
  std::uint64_t sealed = 0;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (i + kJobsAhead < jobs.size()) jobs[i + kJobsAhead].key->prefetch();
    const bool done =
        engine_->run<Direction::kSeal>(Engine::work_of(jobs[i]), jobs[i].text + jobs[i].bytes);
    sealed |= std::uint64_t{done} << i;
  }
  return sealed;
}

std::uint64_t LinkCipher::open(std::span<const AeadJob> jobs) noexcept {
  assert(jobs.size() <= kMaxJobs);
  for (const AeadJob& job : jobs.first(std::min(kJobsAhead, jobs.size()))) job.key->prefetch();
  std::uint64_t opened = 0;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (i + kJobsAhead < jobs.size()) jobs[i + kJobsAhead].key->prefetch();
    const bool authentic = engine_->open(Engine::work_of(jobs[i]), jobs[i].text + jobs[i].bytes);
    opened |= std::uint64_t{authentic} << i;
  }
  return opened;
}

}  // namespace crypto
