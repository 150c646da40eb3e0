// SPDX-License-Identifier: Apache-2.0
#include "controlplane/ctl/enrollment_request.h"

#include <openssl/crypto.h>

#include <thread>

#include "controlplane/ctl/enrollment_answer.h"

namespace controlplane::ctl {
namespace {

constexpr int kMostChallenges = 5;
constexpr std::size_t kMostCertificateBytes = 65'536;

}  // namespace

EnrollmentOutcome request_certificate(const EnrollmentServer& server, const EnrollmentForm& form,
                                      const std::function<void(std::chrono::seconds)>& waiting) {
  FormBody made = make_form(form);
  HttpsRequest request;
  request.url = server.url;
  request.addresses = server.addresses;
  request.names = server.names;
  request.ca_file = server.ca_file;
  request.method = "POST";
  request.body = std::move(made.body);
  request.most_answer_bytes = kMostCertificateBytes;
  request.time = server.time;
  EnrollmentOutcome outcome;
  std::string token;
  for (int challenges = 0;; ++challenges) {
    request.headers = {{"Accept", "application/pkix-cert"}, {"Content-Type", made.content_type}};
    if (!token.empty()) request.headers.emplace_back("Hopseal-Challenge", token);
    HttpsOutcome asked = ask_https(request);
    outcome.answered = outcome.answered || asked.sent;
    if (!asked.answer) {
      outcome.why = asked.why;
      break;
    }
    const auto wait = challenge_wait(*asked.answer);
    if (wait && challenges < kMostChallenges) {
      token = asked.answer->challenge;
      waiting(*wait);
      std::this_thread::sleep_for(*wait);
      continue;
    }
    outcome.why = enrollment_refusal(*asked.answer);
    if (outcome.why.empty()) {
      outcome.der = std::move(asked.answer->body);
    } else {
      outcome.why = server.url.text() + ": " + outcome.why;
    }
    break;
  }
  OPENSSL_cleanse(request.body.data(), request.body.size());  // the password
  return outcome;
}

}  // namespace controlplane::ctl
