// SPDX-License-Identifier: Apache-2.0
#include "controlplane/enroll/multipart.h"

#include <algorithm>

namespace controlplane::enroll {
namespace {

constexpr std::string_view kNewline = "\r\n";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view text) {
  std::string made(text);
  std::ranges::transform(made, made.begin(), [](char c) { return lower(c); });
  return made;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Characters of a token, RFC 9110 section 5.6.2.
bool is_token_character(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
         kMarks.find(c) != std::string_view::npos;
}

/// Takes a token or a quoted string off the front of @p text.
bool take_value(std::string_view& text, std::string& value) {
  value.clear();
  if (!text.starts_with('"')) {
    const auto end = std::ranges::find_if_not(text, is_token_character);
    value.assign(text.begin(), end);
    text.remove_prefix(value.size());
    return !value.empty();
  }
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return true;
    }
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    value.push_back(text[i]);
  }
  return false;
}

/// Reads `value; name=value; ...` and hands out the parameters, their names in lower case.
template <class Parameter>
bool read_parameters(std::string_view text, std::string& value, Parameter&& parameter) {
  const std::size_t end = text.find(';');
  value = lower(trimmed(text.substr(0, end)));
  text = end == std::string_view::npos ? "" : text.substr(end);
  while (!text.empty()) {
    text = trimmed(text.substr(1));
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) return false;
    const std::string name = lower(trimmed(text.substr(0, equals)));
    text.remove_prefix(equals + 1);
    std::string read;
    if (!take_value(text, read) || !parameter(name, std::move(read))) return false;
    text = trimmed(text);
    if (!text.empty() && text.front() != ';') return false;
  }
  return true;
}

/// What stands in front of a part's body.
bool read_header(std::string_view line, FormPart& part, bool& named, std::string& why) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) {
    why = "a header of a part has no colon";
    return false;
  }
  const std::string name = lower(line.substr(0, colon));
  const std::string_view text = trimmed(line.substr(colon + 1));
  std::string value;
  if (name == "content-disposition") {
    const bool read = read_parameters(text, value, [&](const std::string& key, std::string given) {
      if (key != "name") return true;  // filename is the client's business
      if (named) return false;
      named = true;
      part.name = std::move(given);
      return true;
    });
    if (!read || value != "form-data") {
      why = "Content-Disposition is not form-data with a name";
      return false;
    }
  } else if (name == "content-type") {
    if (!read_parameters(text, part.content_type, [](const auto&, const auto&) { return true; })) {
      why = "Content-Type of a part cannot be read";
      return false;
    }
  } else if (name == "content-transfer-encoding") {
    value = lower(text);
    if (value != "binary" && value != "8bit" && value != "7bit") {
      why = "parts must not be encoded";
      return false;
    }
  }
  return true;
}

}  // namespace

std::optional<std::string> form_boundary(std::string_view content_type) {
  std::string type;
  std::optional<std::string> boundary;
  const bool read = read_parameters(content_type, type, [&](const auto& key, std::string value) {
    if (key != "boundary") return true;
    if (boundary) return false;
    boundary = std::move(value);
    return true;
  });
  if (!read || type != "multipart/form-data" || !boundary || boundary->empty() ||
      boundary->size() > kMostBoundary || boundary->back() == ' ' ||
      std::ranges::any_of(*boundary, [](char c) { return c < ' ' || c > '~'; })) {
    return std::nullopt;
  }
  return boundary;
}

std::optional<std::vector<FormPart>> parse_form(std::string_view body, std::string_view boundary,
                                                std::string& why) {
  why.clear();
  const auto refuse = [&why](std::string text) {
    if (why.empty()) why = std::move(text);
    return std::nullopt;
  };
  const std::string first = "--" + std::string(boundary);
  const std::string delimiter = "\r\n" + first;
  std::vector<FormPart> parts;
  if (!body.starts_with(first)) return refuse("the form does not begin with its boundary");
  body.remove_prefix(first.size());
  while (!body.starts_with("--")) {
    // RFC 2046 lets white space stand behind a boundary.
    const std::size_t end = body.find(kNewline);
    if (end == std::string_view::npos || !trimmed(body.substr(0, end)).empty()) {
      return refuse("a boundary is not at the end of its line");
    }
    body.remove_prefix(end + kNewline.size());
    if (parts.size() == kMostParts) return refuse("too many parts");
    FormPart part;
    part.content_type = "text/plain";
    bool named = false;
    for (std::size_t used = 0;;) {
      const std::size_t line_end = body.substr(0, kMostPartHeaderBytes).find(kNewline);
      if (line_end == std::string_view::npos) return refuse("headers of a part without an end");
      used += line_end + kNewline.size();
      if (used > kMostPartHeaderBytes) return refuse("headers of a part are too long");
      const std::string_view line = body.substr(0, line_end);
      body.remove_prefix(line_end + kNewline.size());
      if (line.empty()) break;
      if (!read_header(line, part, named, why)) return refuse("");
    }
    if (!named) return refuse("a part has no name");
    const std::size_t next = body.find(delimiter);
    if (next == std::string_view::npos) return refuse("the last boundary is missing");
    part.body = body.substr(0, next);
    body.remove_prefix(next + delimiter.size());
    if (std::ranges::any_of(parts, [&](const FormPart& p) { return p.name == part.name; })) {
      return refuse("two parts have the same name");
    }
    parts.push_back(std::move(part));
  }
  return parts;  // what follows the last boundary is an epilogue, to be ignored
}

}  // namespace controlplane::enroll
