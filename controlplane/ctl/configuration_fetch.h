// SPDX-License-Identifier: Apache-2.0
// Gets an overlay's configuration document as a new node does, and judges it
// (RFC 6940 section 11.2; requirements J-41 to J-45).

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/configuration/signed_document.h"
#include "wire/shm/commands.h"

namespace controlplane::ctl {

/// Where the document comes from: the file, or else the URL, or else the well-known place of the
/// overlay, at the hosts that the DNS names for it.
struct DocumentSource {
  std::string overlay;             ///< empty: the one that file or URL configures
  std::string url;                 ///< its certificate must be one for the URL's host (J-43)
  std::string file;                ///< brought by the operator (J-45)
  std::vector<std::string> roots;  ///< PEM texts: one of these must stand behind its signature
  std::string ca_file;             ///< as HttpsRequest::ca_file
  std::optional<wire::shm::Endpoint> dns;  ///< the name server to ask; unset: the machine's
  std::chrono::milliseconds time{20'000};
  std::optional<std::uint16_t> newest_seen;  ///< no older sequence is taken
};

struct FetchedDocument {
  std::string overlay;  ///< as the document writes it
  std::string text;
  std::string from;  ///< for messages: the URL or the file
  std::string note;  ///< for the operator: how it was found, when that was not the usual way
  configuration::Judgement judgement;
};

/// nullopt with @p why when it cannot be had, or is not accepted. Without roots the channel answers
/// for it: HTTPS, or the operator.
[[nodiscard]] std::optional<FetchedDocument> fetch_document(const DocumentSource& source,
                                                            std::int64_t now_unix_s,
                                                            std::string& why);

/// The text of a file of at most @p most bytes; nullopt with @p why, which names it.
[[nodiscard]] std::optional<std::string> read_text(const std::string& path, std::size_t most,
                                                   std::string& why);

}  // namespace controlplane::ctl
