// SPDX-License-Identifier: Apache-2.0
// Forms from strangers, and the signing requests in them: the first line is the Content-Type, what
// follows is the body. Whatever is read lies in the body; whatever is refused says why.

#include <span>
#include <string>
#include <string_view>

#include "controlplane/enroll/challenge.h"
#include "controlplane/enroll/enroll_request.h"
#include "controlplane/enroll/multipart.h"
#include "controlplane/enroll/signing_request.h"
#include "crypto/public_key.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace controlplane::enroll;
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  const std::size_t newline = input.find('\n');
  const std::string_view body =
      newline == std::string_view::npos ? input : input.substr(newline + 1);
  const std::string boundary = form_boundary(input.substr(0, newline)).value_or("b");
  FUZZ_CHECK(!boundary.empty() && boundary.size() <= kMostBoundary);

  static const Challenges challenges(3);
  FUZZ_CHECK(challenges.check(input, "192.0.2.7", 1'800'000'000) == Challenges::Verdict::kBad);

  std::string why;
  const auto parts = parse_form(body, boundary, why);
  FUZZ_CHECK(parts.has_value() == why.empty());
  std::string_view csr = body;  // a bare request is an input, too
  if (parts) {
    FUZZ_CHECK(parts->size() <= kMostParts);
    for (const FormPart& part : *parts) {
      FUZZ_CHECK(part.body.data() >= body.data() &&
                 part.body.data() + part.body.size() <= body.data() + body.size());
      FUZZ_CHECK(part.body.find("\r\n--" + boundary) == std::string_view::npos);
    }
    const EnrollForm form = enroll_form(*parts);
    FUZZ_CHECK(!is_user_name(form.username) || form.username.find('\0') == std::string_view::npos);
    if (form.csr) csr = *form.csr;
  }
  const auto request = SigningRequest::read(std::as_bytes(std::span(csr)), why);
  FUZZ_CHECK(request.has_value() == why.empty());
  if (request) FUZZ_CHECK(crypto::PublicKey::from_spki(request->spki, why) != nullptr);
  return 0;
}
