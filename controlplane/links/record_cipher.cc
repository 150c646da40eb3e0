// SPDX-License-Identifier: Apache-2.0
#include "controlplane/links/record_cipher.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/ssl.h>

#include <cstring>
#include <memory>

#include "wire/byte_order.h"
#include "wire/dtls/client_hello.h"

namespace controlplane::links {
namespace {

using wire::dtls::Aead;
using wire::dtls::RecordHeader;
using wire::shm::DirectionKeys;

constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kMasterSecretBytes = 48;  // RFC 5246 section 8.1
// Both keys and both IVs; no MAC keys with an AEAD.
constexpr std::size_t kMaxKeyBlockBytes = 2 * (wire::dtls::kMaxKeyBytes + wire::dtls::kMaxIvBytes);

struct Free {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

/// Bytes that are overwritten when they go out of scope.
template <std::size_t N>
struct Secret {
  std::array<unsigned char, N> bytes{};
  Secret() = default;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

const EVP_CIPHER* cipher_of(Aead aead) {
  switch (aead) {
    case Aead::kAes128Gcm:
      return EVP_aes_128_gcm();
    case Aead::kAes256Gcm:
      return EVP_aes_256_gcm();
    case Aead::kChaCha20Poly1305:
      break;
  }
  return EVP_chacha20_poly1305();
}

std::optional<Aead> aead_of(const SSL_CIPHER* cipher) {
  switch (SSL_CIPHER_get_cipher_nid(cipher)) {
    case NID_aes_128_gcm:
      return Aead::kAes128Gcm;
    case NID_aes_256_gcm:
      return Aead::kAes256Gcm;
    case NID_chacha20_poly1305:
      return Aead::kChaCha20Poly1305;
    default:
      return std::nullopt;
  }
}

using Nonce = std::array<std::byte, kNonceBytes>;

Nonce nonce_of(Aead aead, const DirectionKeys& keys, std::span<const std::byte, 8> number) {
  Nonce nonce{};
  if (aead == Aead::kChaCha20Poly1305) {
    std::memcpy(nonce.data(), keys.iv.data(), kNonceBytes);
    for (std::size_t i = 0; i < number.size(); ++i) nonce[kNonceBytes - 8 + i] ^= number[i];
  } else {
    std::memcpy(nonce.data(), keys.iv.data(), kNonceBytes - 8);
    std::memcpy(nonce.data() + kNonceBytes - 8, number.data(), number.size());
  }
  return nonce;
}

/// seq_num, type, version, length of the plaintext. seq_num is epoch and sequence.
using Aad = std::array<std::byte, 13>;
Aad aad_of(const RecordHeader& header, std::size_t length) {
  Aad aad;
  wire::store_be64(aad.data(), std::uint64_t{header.epoch} << 48U | header.sequence);
  wire::store_u8(aad.data() + 8, static_cast<std::uint8_t>(header.type));
  wire::store_be16(aad.data() + 9, header.version);
  wire::store_be16(aad.data() + 11, static_cast<std::uint16_t>(length));
  return aad;
}

unsigned char* raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }
const unsigned char* raw(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}

bool expand(const EVP_MD* digest, std::span<const unsigned char> master_secret,
            std::span<const unsigned char> seed, std::span<unsigned char> to) {
  static constexpr char kLabel[] = "key expansion";
  const Owned<EVP_KDF> kdf(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_PRF, nullptr));
  const Owned<EVP_KDF_CTX> context(kdf == nullptr ? nullptr : EVP_KDF_CTX_new(kdf.get()));
  if (context == nullptr) return false;
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                       const_cast<char*>(EVP_MD_get0_name(digest)), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET,
                                        const_cast<unsigned char*>(master_secret.data()),
                                        master_secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, const_cast<char*>(kLabel),
                                        sizeof kLabel - 1),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED,
                                        const_cast<unsigned char*>(seed.data()), seed.size()),
      OSSL_PARAM_construct_end()};
  return EVP_KDF_derive(context.get(), to.data(), to.size(), parameters) == 1;
}

}  // namespace

AssociationKeys::~AssociationKeys() {
  wipe(std::as_writable_bytes(std::span(&write, 1)));
  wipe(std::as_writable_bytes(std::span(&read, 1)));
}

