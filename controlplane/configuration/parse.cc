// SPDX-License-Identifier: Apache-2.0
#include "controlplane/configuration/parse.h"

#include <algorithm>

#include "controlplane/configuration/base64.h"
#include "controlplane/configuration/read_configuration.h"
#include "controlplane/configuration/read_kind.h"
#include "controlplane/configuration/xml_tree.h"

namespace controlplane::configuration {
namespace {

Fault too_large(std::size_t bytes) {
  return {
      Refusal::kTooLarge,
      {0, "", std::to_string(bytes) + " bytes are more than " + std::to_string(kMaxDocumentBytes)}};
}

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

ConfigurationElement read_element(const XmlElement& element, std::string_view file,
                                  Values& values) {
  ConfigurationElement read;
  read.configuration = read_configuration(element, file, values);
  read.signed_bytes = file.substr(element.begin, element.end - element.begin);
  read.begin = element.begin;
  read.end = element.end;
  read.line = element.line;
  read.warnings = values.take_warnings();
  return read;
}

void read_signature(const XmlElement& element, ConfigurationElement& of, Values& values) {
  auto block = decode_base64(element.text);
  if (!block) {
    values.refuse(Refusal::kSignatureFormat, element, "is not base64");
    return;
  }
  of.signatures.push_back({std::move(*block), element.begin, element.end, element.line});
}

/// The overlay element: configurations, each with the signatures behind it (J-04).
void read_overlay(const XmlElement& root, std::string_view file, Document& document,
                  Values& values) {
  auto& configurations = document.configurations;
  for (const XmlElement& child : root.children) {
    if (child.is(kBaseNamespace, "configuration")) {
      ConfigurationElement read = read_element(child, file, values);
      if (values.ok() && document.find(read.configuration.instance_name) != nullptr) {
        values.refuse(Refusal::kDuplicate, child,
                      read.configuration.instance_name + " is configured already");
      }
      configurations.push_back(std::move(read));
    } else if (child.is(kBaseNamespace, "signature")) {
      if (configurations.empty()) {
        values.refuse(Refusal::kSchema, child, "stands before any configuration");
      } else {
        read_signature(child, configurations.back(), values);
      }
    } else if (child.ns == kBaseNamespace && !configurations.empty()) {
      configurations.back().warnings.push_back(
          {child.line, child.name, "is unknown and was ignored"});
    }
    if (!values.ok()) return;
  }
}

}  // namespace

const ConfigurationElement* Document::find(std::string_view overlay) const noexcept {
  const auto found = std::ranges::find_if(configurations, [&](const ConfigurationElement& element) {
    return same_name(element.configuration.instance_name, overlay);
  });
  return found == configurations.end() ? nullptr : &*found;
}

Document parse_document(std::string_view file) {
  Document document;
  if (file.size() > kMaxDocumentBytes) {
    document.fault = too_large(file.size());
    return document;
  }
  const XmlText xml(file);
  document.fault = xml.fault();
  if (!document.fault.ok()) return document;
  const XmlElement& root = xml.root();
  if (!root.is(kBaseNamespace, "overlay")) {
    document.fault = {Refusal::kSchema,
                      {root.line, root.name,
                       "a configuration document begins with <overlay> of the namespace " +
                           std::string(kBaseNamespace)}};
    return document;
  }
  // Values first: what is wrong with them the grammar says only in its own terms.
  Values values;
  read_overlay(root, file, document, values);
  document.fault = values.ok() ? xml.check_grammar() : values.fault();
  if (!document.fault.ok()) document.configurations.clear();
  return document;
}

KindBlocks parse_kind_blocks(std::string_view xml) {
  KindBlocks read;
  if (xml.size() > kMaxDocumentBytes) {
    read.fault = too_large(xml.size());
    return read;
  }
  // The productions come without a root and assume the default namespace (section 6.5.4.1). On one
  // line, so that lines count as in what came.
  const std::string text = "<required-kinds xmlns=\"" + std::string(kBaseNamespace) + "\">" +
                           std::string(xml) + "</required-kinds>";
  const XmlText parsed(text);
  read.fault = parsed.fault();
  if (!read.fault.ok()) return read;
  Values values;
  read.blocks = read_required_kinds(parsed.root(), text, values);
  if (values.ok() && read.blocks.empty()) {
    values.refuse(Refusal::kSchema, parsed.root(), "no kind-block is there");
  }
  read.fault = values.ok() ? parsed.check_grammar() : values.fault();
  read.warnings = values.take_warnings();
  if (!read.fault.ok()) read.blocks.clear();
  return read;
}

}  // namespace controlplane::configuration
