// SPDX-License-Identifier: Apache-2.0
#include "dataplane/commands.h"

namespace dataplane {

namespace {

// One writer: a load and a store, as wire::shm::Counter does.
void raise(std::atomic<std::uint64_t>& value) {
  value.store(value.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace

bool CommandApplier::apply_one(const wire::shm::Command& command) {
  using wire::shm::CommandKind;
  switch (command.kind) {
    case CommandKind::kResyncBegin:
      links_.mark_all_stale();
      signers_.mark_all_stale();
      resyncing_ = true;
      return true;
    case CommandKind::kResyncEnd:
      // An end without a beginning comes from a ring whose start this process did not see.
      if (!resyncing_) return last_error_ = "end of a resync that never began", false;
      links_.sweep_stale();
      signers_.sweep_stale();
      effects_.links_changed();
      resyncing_ = false;
      raise(status_.resyncs);
      return true;
    case CommandKind::kUpsertLink: {
      if (!effects_.prepare_link(command.link, last_error_)) return false;
      const bool done = links_.upsert(command.link, last_error_);
      effects_.links_changed();
      return done;
    }
    case CommandKind::kRemoveLink:
      links_.remove(command.link.slot, command.link.generation);
      effects_.links_changed();
      return true;
    case CommandKind::kUpsertSigner:
      return signers_.upsert(command.signer, last_error_);
    case CommandKind::kRemoveSigner:
      signers_.remove(command.signer.key);
      return true;
    case CommandKind::kSetTrace:
      effects_.set_trace(command.trace);
      return true;
    case CommandKind::kStartCapture:
      return effects_.start_capture(command.capture, last_error_);
    case CommandKind::kStopCapture:
      effects_.stop_capture();
      return true;
    case CommandKind::kInstallAssociation:
      return links_.install(command.association, now_ns_, last_error_);
    case CommandKind::kForgetAssociations:
      return links_.forget(command.forget.slot, command.forget.generation, last_error_);
  }
  return last_error_ = "unknown command", false;
}

void CommandApplier::apply(const wire::shm::Command& command) {
  raise(apply_one(command) ? status_.commands : status_.command_errors);
}

std::size_t CommandApplier::turn(wire::shm::CommandRing& ring, std::size_t most,
                                 std::uint64_t now_ns) {
  now_ns_ = now_ns;
  const std::size_t taken =
      ring.consume_wiping(most, [this](const wire::shm::Command& command) { apply(command); });
  links_.expire(now_ns);
  links_.reclaim();
  signers_.reclaim();
  status_.links.store(links_.size(), std::memory_order_relaxed);
  status_.signers.store(signers_.size(), std::memory_order_relaxed);
  return taken;
}

}  // namespace dataplane
