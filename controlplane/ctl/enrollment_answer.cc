// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/enrollment_answer.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>
#include <utility>

namespace controlplane::ctl {
namespace {

constexpr std::size_t kMostTokenBytes = 1024;

constexpr std::pair<std::string_view, std::string_view> kTokens[] = {
    {"failed_authentication",
     "user name and password do not belong together, or the user is disabled"},
    {"username_not_available", "the server does not give out this user name"},
    {"Node-IDs_not_available",
     "the server does not give this user so many Node-IDs; ask for fewer by --node-ids"},
    {"bad_CSR",
     "the server refuses the certificate request; it may not take keys of this algorithm"},
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

/// Retry-After as a number; a date, which RFC 9110 allows too, is not waited for.
std::optional<std::chrono::seconds> retry_after(const HttpsAnswer& answer) {
  const std::string_view text = trimmed(answer.retry_after);
  std::uint32_t seconds = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (text.empty() || error != std::errc{} || at != text.data() + text.size()) return std::nullopt;
  return std::chrono::seconds{seconds};
}

std::string come_again(const HttpsAnswer& answer) {
  const auto wait = retry_after(answer);
  return wait ? "; come again in " + std::to_string(wait->count()) + " s" : "; come again later";
}

std::string quoted_body(const HttpsAnswer& answer) {
  const std::string_view text = trimmed(answer.body);
  return text.empty() ? "" : ": \"" + printable(text) + "\"";
}

}  // namespace

std::string enrollment_refusal(const HttpsAnswer& answer) {
  switch (answer.status) {
    case 200:
      if (answer.content_type == "application/pkix-cert") return {};
      return "the server answers with " +
             (answer.content_type.empty() ? "something" : printable(answer.content_type, 60)) +
             ", not with a certificate; is this the URL of an enrollment server?";
    case 403:
      for (const auto& [token, sentence] : kTokens) {
        if (trimmed(answer.body) == token) return std::string(sentence);
      }
      return "the server refuses for an unknown reason" + quoted_body(answer);
    case 429:
      return "the server takes no more requests now" + quoted_body(answer) + come_again(answer);
    case 503:
      return "the server is busy or out of order" + quoted_body(answer) + come_again(answer);
    default:
      break;
  }
  const std::string status = "the server answers " + std::to_string(answer.status);
  if (answer.status >= 300 && answer.status < 400 && !answer.location.empty()) {
    return status + " and points to " + printable(answer.location) +
           ", which is not followed: pass that by --server when it can be trusted";
  }
  return status + quoted_body(answer);
}

std::optional<std::chrono::seconds> challenge_wait(const HttpsAnswer& answer) {
  const bool can_be_sent =
      !answer.challenge.empty() && answer.challenge.size() <= kMostTokenBytes &&
      std::ranges::all_of(answer.challenge, [](char c) { return c > ' ' && c <= '~'; });
  if (answer.status != 429 || !can_be_sent) return std::nullopt;
  const auto wait = retry_after(answer);
  if (!wait || *wait > kLongestWait) return std::nullopt;
  return std::max(*wait, std::chrono::seconds{1});
}

}  // namespace controlplane::ctl
