// SPDX-License-Identifier: Apache-2.0
// The signers this node has an opinion of: certificates checked, accepted or refused.
//
// Every change is also written as a command for the dataplane's signer table, so both agree. One
// directory belongs to the core; it is bounded and forgets who was heard of longest ago.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>

#include "controlplane/overlay/io.h"
#include "controlplane/overlay/node_counters.h"
#include "controlplane/overlay/parsed_message.h"
#include "crypto/batch_verify.h"
#include "crypto/public_key.h"

namespace controlplane::trust {

/// What checking the certificates that came with a message gave.
struct Judgement {
  enum class Verdict : std::uint8_t {
    kAccepted,
    kRefused,  ///< a certificate that is this signer's was there, and is no good
    kAbsent,   ///< no certificate of this signer was there, so nothing may be held against it
  } verdict = Verdict::kAbsent;
  wire::shm::SignerRecord signer;  ///< with kAccepted
  std::string why;                 ///< with kRefused
};

/// Checks the packed GenericCertificates of a message for the signer they should vouch for.
using JudgeSigner =
    std::function<Judgement(std::span<const std::byte> certificates,
                            const wire::reload::SignerKey& key, std::uint64_t unix_s)>;

struct Signer {
  wire::shm::SignerRecord record;  ///< refused is set for a refused one
  std::string why;                 ///< of a refusal
  bool configured = false;         ///< from node.toml: never forgotten
  std::uint64_t since_ns = 0;
  std::unique_ptr<crypto::PublicKey> key;  ///< decoded when first needed here
};

class SignerDirectory {
 public:
  /// A refusal is looked at again after this long: a certificate may have become valid.
  static constexpr std::uint64_t kRefusalNs = 300'000 * overlay::kMillisecond;

  SignerDirectory(JudgeSigner judge, std::size_t capacity, overlay::NodeCounters& counters);

  /// A signer known from the start. @pre the record is accepted
  void add_configured(const wire::shm::SignerRecord& record);

  using IsBanned = std::function<bool(const wire::reload::NodeId&)>;
  /// Signers for whom @p is_banned holds are refused from now on, however good their certificates.
  void ban(IsBanned is_banned) { is_banned_ = std::move(is_banned); }
  /// Whom is_banned holds for has changed.
  void judge_again(const overlay::Now& now, overlay::Outputs& out);

  /// The signer of @p message, judged from the certificates in it when not known yet. nullptr when
  /// it stays unknown. What it learns goes to @p out. Valid until the next call.
  [[nodiscard]] Signer* resolve(const overlay::Now& now, const overlay::ParsedMessage& message,
                                overlay::Outputs& out);

  /// Checks the signature of @p message with the key of its accepted signer.
  [[nodiscard]] bool verify(Signer& signer, const overlay::ParsedMessage& message);

  /// Drops refusals that are due for another look.
  void expire(const overlay::Now& now, overlay::Outputs& out);

  [[nodiscard]] std::size_t size() const noexcept { return signers_.size(); }
  /// Of them refused: with none, expire() has nothing to do.
  [[nodiscard]] std::size_t refused() const noexcept { return refused_; }
  template <class Use>
  void for_each(Use&& use) const {
    for (const Signer& signer : signers_) use(signer);
  }

 private:
  struct KeyHash {
    std::size_t operator()(const wire::reload::SignerKey& key) const noexcept;
  };
  using Signers = std::list<Signer>;  // most recently heard of first

  void refuse_banned(const overlay::Now& now, Signer& signer);
  void make_room(overlay::Outputs& out);
  void forget(Signers::iterator signer, overlay::Outputs& out);

  JudgeSigner judge_;
  IsBanned is_banned_;
  std::size_t capacity_;
  overlay::NodeCounters& counters_;
  Signers signers_;
  std::unordered_map<wire::reload::SignerKey, Signers::iterator, KeyHash> by_key_;
  std::size_t refused_ = 0;
  /// Made for the first signature that is checked here, for it has a quarter of a megabyte to work
  /// in. Behind a dataplane that checks all, that is never.
  std::optional<crypto::BatchVerifier> verifier_;
};

}  // namespace controlplane::trust
