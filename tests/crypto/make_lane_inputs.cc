// SPDX-License-Identifier: Apache-2.0
// make_lane_inputs FILE: writes LaneInputs, made with OpenSSL's help.

#include "tests/crypto/lanes_inputs.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "crypto/kernels/p256_signature.h"

namespace crypto::test {
namespace {

using Bytes = std::vector<std::byte>;

void must(bool done, const char* what) {
  if (done) return;
  std::fprintf(stderr, "make_lane_inputs: %s\n", what);
  std::abort();
}

unsigned char* octets(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }

bool is_good(unsigned check) { return check % 3 != 1; }

Bytes message_of(unsigned check) { return Bytes(40 + check, static_cast<std::byte>(check)); }

Bytes sign(EVP_PKEY* key, const Bytes& message, const EVP_MD* digest) {
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  std::size_t length = 1024;
  Bytes signature(length);
  must(EVP_DigestSignInit(context, nullptr, digest, nullptr, key) == 1 &&
           EVP_DigestSign(context, octets(signature.data()), &length,
                          reinterpret_cast<const unsigned char*>(message.data()),
                          message.size()) == 1,
       "signing");
  EVP_MD_CTX_free(context);
  signature.resize(length);
  return signature;
}

void sha256(const Bytes& message, std::byte* digest) {
  SHA256(reinterpret_cast<const unsigned char*>(message.data()), message.size(), octets(digest));
}

void make_ed25519(LaneInputs& inputs) {
  EVP_PKEY* keys[kLaneKeys];
  std::byte encoded[kLaneKeys][32];
  for (unsigned k = 0; k < kLaneKeys; ++k) {
    keys[k] = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    std::size_t length = sizeof encoded[k];
    must(EVP_PKEY_get_raw_public_key(keys[k], octets(encoded[k]), &length) == 1 &&
             decode_ed25519(encoded[k], inputs.ed25519[k]),
         "Ed25519 key");
  }
  for (unsigned i = 0; i < kLaneChecks; ++i) {
    Bytes message = message_of(i);
    const Bytes signature = sign(keys[i % kLaneKeys], message, nullptr);
    if (!is_good(i)) message[0] ^= std::byte{1};
    std::memcpy(inputs.ed25519_signature[i], signature.data(), 64);
    Bytes hashed(signature.begin(), signature.begin() + 32);
    hashed.insert(hashed.end(), encoded[i % kLaneKeys], encoded[i % kLaneKeys] + 32);
    hashed.insert(hashed.end(), message.begin(), message.end());
    SHA512(octets(hashed.data()), hashed.size(), octets(inputs.ed25519_hash[i]));
  }
  for (EVP_PKEY* key : keys) EVP_PKEY_free(key);
}

void make_p256(LaneInputs& inputs) {
  EVP_PKEY* keys[kLaneKeys];
  for (unsigned k = 0; k < kLaneKeys; ++k) {
    keys[k] = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
    must(decode_p256_key(keys[k], inputs.p256[k]), "P-256 key");
  }
  for (unsigned i = 0; i < kLaneChecks; ++i) {
    Bytes message = message_of(i);
    const Bytes der = sign(keys[i % kLaneKeys], message, EVP_sha256());
    if (!is_good(i)) message[0] ^= std::byte{1};
    P256Signature signature;
    must(decode_p256_signature(der, signature), "P-256 signature");
    std::memcpy(inputs.p256_r[i], signature.r, 32);
    std::memcpy(inputs.p256_s[i], signature.s, 32);
    sha256(message, inputs.p256_hash[i]);
  }
  for (EVP_PKEY* key : keys) EVP_PKEY_free(key);
}

void make_rsa(LaneInputs& inputs) {
  constexpr unsigned kBits[kRsaSizes] = {2048, 3072, 4096};
  for (unsigned i = 0; i < kLaneChecks; ++i) {
    Bytes message = message_of(i);
    if (!is_good(i)) message[0] ^= std::byte{1};
    sha256(message, inputs.rsa_hash[i]);
  }
  for (unsigned size = 0; size < kRsaSizes; ++size) {
    EVP_PKEY* keys[2];
    for (unsigned k = 0; k < 2; ++k) {
      keys[k] = EVP_RSA_gen(kBits[size]);
      must(decode_rsa_key(keys[k], inputs.rsa[size][k]), "RSA key");
    }
    for (unsigned i = 0; i < kLaneChecks; ++i) {
      const Bytes signature = sign(keys[i % 2], message_of(i), EVP_sha256());
      std::memcpy(inputs.rsa_signature[size][i], signature.data(), signature.size());
    }
    for (EVP_PKEY* key : keys) EVP_PKEY_free(key);
  }
}

}  // namespace
}  // namespace crypto::test

int main(int argc, char** argv) {
  using namespace crypto::test;
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_lane_inputs FILE\n");
    return 2;
  }
  static LaneInputs inputs;
  make_ed25519(inputs);
  make_p256(inputs);
  make_rsa(inputs);
  std::FILE* const out = std::fopen(argv[1], "wb");
  const bool written = out != nullptr && std::fwrite(&inputs, sizeof inputs, 1, out) == 1;
  must(written && std::fclose(out) == 0, "writing");
  return 0;
}
