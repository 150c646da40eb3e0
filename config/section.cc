// SPDX-License-Identifier: Apache-2.0
#include "config/section.h"

#include <sys/stat.h>

#include <filesystem>
#include <sstream>

namespace config {
namespace {

constexpr std::size_t kMostValueText = 60;

/// The value as it stands in the file, on one line, shortened.
std::string text_of(const toml::node& node) {
  if (node.is_table()) return "{...}";
  std::ostringstream out;
  node.visit([&out](const auto& value) { out << value; });
  std::string text = out.str();
  for (char& c : text) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  if (text.size() > kMostValueText) text = text.substr(0, kMostValueText) + "...";
  return text;
}

std::uint32_t line_of(const toml::node& node) noexcept { return node.source().begin.line; }

}  // namespace

Section::Section(Document& document, const toml::table* table, std::string path, std::uint32_t line)
    : document_(&document), table_(table), path_(std::move(path)), line_(line) {}

bool Section::has(std::string_view key) const { return table_ != nullptr && table_->contains(key); }

std::string Section::full_name(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

const toml::node* Section::find(std::string_view key) {
  known_.emplace(key);
  document_->known_keys.insert(full_name(key));
  return table_ == nullptr ? nullptr : table_->get(key);
}

void Section::error(std::string_view key, std::string_view accepted) const {
  const toml::node* const node = table_ == nullptr ? nullptr : table_->get(key);
  ConfigError error;
  error.file = document_->file;
  error.line = node == nullptr ? line_ : line_of(*node);
  error.key = full_name(key);
  error.value = node == nullptr ? "" : text_of(*node);
  error.accepted = accepted;
  document_->errors.push_back(std::move(error));
}

std::string Section::text(std::string_view key, std::string_view fallback) {
  const toml::node* const node = find(key);
  if (node == nullptr) return std::string(fallback);
  if (const auto* const value = node->as_string()) return value->get();
  error(key, "accepted is a text in quotes");
  return std::string(fallback);
}

std::string Section::required_text(std::string_view key, std::string_view accepted) {
  const toml::node* const node = find(key);
  std::string value = text(key);
  const bool reported = node != nullptr && !node->is_string();
  if (value.empty() && !reported) error(key, std::string("required: ") + std::string(accepted));
  return value;
}

bool Section::boolean(std::string_view key, bool fallback) {
  const toml::node* const node = find(key);
  if (node == nullptr) return fallback;
  if (const auto* const value = node->as_boolean()) return value->get();
  error(key, "accepted are true and false");
  return fallback;
}

std::vector<std::string> Section::texts(std::string_view key) {
  std::vector<std::string> values;
  const toml::node* const node = find(key);
  if (node == nullptr) return values;
  const toml::array* const array = node->as_array();
  if (array == nullptr) {
    error(key, "accepted is a list of texts, such as [\"a\", \"b\"]");
    return values;
  }
  for (const toml::node& element : *array) {
    if (const auto* const value = element.as_string()) {
      values.push_back(value->get());
    } else {
      error(key, "accepted is a list of texts, such as [\"a\", \"b\"]");
      return values;
    }
  }
  return values;
}

std::string Section::resolve(std::string_view key, const std::string& path) const {
  namespace fs = std::filesystem;
  const fs::path resolved = fs::path(document_->directory) / path;  // keeps an absolute path
  struct stat status = {};
  if (document_->check_files && ::stat(resolved.c_str(), &status) != 0) {
    error(key, "there is no file " + resolved.string());
  } else if (document_->check_files && !S_ISREG(status.st_mode)) {
    error(key, resolved.string() + " is not a file");
  }
  return resolved.string();
}

std::string Section::path(std::string_view key) {
  const std::string value = text(key);
  return value.empty() ? value : resolve(key, value);
}

std::vector<std::string> Section::paths(std::string_view key) {
  std::vector<std::string> values = texts(key);
  for (std::string& value : values) value = resolve(key, value);
  return values;
}

std::vector<std::uint32_t> Section::integers(std::string_view key, std::uint32_t most) {
  std::vector<std::uint32_t> values;
  const toml::node* const node = find(key);
  if (node == nullptr) return values;
  const std::string accepted =
      "accepted is a list of numbers from 0 to " + std::to_string(most) + ", such as [2, 3]";
  const toml::array* const array = node->as_array();
  if (array == nullptr) {
    error(key, accepted);
    return values;
  }
  for (const toml::node& element : *array) {
    const auto* const value = element.as_integer();
    if (value == nullptr || value->get() < 0 || value->get() > most) {
      error(key, accepted);
      return values;
    }
    values.push_back(static_cast<std::uint32_t>(value->get()));
  }
  return values;
}

std::int64_t Section::read_integer(std::string_view key, std::int64_t least, std::int64_t most,
                                   std::int64_t fallback) {
  const toml::node* const node = find(key);
  if (node == nullptr) return fallback;
  const auto* const value = node->as_integer();
  if (value != nullptr && value->get() >= least && value->get() <= most) return value->get();
  error(key, "accepted are " + std::to_string(least) + " to " + std::to_string(most));
  return fallback;
}

std::size_t Section::read_choice(std::string_view key, const std::vector<std::string_view>& words) {
  const toml::node* const node = find(key);
  if (node == nullptr) return words.size();
  if (const auto* const value = node->as_string()) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (value->get() == words[i]) return i;
    }
  }
  std::string accepted = "accepted are";
  for (std::size_t i = 0; i < words.size(); ++i) {
    accepted += (i == 0 ? " \"" : i + 1 == words.size() ? " and \"" : ", \"");
    accepted += std::string(words[i]) + "\"";
  }
  error(key, accepted);
  return words.size();
}

Section Section::table(std::string_view key) {
  const toml::node* const node = find(key);
  if (node == nullptr) return {*document_, nullptr, full_name(key), line_};
  const toml::table* const table = node->as_table();
  if (table == nullptr) error(key, "accepted is a section, [" + full_name(key) + "]");
  return {*document_, table, full_name(key), line_of(*node)};
}

std::vector<Section> Section::tables(std::string_view key) {
  std::vector<Section> sections;
  const toml::node* const node = find(key);
  if (node == nullptr) return sections;
  const std::string accepted =
      "accepted are sections in double brackets, [[" + full_name(key) + "]]";
  const toml::array* const array = node->as_array();
  if (array == nullptr) {
    error(key, accepted);
    return sections;
  }
  for (const toml::node& element : *array) {
    if (const toml::table* const table = element.as_table()) {
      sections.push_back({*document_, table, full_name(key), line_of(element)});
    } else {
      error(key, accepted);
    }
  }
  return sections;
}

void Section::finish() const {
  if (table_ == nullptr) return;
  for (const auto& [key, node] : *table_) {
    if (known_.contains(key.str())) continue;
    ConfigError error;
    error.file = document_->file;
    error.line = key.source().begin.line;
    error.key = full_name(key.str());
    error.value = text_of(node);
    const std::string nearest = nearest_name(key.str(), known_);
    error.accepted = nearest.empty() ? "unknown key; known here are" : "unknown key; did you mean ";
    if (nearest.empty()) {
      for (const std::string& known : known_) error.accepted += " " + known;
    } else {
      error.accepted += "\"" + nearest + "\"?";
    }
    document_->errors.push_back(std::move(error));
  }
}

}  // namespace config
