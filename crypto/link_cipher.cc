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

/// Jobs whose keys are on their way while one is worked on: as long as a load from memory takes.
constexpr std::size_t kJobsAhead = 4;

constexpr std::size_t kLine = 64;
constexpr std::size_t kHashKeyPowers = 48;
constexpr std::size_t kNarrowKeyBytes =
    offsetof(gcm_key_data, ghash_keys) + sizeof(gcm_key_data{}.ghash_keys.sse_avx);

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
  const int read = OPENSSL_hexstr2buf_ex(octets(bytes.data()), bytes.size(), &written, hex, '\0');
  bytes.resize(read == 1 ? written : 0);
  return bytes;
}

}  // namespace

LinkKey::~LinkKey() { OPENSSL_cleanse(expanded_.data(), sizeof expanded_ + sizeof iv_); }

struct LinkCipher::Engine {
  IMB_MGR* manager = nullptr;
  gcm_context_data context{};  // holds key stream after a call
  /// The powers of the hash key that GCM reads lie at the end of its key, one for each block of the
  /// text: 48 of them where there are VAES instructions, in front of less otherwise.
  bool has_wide_keys = false;

  Engine() = default;
  ~Engine() {
    OPENSSL_cleanse(&context, sizeof context);
    if (manager != nullptr) free_mb_mgr(manager);
  }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Asks for the lines of its key that a job reads.
  void prefetch(const AeadJob& job) const noexcept;
  [[gnu::always_inline]] void prefetch_first(std::span<const AeadJob> jobs) const noexcept {
    for (const AeadJob& job : jobs.first(std::min(kJobsAhead, jobs.size()))) prefetch(job);
  }
  [[gnu::always_inline]] void prefetch_ahead(std::span<const AeadJob> jobs,
                                             std::size_t i) const noexcept {
    if (i + kJobsAhead < jobs.size()) prefetch(jobs[i + kJobsAhead]);
  }
  /// Turns the text over and writes the tag that belongs to it. False when the library refuses.
  /// @param aad  instead of job.aad: known answers have other lengths
  template <Direction direction>
  [[nodiscard]] bool run(const AeadJob& job, std::span<const std::byte> aad,
                         std::byte* tag) noexcept;
  template <Direction direction>
  [[nodiscard]] bool run_chacha(const AeadJob& job, std::span<const std::byte> aad,
                                std::byte* tag) noexcept;
  [[nodiscard]] bool open(const AeadJob& job, std::span<const std::byte> aad) noexcept;
  /// Both ways, and that it refuses another tag.
  [[nodiscard]] bool agrees(const LinkKey& key, const AeadAnswer& answer);
};

// Inlined by force: a compiler that sees a call without effect or result may leave it out.
[[gnu::always_inline]] inline void LinkCipher::Engine::prefetch(const AeadJob& job) const noexcept {
  const std::byte* const at = job.key->expanded_.data();
  __builtin_prefetch(at);
  if (job.key->cipher_ == AeadCipher::kChaCha20Poly1305) return;
  // Round keys: 11 or 15 of 16 bytes.
  __builtin_prefetch(at + kLine);
  __builtin_prefetch(at + 2 * kLine);
  if (job.key->cipher_ == AeadCipher::kAes256Gcm) __builtin_prefetch(at + 3 * kLine);
  if (!has_wide_keys) {
    for (std::size_t line = 3; line * kLine < kNarrowKeyBytes; ++line) {
      __builtin_prefetch(at + line * kLine);
    }
    return;
  }
  const std::byte* power = at + sizeof(gcm_key_data);
  const std::byte* const last = power - std::min(job.bytes, 16 * kHashKeyPowers);
  while (power > last) __builtin_prefetch(power -= kLine);
}

// The direct calls are the quickest: GCM gains nothing from several records at once.
template <Direction direction>
[[gnu::always_inline]] inline bool LinkCipher::Engine::run(const AeadJob& job,
                                                           std::span<const std::byte> aad,
                                                           std::byte* tag) noexcept {
  const auto* const key = reinterpret_cast<const gcm_key_data*>(job.key->expanded_.data());
  std::uint8_t* const text = octets(job.text);
  constexpr bool kSeals = direction == Direction::kSeal;
  switch (job.key->cipher_) {
    case AeadCipher::kAes128Gcm:
      (kSeals ? manager->gcm128_enc : manager->gcm128_dec)(
          key, &context, text, text, job.bytes, octets(job.nonce.data()), octets(aad.data()),
          aad.size(), octets(tag), kAeadTagBytes);
      return true;
    case AeadCipher::kAes256Gcm:
      (kSeals ? manager->gcm256_enc : manager->gcm256_dec)(
          key, &context, text, text, job.bytes, octets(job.nonce.data()), octets(aad.data()),
          aad.size(), octets(tag), kAeadTagBytes);
      return true;
    case AeadCipher::kChaCha20Poly1305:
      return run_chacha<direction>(job, aad, tag);
  }
  return false;
}

