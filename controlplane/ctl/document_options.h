// SPDX-License-Identifier: Apache-2.0
// The options of commands that fetch a configuration document.

#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "controlplane/ctl/configuration_fetch.h"

namespace controlplane::ctl {

/// What the command line says of it.
struct DocumentOptions {
  std::string overlay;
  std::string url;
  std::string file;
  std::vector<std::string> root_files;
  std::string ca_file;
  std::string dns;
  std::uint32_t timeout_s = 20;
};

/// Adds OVERLAY, --url, --document, --root, --ca, --dns and --timeout to @p command.
void add_document_options(CLI::App& command, DocumentOptions& options);

/// What they mean. fail()s (commands.h) when a root's file cannot be read, --dns is no address, or
/// nothing says which document is wanted.
[[nodiscard]] DocumentSource document_source(const DocumentOptions& options);

/// What is to be remarked of an accepted document, to standard error: values that were read around,
/// Kinds that nobody answers for, and why a node of ours could not join with it.
void print_remarks(const FetchedDocument& document);

}  // namespace controlplane::ctl
