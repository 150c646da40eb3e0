// SPDX-License-Identifier: Apache-2.0
// Where each element of an XML text begins and ends, to the byte, without a parser.
//
// Signatures cover elements as they lie in the file (RFC 6940 section 11.1), and a parser does not
// say where that is. This one walk also turns away what no document needs, before a parser sees it:
// document types, and with them all entities; deep nesting; floods of elements.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "controlplane/configuration/refusal.h"

namespace controlplane::configuration {

inline constexpr std::uint32_t kMaxDepth = 16;  ///< the deepest element of RFC 6940 is at 6
/// Checking a grammar costs the square of it: 0.2 s for so many.
inline constexpr std::size_t kMaxElements = 8192;
inline constexpr std::size_t kMaxAttributes = 32;  ///< of one element; parsers compare all pairs

/// One element; offsets count from the start of the text.
struct ElementExtent {
  std::size_t begin = 0;          ///< its first '<'
  std::size_t end = 0;            ///< behind its last '>'
  std::size_t content_begin = 0;  ///< behind the '>' of its start tag
  std::size_t content_end = 0;    ///< the '<' of its end tag; with <a/> both are end
  std::uint32_t line = 0;         ///< from 1
  std::string_view name;          ///< with prefix; borrowed from the text
};

/// Fills @p elements in document order. Linear in the text. What is refused here may be rubbish,
/// but what passes need not be well-formed: only a text that a parser has taken as well is walked
/// right. Refuses encodings other than UTF-8 by the XML declaration and the byte order mark alone.
[[nodiscard]] Fault scan_elements(std::string_view text, std::vector<ElementExtent>& elements);

}  // namespace controlplane::configuration
