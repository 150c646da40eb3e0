// SPDX-License-Identifier: Apache-2.0
// Where the keys of secure links lie: memory that no core dump shows and that is wiped before it is
// used again. Main lcore only; what it makes is read by workers.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/record_layer.h"
#include "wire/shm/association.h"

namespace dataplane {

/// The keys of one association as workers read them. Never changes once it is visible.
struct Association {
  RecordKeys keys;
  std::uint32_t number = 0;  ///< the control plane's name for it
  wire::dtls::Aead aead{};
  std::uint64_t first_sequence = 0;  ///< of the first record this node seals with it
};

class AssociationStore {
 public:
  /// Room for @p associations, taken from the system as they come, in huge pages where the kernel
  /// gives some. nullptr with @p why: no address space, or the cipher library fails its known
  /// answers.
  [[nodiscard]] static std::unique_ptr<AssociationStore> create(std::size_t associations,
                                                                std::string& why);
  /// @pre nothing that make() gave is in use
  ~AssociationStore();
  AssociationStore(const AssociationStore&) = delete;
  AssociationStore& operator=(const AssociationStore&) = delete;

  /// Expands the keys of @p record; the caller wipes it. The last owner of what comes back wipes
  /// the keys, and must be gone before the store is. nullptr with @p why: no room, no such cipher.
  [[nodiscard]] std::shared_ptr<const Association> make(const wire::shm::AssociationRecord& record,
                                                        std::string& why);
  [[nodiscard]] std::size_t in_use() const noexcept { return capacity_ - free_.size(); }

 private:
  AssociationStore() = default;
  void give_back(Association* association) noexcept;

  std::unique_ptr<crypto::LinkCipher> cipher_;  // expands keys
  Association* room_ = nullptr;
  std::size_t capacity_ = 0;
  std::vector<std::uint32_t> free_;  // places in room_
};

}  // namespace dataplane
