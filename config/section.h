// SPDX-License-Identifier: Apache-2.0
// Reads one table of a TOML document key by key. Private to config/.
//
// Each accessor checks type and range, notes the key as known, and gives the default when the key
// is absent or wrong; finish() then refuses the keys nobody asked for. So the code that reads a
// section is the only list of its keys.

#pragma once

#define TOML_EXCEPTIONS 0
// Its assertions take for granted what it then checks itself and reports, such as the first letter
// of a name: a debug build would end where a release build gives an error.
#define TOML_ASSERT(expr) static_assert(true)
#undef TOML_HEADER_ONLY
#undef TOML_SHARED_LIB
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <array>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/node_config.h"

namespace config {

/// What is common to all sections of one document.
struct Document {
  std::string file;
  std::string directory;    ///< relative paths start here; empty: the working directory
  bool check_files = true;  ///< files that are named must exist
  std::vector<ConfigError> errors;
  std::set<std::string> known_keys;  ///< "dataplane.port.mtu"
};

class Section {
 public:
  /// @param table  nullptr when the document has no such section
  Section(Document& document, const toml::table* table, std::string path, std::uint32_t line);

  [[nodiscard]] bool has(std::string_view key) const;
  [[nodiscard]] std::uint32_t line() const noexcept { return line_; }

  std::string text(std::string_view key, std::string_view fallback = "");
  /// An error when absent or empty.
  std::string required_text(std::string_view key, std::string_view accepted);
  bool boolean(std::string_view key, bool fallback);
  std::vector<std::string> texts(std::string_view key);
  /// A file that must exist, as an absolute path or relative to the document's directory. Absent
  /// gives "".
  std::string path(std::string_view key);
  std::vector<std::string> paths(std::string_view key);
  std::vector<std::uint32_t> integers(std::string_view key, std::uint32_t most);

  template <class T>
  T integer(std::string_view key, T least, T most, T fallback) {
    return static_cast<T>(read_integer(key, static_cast<std::int64_t>(least),
                                       static_cast<std::int64_t>(most),
                                       static_cast<std::int64_t>(fallback)));
  }
  /// One of the words in @p choices.
  template <class T, std::size_t N>
  T choice(std::string_view key, const std::array<std::pair<std::string_view, T>, N>& choices,
           T fallback) {
    std::vector<std::string_view> words;
    for (const auto& [word, value] : choices) words.push_back(word);
    const std::size_t index = read_choice(key, words);
    return index < N ? choices[index].second : fallback;
  }

  /// The table below this one, empty when absent.
  [[nodiscard]] Section table(std::string_view key);
  /// The array of tables below this one.
  [[nodiscard]] std::vector<Section> tables(std::string_view key);

  /// Reports @p key with the value that stands there, or the line of the section when absent.
  void error(std::string_view key, std::string_view accepted) const;
  /// Reports each key that no accessor was asked for, with the nearest one that was.
  void finish() const;

 private:
  [[nodiscard]] const toml::node* find(std::string_view key);
  [[nodiscard]] std::string full_name(std::string_view key) const;
  [[nodiscard]] std::string resolve(std::string_view key, const std::string& path) const;
  std::int64_t read_integer(std::string_view key, std::int64_t least, std::int64_t most,
                            std::int64_t fallback);
  std::size_t read_choice(std::string_view key, const std::vector<std::string_view>& words);

  Document* document_;
  const toml::table* table_;
  std::string path_;
  std::uint32_t line_;
  std::set<std::string, std::less<>> known_;
};

// The readers of the sections, one file each.
void read_overlay(Section& root, NodeConfig& config);
void read_links(Section& root, NodeConfig& config);
void read_dataplane(Section& root, NodeConfig& config);
/// @pre the other sections have been read: peers refer to ports and overlay parameters.
void read_peers(Section& root, NodeConfig& config);

/// { per_second, burst } below @p parent. A rate without a burst is an error.
wire::shm::Rate read_rate(Section& parent, std::string_view key,
                          const wire::shm::Rate& fallback = {});

// names.cc
/// Letters, digits and dashes, 1 to 63 of them.
[[nodiscard]] bool is_plain_name(std::string_view name) noexcept;
/// The one of @p names that @p name is most likely meant to be, or "".
[[nodiscard]] std::string nearest_name(std::string_view name,
                                       const std::set<std::string, std::less<>>& names);

// addresses.cc
/// "02:00:00:00:01:01" as 48 bits; nullopt when malformed.
[[nodiscard]] std::optional<std::uint64_t> parse_mac(std::string_view text) noexcept;
/// "10.0.1.1/24", "fd00::1/64".
[[nodiscard]] std::optional<PortAddress> parse_port_address(std::string_view text) noexcept;
/// False for the unspecified address, multicast and IPv4 broadcast: nobody can be reached there.
[[nodiscard]] bool is_unicast(const wire::shm::Endpoint& address) noexcept;

}  // namespace config