bool derive_keys(SSL* ssl, Role role, AssociationKeys& out) {
  const SSL_CIPHER* cipher = SSL_get_pending_cipher(ssl);
  if (cipher == nullptr) cipher = SSL_get_current_cipher(ssl);
  const SSL_SESSION* session = SSL_get_session(ssl);
  if (cipher == nullptr || session == nullptr) return false;
  const auto aead = aead_of(cipher);
  const EVP_MD* digest = SSL_CIPHER_get_handshake_digest(cipher);
  Secret<kMasterSecretBytes> master;
  if (!aead || digest == nullptr ||
      SSL_SESSION_get_master_key(session, master.bytes.data(), master.bytes.size()) !=
          master.bytes.size()) {
    return false;
  }
  std::array<unsigned char, 2 * wire::dtls::kRandomBytes> seed;  // the server's comes first
  if (SSL_get_server_random(ssl, seed.data(), wire::dtls::kRandomBytes) !=
          wire::dtls::kRandomBytes ||
      SSL_get_client_random(ssl, seed.data() + wire::dtls::kRandomBytes,
                            wire::dtls::kRandomBytes) != wire::dtls::kRandomBytes) {
    return false;
  }
  const std::size_t key = wire::dtls::key_bytes(*aead);
  const std::size_t iv = wire::dtls::iv_bytes(*aead);
  Secret<kMaxKeyBlockBytes> block;
  if (!expand(digest, master.bytes, seed, std::span(block.bytes).first(2 * (key + iv)))) {
    return false;
  }
  out.aead = *aead;
  DirectionKeys& client = role == Role::kClient ? out.write : out.read;
  DirectionKeys& server = role == Role::kClient ? out.read : out.write;
  const unsigned char* at = block.bytes.data();
  const auto take = [&at](std::byte* to, std::size_t count) {
    std::memcpy(to, at, count);
    at += count;
  };
  take(client.key.data(), key);
  take(server.key.data(), key);
  take(client.iv.data(), iv);
  take(server.iv.data(), iv);
  return true;
}

bool seal_record(Aead aead, const DirectionKeys& keys, const RecordHeader& header,
                 std::span<const std::byte> plaintext, Bytes& datagram) {
  const std::size_t start = datagram.size();
  const std::size_t explicit_nonce = wire::dtls::explicit_nonce_bytes(aead);
  RecordHeader sealed = header;
  sealed.length =
      static_cast<std::uint16_t>(explicit_nonce + plaintext.size() + wire::dtls::kTagBytes);
  datagram.resize(start + sealed.record_bytes());
  std::byte* const record = datagram.data() + start;
  wire::dtls::write_record_header(sealed, std::span<std::byte, wire::dtls::kRecordHeaderBytes>(
                                              record, wire::dtls::kRecordHeaderBytes));
  const std::span<const std::byte, 8> number(record + wire::dtls::kRecordNumberAt, 8);
  std::memcpy(record + wire::dtls::kRecordHeaderBytes, number.data(), explicit_nonce);
  const Nonce nonce = nonce_of(aead, keys, number);
  const Aad aad = aad_of(header, plaintext.size());

  std::byte* const body = record + wire::dtls::plaintext_offset(aead);
  const Owned<EVP_CIPHER_CTX> context(EVP_CIPHER_CTX_new());
  int length = 0;
  const bool done = context != nullptr &&
                    EVP_EncryptInit_ex(context.get(), cipher_of(aead), nullptr,
                                       raw(keys.key.data()), raw(nonce.data())) == 1 &&
                    EVP_EncryptUpdate(context.get(), nullptr, &length, raw(aad.data()),
                                      static_cast<int>(aad.size())) == 1 &&
                    EVP_EncryptUpdate(context.get(), raw(body), &length, raw(plaintext.data()),
                                      static_cast<int>(plaintext.size())) == 1 &&
                    EVP_EncryptFinal_ex(context.get(), raw(body) + length, &length) == 1 &&
                    EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, wire::dtls::kTagBytes,
                                        body + plaintext.size()) == 1;
  if (!done) datagram.resize(start);
  return done;
}

std::optional<Bytes> open_record(Aead aead, const DirectionKeys& keys, const RecordHeader& header,
                                 std::span<const std::byte> record) {
  const std::size_t explicit_nonce = wire::dtls::explicit_nonce_bytes(aead);
  const std::size_t around = explicit_nonce + wire::dtls::kTagBytes;
  if (header.length < around || header.length > wire::dtls::kMaxPlaintextBytes + around) {
    return std::nullopt;
  }
  Bytes plaintext(header.length - around);
  const std::span<const std::byte, 8> number(
      record.data() +
          (explicit_nonce != 0 ? wire::dtls::kRecordHeaderBytes : wire::dtls::kRecordNumberAt),
      8);
  const Nonce nonce = nonce_of(aead, keys, number);
  const Aad aad = aad_of(header, plaintext.size());
  const std::byte* const body = record.data() + wire::dtls::plaintext_offset(aead);
  std::array<std::byte, wire::dtls::kTagBytes> tag;  // OpenSSL wants it writable
  std::memcpy(tag.data(), body + plaintext.size(), tag.size());

  const Owned<EVP_CIPHER_CTX> context(EVP_CIPHER_CTX_new());
  int length = 0;
  std::array<unsigned char, EVP_MAX_BLOCK_LENGTH> rest;
  const bool authentic = context != nullptr &&
                         EVP_DecryptInit_ex(context.get(), cipher_of(aead), nullptr,
                                            raw(keys.key.data()), raw(nonce.data())) == 1 &&
                         EVP_DecryptUpdate(context.get(), nullptr, &length, raw(aad.data()),
                                           static_cast<int>(aad.size())) == 1 &&
                         EVP_DecryptUpdate(context.get(), raw(plaintext.data()), &length, raw(body),
                                           static_cast<int>(plaintext.size())) == 1 &&
                         EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG,
                                             wire::dtls::kTagBytes, tag.data()) == 1 &&
                         EVP_DecryptFinal_ex(context.get(), rest.data(), &length) == 1;
  if (!authentic) return std::nullopt;
  return plaintext;
}

}  // namespace controlplane::links
