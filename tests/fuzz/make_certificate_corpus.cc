// SPDX-License-Identifier: Apache-2.0
// Writes the certificates of corpus/certificate and, for corpus/decode, messages that carry them:
//
//   make_certificate_corpus CERTIFICATE_DIRECTORY DECODE_DIRECTORY
//
// Keys are random, so every run gives other bytes; run it when a kind of certificate is added. The
// authority's certificate is ca.pem, which certificate_fuzz trusts.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "controlplane/trust/certificate.h"
#include "controlplane/trust/issue.h"
#include "crypto/signing_key.h"
#include "wire/reload/message_builder.h"

namespace {

namespace fs = std::filesystem;
using namespace controlplane::trust;
using namespace wire::reload;

constexpr Validity kLong{1700000000, 4102444800};  // 2023 to 2100

void write(const fs::path& file, std::span<const std::byte> bytes) {
  std::ofstream out(file, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  if (out.good()) return;
  std::fprintf(stderr, "cannot write %s\n", file.c_str());
  std::exit(1);
}

struct Kind {
  const char* name;
  crypto::Algorithm algorithm = crypto::Algorithm::kEd25519;
  SignatureScheme scheme = SignatureScheme::kEd25519;
  Validity validity = kLong;
  std::string user_name = "alice@example.com";
  std::vector<std::string> uris = {};
  bool other_authority = false;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: make_certificate_corpus CERTIFICATE_DIRECTORY DECODE_DIRECTORY\n");
    return 2;
  }
  const fs::path certificates = argv[1];
  const fs::path messages = argv[2];
  std::string why;
  const auto ca =
      Authority::create(crypto::Algorithm::kEcdsaP256Sha256, "example.com authority", kLong, why);
  const auto stranger =
      Authority::create(crypto::Algorithm::kEcdsaP256Sha256, "example.com authority", kLong, why);
  write(certificates / "ca.pem", std::as_bytes(std::span(ca->certificate_pem())));

  const NodeId id = random_node_id();
  const std::string uri = node_uri(id, "example.com");
  const std::vector<Kind> kinds = {
      {.name = "good_ed25519", .uris = {uri}},
      {.name = "good_ecdsa",
       .algorithm = crypto::Algorithm::kEcdsaP256Sha256,
       .scheme = SignatureScheme::kEcdsaP256Sha256,
       .uris = {uri}},
      {.name = "good_rsa",
       .algorithm = crypto::Algorithm::kRsaPkcs1Sha256,
       .scheme = SignatureScheme::kRsaPkcs1Sha256,
       .uris = {uri}},
      {.name = "two_node_ids", .uris = {uri, node_uri(random_node_id(), "example.com")}},
      {.name = "expired", .validity = {1600000000, 1600086400}, .uris = {uri}},
      {.name = "not_yet_valid", .validity = {4000000000, 4102444800}, .uris = {uri}},
      {.name = "other_authority", .uris = {uri}, .other_authority = true},
      {.name = "wrong_overlay", .uris = {node_uri(id, "example.org")}},
      {.name = "no_node_id", .uris = {"https://example.com/"}},
      {.name = "malformed_node_uri", .uris = {"reload://0111aa@example.com/"}},
      {.name = "no_user", .user_name = "", .uris = {uri}},
  };
  SignerKey previous;
  for (const Kind& kind : kinds) {
    const auto key = crypto::SigningKey::generate(kind.algorithm);
    const NodeCertificate request{kind.user_name, kind.uris, kind.validity};
    const std::string pem =
        (kind.other_authority ? stranger : ca)->issue(key->public_spki(), request, why);
    const auto certificate = Certificate::from_pem(pem, why);
    if (!certificate) {
      std::fprintf(stderr, "%s: %s\n", kind.name, why.c_str());
      return 1;
    }
    write(certificates / kind.name, certificate->der);

    SigningIdentity identity;
    identity.scheme = kind.scheme;
    identity.certificates = {certificate->der};
    identity.sign = [&](std::span<const std::byte> bytes) { return key->sign(bytes); };
    const auto ping = [&](const SignerKey& signer) {
      identity.signer = signer;
      return MessageBuilder()
          .overlay(OverlayHash{0x65b0781f})
          .transaction(TransactionId{7})
          .destination(NodeId::wildcard())
          .contents(MessageCode::kPingReq, ping_request_body(16))
          .sign(identity);
    };
    const auto signer = certificate->signer_key(id);
    if (!signer) continue;
    write(messages / (std::string("signed_") + kind.name), ping(*signer));
    if (previous.type != SignerIdentityType::kInvalid) {
      // Node-ID and certificate of one signer, SignerIdentity of another.
      write(messages / (std::string("mismatched_") + kind.name), ping(previous));
    }
    previous = *signer;
  }
  return 0;
}
