// SPDX-License-Identifier: Apache-2.0
// Asks an enrollment server for a certificate (RFC 6940 section 11.3; requirements J-46 to J-49).

#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "controlplane/ctl/certificate_request.h"
#include "controlplane/ctl/https_client.h"

namespace controlplane::ctl {

struct EnrollmentServer {
  HttpsUrl url;
  std::vector<wire::shm::Endpoint> addresses;
  std::vector<std::string> names;  ///< as HttpsRequest::names
  std::string ca_file;
  std::chrono::milliseconds time{20'000};  ///< for one request
};

struct EnrollmentOutcome {
  std::string der;        ///< what the server says is the certificate; nothing in it is checked
  std::string why;        ///< else, naming the server
  bool answered = false;  ///< or may have acted: another server is not to be asked
};

/// Sends @p form. While the server answers by a challenge it waits as told, with @p waiting called
/// before, and comes again; a handful of times at most.
[[nodiscard]] EnrollmentOutcome request_certificate(
    const EnrollmentServer& server, const EnrollmentForm& form,
    const std::function<void(std::chrono::seconds)>& waiting);

}  // namespace controlplane::ctl