// As a job, because the direct calls take a third longer. Each is done when it is submitted.
template <Direction direction>
bool LinkCipher::Engine::run_chacha(const AeadJob& job, std::span<const std::byte> aad,
                                    std::byte* tag) noexcept {
  constexpr bool kSeals = direction == Direction::kSeal;
  IMB_JOB* const work = IMB_GET_NEXT_JOB(manager);
  work->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
  work->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
  work->cipher_direction = kSeals ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
  work->chain_order = kSeals ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
  work->enc_keys = work->dec_keys = job.key->expanded_.data();
  work->key_len_in_bytes = sizes_of(AeadCipher::kChaCha20Poly1305).key;
  work->iv = octets(job.nonce.data());
  work->iv_len_in_bytes = kAeadNonceBytes;
  work->src = work->dst = octets(job.text);
  work->cipher_start_src_offset_in_bytes = 0;
  work->msg_len_to_cipher_in_bytes = job.bytes;
  work->hash_start_src_offset_in_bytes = 0;
  work->msg_len_to_hash_in_bytes = job.bytes;
  work->u.CHACHA20_POLY1305.aad = aad.data();
  work->u.CHACHA20_POLY1305.aad_len_in_bytes = aad.size();
  work->auth_tag_output = octets(tag);
  work->auth_tag_output_len_in_bytes = kAeadTagBytes;
  const IMB_JOB* done = IMB_SUBMIT_JOB(manager);
  if (done == nullptr) done = IMB_FLUSH_JOB(manager);
  return done == work && done->status == IMB_STATUS_COMPLETED;
}

[[gnu::always_inline]] inline bool LinkCipher::Engine::open(
    const AeadJob& job, std::span<const std::byte> aad) noexcept {
  Tag computed;
  if (!run<Direction::kOpen>(job, aad, computed.data())) return false;
  if (same_tag(computed, job.text + job.bytes)) return true;
  // Both ciphers add a key stream: once more, and the ciphertext is back.
  (void)run<Direction::kOpen>(job, aad, computed.data());
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
  text.resize(plaintext.size() + tag.size());
  AeadJob job = {&key, text.data(), plaintext.size(), {}, {}};
  std::copy(nonce.begin(), nonce.end(), job.nonce.begin());
  std::byte* const made = text.data() + plaintext.size();
  const auto holds = [&text](const std::vector<std::byte>& bytes) {
    return std::equal(bytes.begin(), bytes.end(), text.begin());
  };
  if (!run<Direction::kSeal>(job, aad, made) || !holds(ciphertext) ||
      !std::equal(tag.begin(), tag.end(), made)) {
    return false;
  }
  made[0] ^= std::byte{1};
  if (open(job, aad) || !holds(ciphertext)) return false;
  made[0] ^= std::byte{1};
  return open(job, aad) && holds(plaintext);
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
    const std::span powers = std::span(key.expanded_).subspan(kNarrowKeyBytes);
    made->engine_->has_wide_keys |= std::any_of(
        powers.begin(), powers.end(), [](std::byte byte) { return byte != std::byte{0}; });
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
  Engine& engine = *engine_;
  std::uint64_t sealed = 0;
  engine.prefetch_first(jobs);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    engine.prefetch_ahead(jobs, i);
    const AeadJob& job = jobs[i];
    if (engine.run<Direction::kSeal>(job, job.aad, job.text + job.bytes)) [[likely]] {
      sealed |= std::uint64_t{1} << i;
    }
  }
  return sealed;
}

std::uint64_t LinkCipher::open(std::span<const AeadJob> jobs) noexcept {
  assert(jobs.size() <= kMaxJobs);
  Engine& engine = *engine_;
  std::uint64_t opened = 0;
  engine.prefetch_first(jobs);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    engine.prefetch_ahead(jobs, i);
    const AeadJob& job = jobs[i];
    if (engine.open(job, job.aad)) [[likely]] {
      opened |= std::uint64_t{1} << i;
    }
  }
  return opened;
}

}  // namespace crypto
