// SPDX-License-Identifier: Apache-2.0
#include "controlplane/configuration/scan.h"

#include <algorithm>
#include <string>

namespace controlplane::configuration {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kSpace = " \t\r\n";

bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

class Scan {
 public:
  Scan(std::string_view text, std::vector<ElementExtent>& elements)
      : text_(text), elements_(elements) {}

  Fault run() {
    if (text_.find('\0') != std::string_view::npos)
      return refuse(Refusal::kEncoding, "a zero byte");
    if (text_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
    if (rest().starts_with("<?xml") && !encoding_is_utf8()) {
      return refuse(Refusal::kEncoding, "the XML declaration names another encoding than UTF-8");
    }
    for (Fault fault; at_ < text_.size();) {
      const std::size_t open = text_.find('<', at_);
      move_to(std::min(open, text_.size()));
      if (open == std::string_view::npos) break;
      fault = markup();
      if (!fault.ok()) return fault;
    }
    if (!open_.empty()) {
      return refuse(Refusal::kNotWellFormed, "an element is not closed before the end",
                    elements_[open_.back()]);
    }
    if (elements_.empty()) return refuse(Refusal::kNotWellFormed, "there is no element");
    return {};
  }

 private:
  [[nodiscard]] std::string_view rest() const { return text_.substr(at_); }

  Fault refuse(Refusal refusal, std::string why) const {
    return {refusal, {line_, "", std::move(why)}};
  }
  static Fault refuse(Refusal refusal, std::string why, const ElementExtent& element) {
    return {refusal, {element.line, std::string(element.name.substr(0, 64)), std::move(why)}};
  }

  void move_to(std::size_t offset) {
    line_ += static_cast<std::uint32_t>(
        std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_),
                   text_.begin() + static_cast<std::ptrdiff_t>(offset), '\n'));
    at_ = offset;
  }

  [[nodiscard]] bool encoding_is_utf8() const {
    const std::string_view declaration = rest().substr(0, rest().find("?>"));
    const std::size_t named = declaration.find("encoding");
    if (named == std::string_view::npos) return true;  // UTF-8 by default
    const std::size_t quote = declaration.find_first_of("\"'", named);
    if (quote == std::string_view::npos) return false;
    const std::size_t end = declaration.find(declaration[quote], quote + 1);
    return end != std::string_view::npos &&
           same_letters(declaration.substr(quote + 1, end - quote - 1), "utf-8");
  }

  Fault markup() {
    if (rest().starts_with("<!--")) return skip_behind(4, "-->");
    if (rest().starts_with("<![CDATA[")) return skip_behind(9, "]]>");
    if (rest().starts_with("<!")) return refuse(Refusal::kDocumentType, "");
    if (rest().starts_with("<?")) return skip_behind(2, "?>");
    return rest().starts_with("</") ? end_tag() : start_tag();
  }

  Fault skip_behind(std::size_t opening, std::string_view closing) {
    const std::size_t found = text_.find(closing, at_ + opening);
    if (found == std::string_view::npos) return refuse(Refusal::kNotWellFormed, "never closed");
    move_to(found + closing.size());
    return {};
  }

  Fault end_tag() {
    const std::size_t close = text_.find('>', at_);
    if (close == std::string_view::npos) return refuse(Refusal::kNotWellFormed, "never closed");
    const std::string_view inside = text_.substr(at_ + 2, close - at_ - 2);
    const std::string_view name = inside.substr(0, inside.find_first_of(kSpace));
    if (open_.empty()) return refuse(Refusal::kNotWellFormed, "an end without a beginning");
    ElementExtent& element = elements_[open_.back()];
    if (element.name != name) {
      return refuse(Refusal::kNotWellFormed, "is closed by the end of another element", element);
    }
    element.content_end = at_;
    element.end = close + 1;
    open_.pop_back();
    move_to(close + 1);
    return {};
  }

  Fault start_tag() {
    ElementExtent element;
    element.begin = at_;
    element.line = line_;
    const std::size_t name_end = text_.find_first_of(" \t\r\n/>", at_ + 1);
    std::size_t close = name_end;
    std::size_t attributes = 0;
    while (close < text_.size() && text_[close] != '>') {
      if (text_[close] == '"' || text_[close] == '\'') {
        ++attributes;
        close = text_.find(text_[close], close + 1);
        if (close == std::string_view::npos) break;
      }
      ++close;
    }
    if (close >= text_.size()) return refuse(Refusal::kNotWellFormed, "never closed");
    element.name = text_.substr(at_ + 1, name_end - at_ - 1);
    if (attributes > kMaxAttributes) {
      return refuse(Refusal::kTooMany,
                    "has more than " + std::to_string(kMaxAttributes) + " attributes", element);
    }
    if (elements_.size() == kMaxElements) {
      return refuse(Refusal::kTooMany,
                    "is one more than " + std::to_string(kMaxElements) + " elements", element);
    }
    if (open_.size() == kMaxDepth) {
      return refuse(Refusal::kTooDeep,
                    "lies more than " + std::to_string(kMaxDepth) + " elements deep", element);
    }
    element.end = element.content_begin = element.content_end = close + 1;
    if (text_[close - 1] != '/') open_.push_back(elements_.size());
    elements_.push_back(element);
    move_to(close + 1);
    return {};
  }

  std::string_view text_;
  std::vector<ElementExtent>& elements_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
  std::vector<std::size_t> open_;
};

}  // namespace

Fault scan_elements(std::string_view text, std::vector<ElementExtent>& elements) {
  elements.clear();
  return Scan(text, elements).run();
}

}  // namespace controlplane::configuration
