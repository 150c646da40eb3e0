// SPDX-License-Identifier: Apache-2.0
#include "dataplane/association_store.h"

#include <sys/mman.h>

#include <new>

namespace dataplane {

std::unique_ptr<AssociationStore> AssociationStore::create(std::size_t associations,
                                                           std::string& why) {
  std::unique_ptr<AssociationStore> store(new AssociationStore);
  store->cipher_ = crypto::LinkCipher::create(why);
  if (store->cipher_ == nullptr) return nullptr;
  const std::size_t bytes = associations * sizeof(Association);
  void* const room = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (room == MAP_FAILED) {
    why = "no address space for the keys of links";
    return nullptr;
  }
  store->room_ = static_cast<Association*>(room);
  store->capacity_ = associations;
  if (::madvise(room, bytes, MADV_DONTDUMP) != 0) {
    why = "the kernel does not keep the keys of links out of core dumps";
    return nullptr;
  }
  // A key has 16 cache lines, so thousands of links need many pages. Small ones do as well.
  (void)::madvise(room, bytes, MADV_HUGEPAGE);
  // The lowest place goes out first.
  for (std::size_t place = associations; place-- > 0;) {
    store->free_.push_back(static_cast<std::uint32_t>(place));
  }
  return store;
}

AssociationStore::~AssociationStore() {
  if (room_ != nullptr) ::munmap(room_, capacity_ * sizeof(Association));
}

std::shared_ptr<const Association> AssociationStore::make(
    const wire::shm::AssociationRecord& record, std::string& why) {
  if (static_cast<std::size_t>(record.aead) >= wire::dtls::kAeadCount) {
    return why = "no such cipher", nullptr;
  }
  if (free_.empty()) return why = "no room for more keys", nullptr;
  auto* const made = new (&room_[free_.back()]) Association;
  free_.pop_back();
  std::shared_ptr<Association> out(made, [this](Association* gone) { give_back(gone); });
  if (!made->keys.expand(*cipher_, record)) return why = "no such cipher", nullptr;
  made->number = record.association;
  made->aead = record.aead;
  made->first_sequence = record.write_sequence;
  return out;
}

void AssociationStore::give_back(Association* association) noexcept {
  association->~Association();  // wipes the keys
  free_.push_back(static_cast<std::uint32_t>(association - room_));
}

}  // namespace dataplane
