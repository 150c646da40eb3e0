// SPDX-License-Identifier: Apache-2.0
#include "controlplane/links/io.h"

#include <openssl/crypto.h>

namespace controlplane::links {

void wipe(std::span<std::byte> bytes) noexcept { OPENSSL_cleanse(bytes.data(), bytes.size()); }

const char* role_name(Role role) noexcept { return role == Role::kClient ? "client" : "server"; }

const char* failure_name(Failure failure) noexcept {
  switch (failure) {
    case Failure::kNone:
      return "none";
#define LINK_FAILURE(name, text, sentence) \
  case Failure::k##name:                   \
    return text;
#include "controlplane/links/link_failure.def"
#undef LINK_FAILURE
  }
  return "unknown";
}

const char* failure_sentence(Failure failure) noexcept {
  switch (failure) {
    case Failure::kNone:
      return "nothing failed";
#define LINK_FAILURE(name, text, sentence) \
  case Failure::k##name:                   \
    return sentence;
#include "controlplane/links/link_failure.def"
#undef LINK_FAILURE
  }
  return "unknown";
}

std::string describe(const FailureReport& failure) {
  std::string text = failure_sentence(failure.failure);
  if (failure.refusal != trust::Refusal::kNone) {
    text += std::string(" (") + trust::refusal_sentence(failure.refusal) + ")";
  }
  if (failure.alert_received != kNoAlert) {
    text += "; it sent alert " + std::to_string(failure.alert_received);
  }
  return failure.detail.empty() ? text : text + "; " + failure.detail;
}

void Outputs::clear() noexcept {
  wipe(std::as_writable_bytes(std::span(associations)));
  for (std::string& line : key_log) wipe(std::as_writable_bytes(std::span(line)));
  associations.clear();
  datagrams.clear();
  records.clear();
  replies.clear();
  admissions.clear();
  forgets.clear();
  reports.clear();
  key_log.clear();
}

}  // namespace controlplane::links
