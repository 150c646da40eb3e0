// SPDX-License-Identifier: Apache-2.0
// Writes a node certificate and its key as PEM files: good ones, and those a node must refuse.
//
// make_certificate --out DIR/expired --node-id <Node-ID> --overlay NAME --algorithm ed25519
//                  --ca-certificate ca.pem --ca-key ca-key.pem --not-after -60
//
// Makes DIR/expired.pem and DIR/expired-key.pem. Without --ca-key an authority made up on the spot
// issues it.

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>

#include "config/node_config.h"
#include "tests/support/identity.h"

namespace tests::support {
namespace {

const std::map<std::string, crypto::Algorithm> kAlgorithms = {
    {"ed25519", crypto::Algorithm::kEd25519},
    {"ecdsa-p256", crypto::Algorithm::kEcdsaP256Sha256},
    {"rsa-2048", crypto::Algorithm::kRsaPkcs1Sha256}};

void write_certificate(const std::string& path, const wire::reload::Bytes& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  X509* const certificate = d2i_X509(nullptr, &at, static_cast<long>(der.size()));
  std::FILE* const file = std::fopen(path.c_str(), "w");
  const bool written = certificate != nullptr && file != nullptr &&
                       PEM_write_X509(file, certificate) == 1 && std::fflush(file) == 0;
  if (file != nullptr) std::fclose(file);
  X509_free(certificate);
  if (!written) throw std::runtime_error(path + ": cannot be written");
}

int run(int argc, char** argv) {
  CertificateWish wish;
  std::string out, node_id, algorithm = "ed25519";
  CLI::App app{"writes a node certificate and its key"};
  app.add_option("--out", out, "path without .pem")->required();
  app.add_option("--node-id", node_id, "32 hex digits")->required();
  app.add_option("--overlay", wish.overlay, "overlay name")->required();
  app.add_option("--algorithm", algorithm)->check(CLI::IsMember(kAlgorithms));
  app.add_option("--ca-certificate", wish.ca_certificate_path, "the issuer");
  app.add_option("--ca-key", wish.ca_key_path);
  app.add_option("--not-before", wish.not_before_s, "seconds from now");
  app.add_option("--not-after", wish.not_after_s, "seconds from now");
  CLI11_PARSE(app, argc, argv);
  try {
    const auto id = config::parse_node_id(node_id);
    if (!id) throw std::runtime_error(node_id + ": not a Node-ID");
    wish.node_id = *id;
    wish.user = "somebody@" + wish.overlay;
    const Identity identity = make_identity(wish, kAlgorithms.at(algorithm));
    write_certificate(out + ".pem", identity.signing.certificates.front());
    std::ofstream key(out + "-key.pem");
    if (!(key << identity.key->to_pem()).flush())
      throw std::runtime_error("the key is not written");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_certificate: %s\n", error.what());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace tests::support

int main(int argc, char** argv) { return tests::support::run(argc, argv); }
