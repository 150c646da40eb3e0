// SPDX-License-Identifier: Apache-2.0
// XML texts from strangers as trees that know where their elements lie. The only place that knows
// libxml2, which parses, and checks against configuration.rng.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/configuration/refusal.h"

namespace controlplane::configuration {

inline constexpr std::string_view kBaseNamespace = "urn:ietf:params:xml:ns:p2p:config-base";
inline constexpr std::string_view kChordNamespace = "urn:ietf:params:xml:ns:p2p:config-chord";

struct XmlAttribute {
  std::string ns;  ///< namespace URI; empty for a name without prefix
  std::string name;
  std::string value;
};

struct XmlElement {
  std::string ns;
  std::string name;  ///< without prefix
  std::vector<XmlAttribute> attributes;
  std::string text;  ///< its own, not its children's; references resolved
  std::vector<XmlElement> children;
  // Where it lies in the text that was read.
  std::uint32_t line = 0;
  std::size_t begin = 0;          ///< its first '<'
  std::size_t end = 0;            ///< behind its last '>'
  std::size_t content_begin = 0;  ///< behind its start tag
  std::size_t content_end = 0;    ///< before its end tag
  std::string prefix;             ///< "ext:", or empty

  [[nodiscard]] bool is(std::string_view of, std::string_view called) const noexcept {
    return ns == of && name == called;
  }
  /// The text without white space at both ends.
  [[nodiscard]] std::string_view trimmed() const noexcept;
  /// Of an attribute without prefix, or nullptr.
  [[nodiscard]] const std::string* attribute(std::string_view called) const noexcept;
};

[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

/// A parsed text. Reads nothing but the bytes it is given: no network, no files, no entities but
/// the five of XML. Several threads may each have their own.
class XmlText {
 public:
  /// Parses @p text, which is no longer needed afterwards. On a fault root() must not be used.
  explicit XmlText(std::string_view text);
  ~XmlText();
  XmlText(const XmlText&) = delete;
  XmlText& operator=(const XmlText&) = delete;

  [[nodiscard]] const Fault& fault() const noexcept { return fault_; }
  [[nodiscard]] const XmlElement& root() const noexcept { return root_; }
  /// Checks against the grammar. One check at a time in a process: others wait.
  [[nodiscard]] Fault check_grammar() const;

 private:
  struct Parsed;
  std::unique_ptr<Parsed> parsed_;
  Fault fault_;
  XmlElement root_;
};

}  // namespace controlplane::configuration
