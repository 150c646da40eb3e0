// SPDX-License-Identifier: Apache-2.0
#include "controlplane/enroll/enroll_request.h"

#include <algorithm>
#include <charconv>

#include "controlplane/enroll/signing_request.h"
#include "controlplane/trust/certificate.h"

namespace controlplane::enroll {
namespace {

constexpr std::size_t kLongestUserName = 254;
constexpr std::size_t kLongestPassword = 1024;

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Parts joined by single dots, each of characters that @p good accepts.
template <class Good>
bool is_dotted(std::string_view text, Good good) {
  for (;;) {
    const std::size_t dot = text.find('.');
    const std::string_view part = text.substr(0, dot);
    if (part.empty() || !std::ranges::all_of(part, good)) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

EnrollDecision refuse(EnrollOutcome outcome, std::string why) {
  return {.outcome = outcome, .der = "", .serial = "", .why = std::move(why)};
}

}  // namespace

EnrollForm enroll_form(std::span<const FormPart> parts) {
  EnrollForm form;
  for (const FormPart& part : parts) {
    if (part.name == "username") form.username = part.body;
    if (part.name == "password") form.password = part.body;
    if (part.name == "nodeids") form.node_ids = part.body;
    if (part.name == "csr" && part.content_type == "application/pkcs10") form.csr = part.body;
  }
  return form;
}

bool is_user_name(std::string_view name) noexcept {
  constexpr std::string_view kAtomMarks = "!#$%&'*+-/=?^_`{|}~";
  const std::size_t at = name.find('@');
  if (name.size() > kLongestUserName || at == std::string_view::npos) return false;
  const auto atom = [&](char c) {
    return is_letter_or_digit(c) || kAtomMarks.find(c) != std::string_view::npos;
  };
  const auto label = [](char c) { return is_letter_or_digit(c) || c == '-'; };
  return is_dotted(name.substr(0, at), atom) && is_dotted(name.substr(at + 1), label);
}

const char* enroll_token(EnrollOutcome outcome) noexcept {
  switch (outcome) {
    case EnrollOutcome::kFailedAuthentication:
      return "failed_authentication";
    case EnrollOutcome::kUsernameNotAvailable:
      return "username_not_available";
    case EnrollOutcome::kNodeIdsNotAvailable:
      return "Node-IDs_not_available";
    case EnrollOutcome::kBadCsr:
      return "bad_CSR";
    case EnrollOutcome::kEnrolled:
    case EnrollOutcome::kRenewed:
    case EnrollOutcome::kUnavailable:
      break;
  }
  return "";
}

Enroller::Enroller(Store& store, const trust::Authority& authority, EnrollPolicy policy)
    : store_(store),
      authority_(authority),
      policy_(std::move(policy)),
      nobody_(hash_password("", policy_.cost)) {}

EnrollDecision Enroller::decide(const EnrollForm& form, const std::string& source,
                                std::int64_t now_unix_s) {
  // Before authentication, for it tells nothing: no such name can be anybody's.
  if (!form.username.empty() && !is_user_name(form.username)) {
    return refuse(EnrollOutcome::kUsernameNotAvailable, "a user name with illegal characters");
  }
  try {
    const std::optional<User> user = authenticate(form, now_unix_s);
    if (!user) {
      return refuse(EnrollOutcome::kFailedAuthentication, "user name and password do not match");
    }
    return decide_for(*user, form, source, now_unix_s);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    return refuse(EnrollOutcome::kUnavailable, error.what());
  }
}

std::optional<User> Enroller::authenticate(const EnrollForm& form, std::int64_t now_unix_s) {
  std::optional<User> user = store_.find_user(form.username);
  const bool known = user && user->state == UserState::kActive && cost_of(user->password_hash);
  const std::string_view password = form.password.substr(0, kLongestPassword);
  const bool same = check_password(password, known ? user->password_hash : nobody_);
  if (!known || !same || form.password.size() > kLongestPassword) return std::nullopt;
  if (cost_of(user->password_hash) != policy_.cost) {
    // The one moment at which the password is at hand to be hashed at the cost of today.
    (void)store_.set_password(user->name, hash_password(form.password, policy_.cost),
                              {now_unix_s, "rehash", user->name, "server", ""});
  }
  return user;
}

EnrollDecision Enroller::decide_for(const User& user, const EnrollForm& form,
                                    const std::string& source, std::int64_t now_unix_s) {
  std::uint32_t wanted = 1;
  if (form.node_ids) {
    const char* const end = form.node_ids->data() + form.node_ids->size();
    const auto [at, error] = std::from_chars(form.node_ids->data(), end, wanted);
    if (error != std::errc{} || at != end || wanted == 0) {
      return refuse(EnrollOutcome::kNodeIdsNotAvailable, "nodeids is not a number above 0");
    }
  }
  std::string why;
  if (!form.csr) return refuse(EnrollOutcome::kBadCsr, "no csr of type application/pkcs10");
  const auto request = SigningRequest::read(std::as_bytes(std::span(*form.csr)), why);
  if (!request) return refuse(EnrollOutcome::kBadCsr, why);
  for (const std::string& name : request->user_names) {
    if (name != user.name) {
      return refuse(EnrollOutcome::kUsernameNotAvailable, "the CSR asks for another user name");
    }
  }
  trust::NodeCertificate certificate{.user_name = user.name, .uris = {}, .validity = {}};
  certificate.validity = {now_unix_s - policy_.backdate_s,
                          std::min(now_unix_s + policy_.validity_s, authority_.not_after_unix_s())};
  if (certificate.validity.not_after_unix_s <= now_unix_s) {
    return refuse(EnrollOutcome::kUnavailable, "the certificate of the CA has expired");
  }
  const IssueResult issued = store_.issue(
      {.user_id = user.id,
       .node_ids = wanted,
       .now_unix_s = now_unix_s,
       .source = source,
       .draw = trust::random_node_id,
       .sign = [&](const std::vector<wire::reload::NodeId>& ids) -> std::optional<IssuedRecord> {
         certificate.uris.clear();
         for (const auto& id : ids)
           certificate.uris.push_back(trust::node_uri(id, policy_.overlay));
         trust::IssuedCertificate made;
         if (!authority_.issue(request->spki, certificate, made, why)) return std::nullopt;
         return IssuedRecord{made.serial, std::move(made.der),
                             certificate.validity.not_after_unix_s};
       }});
  switch (issued.outcome) {
    case IssueOutcome::kIssued:
      return {.outcome = issued.renewed ? EnrollOutcome::kRenewed : EnrollOutcome::kEnrolled,
              .der = {reinterpret_cast<const char*>(issued.record.der.data()),
                      issued.record.der.size()},
              .serial = issued.record.serial,
              .why = ""};
    case IssueOutcome::kTooMany:
      return refuse(EnrollOutcome::kNodeIdsNotAvailable, "more Node-IDs than the user may have");
    case IssueOutcome::kNotActive:
      return refuse(EnrollOutcome::kFailedAuthentication, "disabled while being authenticated");
    case IssueOutcome::kNotSigned:
      return refuse(EnrollOutcome::kUnavailable, why);
    case IssueOutcome::kNoFreeNodeIds:
      break;
  }
  return refuse(EnrollOutcome::kUnavailable, "the generator of Node-IDs repeats itself");
}

}  // namespace controlplane::enroll
