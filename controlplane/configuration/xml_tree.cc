// SPDX-License-Identifier: Apache-2.0
#include "controlplane/configuration/xml_tree.h"

#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <libxml/tree.h>
#include <libxml/xmlerror.h>

#include <algorithm>
#include <limits>
#include <mutex>
#include <span>
#include <stdexcept>

#include "controlplane/configuration/grammar.h"
#include "controlplane/configuration/scan.h"

namespace controlplane::configuration {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

struct Free {
  void operator()(xmlParserCtxt* context) const { xmlFreeParserCtxt(context); }
  void operator()(xmlDoc* document) const { xmlFreeDoc(document); }
  void operator()(xmlRelaxNG* schema) const { xmlRelaxNGFree(schema); }
  void operator()(xmlRelaxNGParserCtxt* context) const { xmlRelaxNGFreeParserCtxt(context); }
  void operator()(xmlRelaxNGValidCtxt* context) const { xmlRelaxNGFreeValidCtxt(context); }
  void operator()(xmlChar* text) const { xmlFree(text); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

std::string to_string(const xmlChar* text) {
  return text == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(text));
}

/// A message of libxml2 on one line.
std::string message_of(const xmlError& error) {
  std::string text = error.message == nullptr ? "no reason given" : error.message;
  text = std::string(trim(text));
  std::ranges::replace(text, '\n', ' ');
  return text;
}

/// Copies a node and what is below it; @p extents yields the next element's place at each step.
/// False when parser and scanner do not see the same element.
bool copy(const xmlNode& node, std::span<const ElementExtent>& extents, XmlElement& out) {
  if (extents.empty()) return false;
  const ElementExtent& extent = extents.front();
  extents = extents.subspan(1);
  out.name = to_string(node.name);
  if (node.ns != nullptr) {
    out.ns = to_string(node.ns->href);
    if (node.ns->prefix != nullptr) out.prefix = to_string(node.ns->prefix) + ":";
  }
  if (extent.name != out.prefix + out.name) return false;
  out.line = extent.line;
  out.begin = extent.begin;
  out.end = extent.end;
  out.content_begin = extent.content_begin;
  out.content_end = extent.content_end;
  for (const xmlAttr* attribute = node.properties; attribute != nullptr;
       attribute = attribute->next) {
    const Owned<xmlChar> value(xmlNodeListGetString(node.doc, attribute->children, 1));
    out.attributes.push_back({attribute->ns == nullptr ? "" : to_string(attribute->ns->href),
                              to_string(attribute->name), to_string(value.get())});
  }
  for (const xmlNode* child = node.children; child != nullptr; child = child->next) {
    if (child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE) {
      out.text += to_string(child->content);
    } else if (child->type == XML_ELEMENT_NODE) {
      if (!copy(*child, extents, out.children.emplace_back())) return false;
    }
  }
  return true;
}

struct Schema {
  std::mutex mutex;  // libxml2 does not say that a schema may serve two threads
  Owned<xmlRelaxNG> grammar;

  Schema() {
    const Owned<xmlRelaxNGParserCtxt> context(
        xmlRelaxNGNewMemParserCtxt(kGrammar, static_cast<int>(sizeof kGrammar - 1)));
    if (context != nullptr) grammar.reset(xmlRelaxNGParse(context.get()));
    if (grammar == nullptr) throw std::logic_error("libxml2 does not take our own grammar");
  }
};

Schema& schema() {
  static Schema made;
  return made;
}

/// The last one is meant: of two where one may stand, it is one too many.
const XmlElement* last_named(const XmlElement& element, std::string_view name) {
  for (auto child = element.children.rbegin(); child != element.children.rend(); ++child) {
    if (const XmlElement* found = last_named(*child, name)) return found;
  }
  return element.name == name ? &element : nullptr;
}

struct FirstComplaint {
  bool set = false;
  std::string text;
  std::string element;
  int line = 0;
};

void keep_first(void* user, xmlError* error) {
  auto& first = *static_cast<FirstComplaint*>(user);
  if (first.set) return;
  first.set = true;
  first.text = message_of(*error);
  const auto* node = static_cast<const xmlNode*>(error->node);
  if (node != nullptr && node->type == XML_ELEMENT_NODE) {
    first.element = to_string(node->name);
    first.line = error->line;
  } else if (error->str1 != nullptr) {
    first.element = error->str1;  // "Extra element %s in interleave" comes without its place
  }
}

}  // namespace

std::string_view trim(std::string_view text) noexcept {
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::string_view XmlElement::trimmed() const noexcept { return trim(text); }

const std::string* XmlElement::attribute(std::string_view called) const noexcept {
  for (const XmlAttribute& candidate : attributes) {
    if (candidate.ns.empty() && candidate.name == called) return &candidate.value;
  }
  return nullptr;
}

struct XmlText::Parsed {
  Owned<xmlDoc> document;
};

XmlText::XmlText(std::string_view text) : parsed_(std::make_unique<Parsed>()) {
  static std::once_flag once;
  std::call_once(once, xmlInitParser);
  std::vector<ElementExtent> extents;
  fault_ = scan_elements(text, extents);
  if (!fault_.ok()) return;
  const Owned<xmlParserCtxt> context(xmlNewParserCtxt());
  if (context == nullptr) throw std::bad_alloc();
  if (text.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    fault_ = {Refusal::kTooLarge, {}};
    return;
  }
  parsed_->document.reset(
      xmlCtxtReadMemory(context.get(), text.data(), static_cast<int>(text.size()), nullptr, "UTF-8",
                        XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                            XML_PARSE_BIG_LINES | XML_PARSE_COMPACT));
  const xmlNode* root =
      parsed_->document == nullptr ? nullptr : xmlDocGetRootElement(parsed_->document.get());
  // Undeclared prefixes leave a document and an error behind.
  const xmlError* error = xmlCtxtGetLastError(context.get());
  if (root == nullptr || (error != nullptr && error->level >= XML_ERR_ERROR)) {
    const bool encoding = error != nullptr && (error->code == XML_ERR_INVALID_ENCODING ||
                                               error->code == XML_ERR_INVALID_CHAR);
    fault_ = {encoding ? Refusal::kEncoding : Refusal::kNotWellFormed, {}};
    if (error != nullptr) {
      fault_.where.line = static_cast<std::uint32_t>(std::max(error->line, 0));
      fault_.where.text = message_of(*error);
    }
    return;
  }
  std::span<const ElementExtent> rest = extents;
  if (!copy(*root, rest, root_) || !rest.empty()) {
    fault_ = {Refusal::kNotWellFormed, {0, "", "two readings of the file do not agree"}};
  }
}

XmlText::~XmlText() = default;

Fault XmlText::check_grammar() const {
  Schema& grammar = schema();
  const std::lock_guard lock(grammar.mutex);
  const Owned<xmlRelaxNGValidCtxt> context(xmlRelaxNGNewValidCtxt(grammar.grammar.get()));
  if (context == nullptr) throw std::bad_alloc();
  FirstComplaint first;
  xmlRelaxNGSetValidStructuredErrors(context.get(), keep_first, &first);
  const int outcome = xmlRelaxNGValidateDoc(context.get(), parsed_->document.get());
  if (outcome == 0) return {};
  Fault fault{Refusal::kSchema,
              {static_cast<std::uint32_t>(std::max(first.line, 0)), std::move(first.element),
               std::move(first.text)}};
  if (fault.where.line == 0) {
    if (const XmlElement* named = last_named(root_, fault.where.element)) {
      fault.where.line = named->line;
    }
  }
  return fault;
}

}  // namespace controlplane::configuration
