// SPDX-License-Identifier: Apache-2.0
#include "controlplane/configuration/kind.h"

#include <algorithm>
#include <array>

namespace controlplane::configuration {

using wire::reload::KindId;

namespace {

// RFC 6940 sections 8, 9 and 14.6; RFC 7904 section 9.1; RFC 8076 section 9.2; RFC 7374 section
// 10.3.
constexpr std::array kRegistered = {
    RegisteredKind{"SIP-REGISTRATION", KindId{0x1}, DataModel::kDictionary, "USER-NODE-MATCH"},
    RegisteredKind{"TURN-SERVICE", KindId{0x2}, DataModel::kSingle, "NODE-MULTIPLE"},
    RegisteredKind{"CERTIFICATE_BY_NODE", KindId{0x3}, DataModel::kArray, "NODE-MATCH"},
    RegisteredKind{"ACCESS-CONTROL-LIST", KindId{0x4}, DataModel::kArray, "USER-CHAIN-ACL"},
    RegisteredKind{"CERTIFICATE_BY_USER", KindId{0x10}, DataModel::kArray, "USER-MATCH"},
    RegisteredKind{"REDIR", KindId{0x104}, DataModel::kDictionary, "NODE-ID-MATCH"},
};

}  // namespace

const char* data_model_name(DataModel model) noexcept {
  switch (model) {
    case DataModel::kSingle:
      return "SINGLE";
    case DataModel::kArray:
      return "ARRAY";
    case DataModel::kDictionary:
      return "DICTIONARY";
    case DataModel::kOther:
      break;
  }
  return "other";
}

DataModel parse_data_model(std::string_view name) noexcept {
  for (const DataModel model : {DataModel::kSingle, DataModel::kArray, DataModel::kDictionary}) {
    if (name == data_model_name(model)) return model;
  }
  return DataModel::kOther;
}

std::span<const RegisteredKind> registered_kinds() noexcept { return kRegistered; }

const RegisteredKind* registered_kind(std::string_view name) noexcept {
  const auto found = std::ranges::find(kRegistered, name, &RegisteredKind::name);
  return found == kRegistered.end() ? nullptr : &*found;
}

const RegisteredKind* registered_kind(KindId id) noexcept {
  const auto found = std::ranges::find(kRegistered, id, &RegisteredKind::id);
  return found == kRegistered.end() ? nullptr : &*found;
}

bool is_private_kind(KindId id) noexcept {
  return id >= KindId{0xf0000001} && id <= KindId{0xfffffffd};
}

bool is_reserved_kind(KindId id) noexcept {
  return id == KindId{0} || id == KindId{0x7fffffff} || id >= KindId{0xfffffffe};
}

}  // namespace controlplane::configuration
