// SPDX-License-Identifier: Apache-2.0
#include "controlplane/configuration/read_kind.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "controlplane/configuration/base64.h"

namespace controlplane::configuration {
namespace {

using wire::reload::KindId;

constexpr std::uint32_t kMost = std::numeric_limits<std::int32_t>::max();  // the grammar's xsd:int

/// What the elements below <kind> say; the grammar asks for all but the last.
struct Said {
  const XmlElement* data_model = nullptr;
  const XmlElement* access_control = nullptr;
  const XmlElement* max_count = nullptr;
  const XmlElement* max_size = nullptr;
  const XmlElement* max_node_multiple = nullptr;
};

Said look(const XmlElement& kind, Values& values) {
  Said said;
  for (const XmlElement& child : kind.children) {
    if (child.is(kBaseNamespace, "data-model")) {
      said.data_model = &child;
    } else if (child.is(kBaseNamespace, "access-control")) {
      said.access_control = &child;
    } else if (child.is(kBaseNamespace, "max-count")) {
      said.max_count = &child;
    } else if (child.is(kBaseNamespace, "max-size")) {
      said.max_size = &child;
    } else if (child.is(kBaseNamespace, "max-node-multiple")) {
      said.max_node_multiple = &child;
    } else if (child.ns == kBaseNamespace) {
      values.warn(child, "is unknown in a Kind and was ignored");
    }
  }
  return said;
}

/// Which Kind it is: by name, or by number.
void identify(const XmlElement& element, Kind& kind, Values& values) {
  const std::string* name = element.attribute("name");
  const std::string* id = element.attribute("id");
  if ((name == nullptr) == (id == nullptr)) {
    values.refuse(Refusal::kSchema, element, "needs a name or an id, and not both");
    return;
  }
  if (name != nullptr) {
    kind.name = trim(*name);
    if (kind.name.empty()) values.refuse(Refusal::kValue, element, "has an empty name");
    const RegisteredKind* registered = registered_kind(kind.name);
    if (registered != nullptr) {
      kind.id = registered->id;
    } else {
      values.warn(element, Values::quoted(kind.name) + " is no Kind this node knows");
    }
    return;
  }
  const KindId number{values.number(element, *id, 1, std::numeric_limits<std::uint32_t>::max())};
  kind.id = number;
  if (is_reserved_kind(number)) {
    values.refuse(Refusal::kValue, element, *id + " is reserved and no Kind's number");
  } else if (!is_private_kind(number)) {
    values.warn(element, "id " + *id + " lies outside the private range, 4026531841 to 4294967293");
  }
}

Kind read_kind(const XmlElement& element, Values& values) {
  Kind kind;
  identify(element, kind, values);
  const Said said = look(element, values);
  if (said.data_model == nullptr || said.access_control == nullptr || said.max_count == nullptr ||
      said.max_size == nullptr) {
    values.refuse(Refusal::kSchema, element,
                  "needs data-model, access-control, max-count and max-size");
    return kind;
  }
  const std::string model = values.token(*said.data_model);
  kind.data_model = parse_data_model(model);
  if (kind.data_model == DataModel::kOther) {
    values.warn(*said.data_model, Values::quoted(model) + " is no data model this node knows");
  }
  kind.access_control = values.token(*said.access_control);
  kind.max_count = values.number(*said.max_count, 0, kMost);
  kind.max_size = values.number(*said.max_size, 0, kMost);
  if (said.max_node_multiple != nullptr) {
    kind.max_node_multiple = values.number(*said.max_node_multiple, 1, kMost);
  }
  // J-39: of a registered Kind the registration holds.
  const RegisteredKind* registered = kind.id ? registered_kind(*kind.id) : nullptr;
  if (registered != nullptr && (registered->data_model != kind.data_model ||
                                registered->access_control != kind.access_control)) {
    values.warn(element, std::string(registered->name) + " is registered as " +
                             data_model_name(registered->data_model) + " with " +
                             std::string(registered->access_control) +
                             ", which holds in place of what is said here");
    kind.data_model = registered->data_model;
    kind.access_control = registered->access_control;
  }
  if (kind.access_control == kNodeMultiple && !kind.max_node_multiple) {
    values.refuse(Refusal::kSchema, element, "with NODE-MULTIPLE needs max-node-multiple");
  }
  return kind;
}

KindBlock read_kind_block(const XmlElement& element, std::string_view text, Values& values) {
  KindBlock block;
  block.line = element.line;
  const XmlElement* kind = nullptr;
  const XmlElement* signature = nullptr;
  for (const XmlElement& child : element.children) {
    if (child.is(kBaseNamespace, "kind")) {
      kind = &child;
    } else if (child.is(kBaseNamespace, "kind-signature")) {
      signature = &child;
    } else if (child.ns == kBaseNamespace) {
      values.warn(child, "is unknown in a kind-block and was ignored");
    }
  }
  if (kind == nullptr || signature == nullptr) {
    values.refuse(Refusal::kSchema, element, "needs one kind and one kind-signature");
    return block;
  }
  block.kind = read_kind(*kind, values);
  block.signed_bytes = text.substr(kind->begin, kind->end - kind->begin);
  auto decoded = decode_base64(signature->text);
  if (!decoded) values.refuse(Refusal::kSignatureFormat, *signature, "is not base64");
  block.signature = std::move(decoded).value_or(std::vector<std::byte>());
  return block;
}

bool same_kind(const Kind& a, const Kind& b) {
  return a.id == b.id && (a.id.has_value() || a.name == b.name);
}

}  // namespace

std::vector<KindBlock> read_required_kinds(const XmlElement& required_kinds, std::string_view text,
                                           Values& values) {
  std::vector<KindBlock> blocks;
  for (const XmlElement& child : required_kinds.children) {
    if (!child.is(kBaseNamespace, "kind-block")) {
      if (child.ns == kBaseNamespace) values.warn(child, "is no kind-block and was ignored");
      continue;
    }
    KindBlock block = read_kind_block(child, text, values);
    if (!values.ok()) break;
    if (std::ranges::any_of(
            blocks, [&](const KindBlock& other) { return same_kind(other.kind, block.kind); })) {
      values.refuse(Refusal::kDuplicate, child, "defines a Kind that is defined already");
      break;
    }
    blocks.push_back(std::move(block));
  }
  return blocks;
}

}  // namespace controlplane::configuration
