// SPDX-License-Identifier: Apache-2.0

#include "controlplane/publish/commands.h"

#include <string.h>

namespace controlplane::publish {

using wire::shm::Command;
using wire::shm::CommandKind;

namespace {

Command of_kind(CommandKind kind) {
  Command command;
  command.kind = kind;
  return command;
}

}  // namespace

Command upsert(const wire::shm::LinkRecord& link) {
  Command command = of_kind(CommandKind::kUpsertLink);
  command.link = link;
  return command;
}

Command removal(const wire::shm::LinkRecord& link) {
  Command command = of_kind(CommandKind::kRemoveLink);
  command.link = link;
  return command;
}

void Commands::resync(std::span<const wire::shm::LinkRecord> links,
                      const trust::SignerDirectory& signers) {
  clear();
  send(of_kind(CommandKind::kResyncBegin));
  for (const wire::shm::LinkRecord& link : links) send(upsert(link));
  signers.for_each([this](const trust::Signer& signer) {
    Command command = of_kind(CommandKind::kUpsertSigner);
    command.signer = signer.record;
    send(command);
  });
  send(of_kind(CommandKind::kResyncEnd));
}

std::size_t Commands::turn() {
  while (!pending_.empty() && ring_.push(pending_.front())) pop();
  return pending_.size();
}

void Commands::pop() noexcept {
  if (pending_.front().kind == CommandKind::kInstallAssociation) {
    ::explicit_bzero(&pending_.front(), sizeof(Command));
  }
  pending_.pop_front();
}

void Commands::clear() noexcept {
  while (!pending_.empty()) pop();
}

}  // namespace controlplane::publish
