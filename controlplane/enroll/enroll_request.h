// SPDX-License-Identifier: Apache-2.0
// One certificate request: who asks, for what, and what he gets (RFC 6940 section 11.3;
// requirements J-47 to J-53, E-18, E-19).

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "controlplane/enroll/multipart.h"
#include "controlplane/enroll/password.h"
#include "controlplane/enroll/store.h"
#include "controlplane/trust/issue.h"

namespace controlplane::enroll {

/// What of a form counts, borrowed from it. Parts of other names are ignored.
struct EnrollForm {
  std::string_view username;
  std::string_view password;
  std::optional<std::string_view> node_ids;  ///< "nodeids", as written
  std::optional<std::string_view> csr;       ///< unset also when its type is not application/pkcs10
};
[[nodiscard]] EnrollForm enroll_form(std::span<const FormPart> parts);

/// The user names an authority gives out: `local@domain`, 3 to 254 bytes of ASCII, as an rfc822Name
/// can hold them (RFC 5321 section 4.1.2: a dot-string before a domain name). No NUL, no blank, no
/// quotes (J-52).
[[nodiscard]] bool is_user_name(std::string_view name) noexcept;

enum class EnrollOutcome : std::uint8_t {
  kEnrolled,  ///< with at least one new Node-ID
  kRenewed,
  kFailedAuthentication,
  kUsernameNotAvailable,
  kNodeIdsNotAvailable,
  kBadCsr,
  kUnavailable,  ///< nothing the client can help: the CA has expired, the store is gone
};
/// The token of J-53, "" for those that have none.
[[nodiscard]] const char* enroll_token(EnrollOutcome outcome) noexcept;

struct EnrollDecision {
  EnrollOutcome outcome = EnrollOutcome::kUnavailable;
  std::string der;     ///< the certificate, when enrolled or renewed
  std::string serial;  ///< of it
  std::string why;     ///< for the log; holds no password
};

struct EnrollPolicy {
  std::string overlay;
  std::int64_t validity_s = 0;
  std::int64_t backdate_s = 0;
  ScryptCost cost;
};

/// Decides and records. Costs a password hash, a signature check, a signature and a transaction:
/// tens of milliseconds to seconds, so it runs on threads of its own; any number may share it.
class Enroller {
 public:
  /// @p store and @p authority must outlive it. Throws std::runtime_error as hash_password() does.
  Enroller(Store& store, const trust::Authority& authority, EnrollPolicy policy);

  /// Throws nothing but std::bad_alloc. Does the same work for an unknown user as for a known one
  /// with a wrong password, so that time tells neither.
  [[nodiscard]] EnrollDecision decide(const EnrollForm& form, const std::string& source,
                                      std::int64_t now_unix_s);

 private:
  [[nodiscard]] EnrollDecision decide_for(const User& user, const EnrollForm& form,
                                          const std::string& source, std::int64_t now_unix_s);
  [[nodiscard]] std::optional<User> authenticate(const EnrollForm& form, std::int64_t now_unix_s);

  Store& store_;
  const trust::Authority& authority_;
  EnrollPolicy policy_;
  std::string nobody_;  ///< the hash that passwords of unknown users are compared with
};

}  // namespace controlplane::enroll
