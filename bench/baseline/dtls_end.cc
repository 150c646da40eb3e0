// SPDX-License-Identifier: Apache-2.0
#include "bench/baseline/dtls_end.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <array>

namespace bench::baseline {
namespace {

constexpr long kValidS = 24L * 3600;

}  // namespace

std::unique_ptr<DtlsIdentity> DtlsIdentity::make() {
  auto made = std::make_unique<DtlsIdentity>();
  made->key_.reset(EVP_EC_gen("P-256"));
  made->certificate_.reset(X509_new());
  X509* const certificate = made->certificate();
  EVP_PKEY* const key = made->key();
  if (key == nullptr || certificate == nullptr) return nullptr;
  X509_NAME* const name = X509_get_subject_name(certificate);
  constexpr std::array<unsigned char, 4> kName{'n', 'o', 'd', 'e'};
  const bool good = X509_set_version(certificate, X509_VERSION_3) == 1 &&
                    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
                    X509_gmtime_adj(X509_getm_notBefore(certificate), 0) != nullptr &&
                    X509_gmtime_adj(X509_getm_notAfter(certificate), kValidS) != nullptr &&
                    X509_set_pubkey(certificate, key) == 1 &&
                    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, kName.data(), kName.size(),
                                               -1, 0) == 1 &&
                    X509_set_issuer_name(certificate, name) == 1 &&
                    X509_sign(certificate, key, EVP_sha256()) != 0;
  return good ? std::move(made) : nullptr;
}

std::unique_ptr<DtlsEnd> DtlsEnd::create(Role role, const DtlsIdentity& own,
                                         const DtlsIdentity& peer) {
  std::unique_ptr<DtlsEnd> made(new DtlsEnd);
  made->context_.reset(SSL_CTX_new(DTLS_method()));
  SSL_CTX* const context = made->context_.get();
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES128-GCM-SHA256") != 1 ||
      SSL_CTX_use_certificate(context, own.certificate()) != 1 ||
      SSL_CTX_use_PrivateKey(context, own.key()) != 1 ||
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context), peer.certificate()) != 1) {
    return nullptr;
  }
  SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);

  made->ssl_.reset(SSL_new(context));
  OpensslPointer<BIO, BIO_free> in(BIO_new(BIO_s_mem())), out(BIO_new(BIO_s_mem()));
  SSL* const ssl = made->ssl_.get();
  if (ssl == nullptr || in == nullptr || out == nullptr) return nullptr;
  BIO_set_mem_eof_return(in.get(), -1);  // nothing yet, rather than the end
  BIO_set_mem_eof_return(out.get(), -1);
  SSL_set_mtu(ssl, kMtu);
  made->in_ = in.release();
  made->out_ = out.release();
  SSL_set_bio(ssl, made->in_, made->out_);
  if (role == Role::kClient) {
    SSL_set_connect_state(ssl);
  } else {
    SSL_set_accept_state(ssl);
  }
  return made;
}

bool DtlsEnd::pass_to(DtlsEnd& other) {
  std::array<std::byte, 4096> bytes;
  bool any = false;
  for (int n = 0; (n = BIO_read(out_, bytes.data(), bytes.size())) > 0; any = true) {
    if (BIO_write(other.in_, bytes.data(), n) != n) return false;
  }
  return any;
}

bool DtlsEnd::connect(DtlsEnd& client, DtlsEnd& server) {
  for (bool moved = true; moved;) {
    const int c = SSL_do_handshake(client.ssl_.get());
    moved = client.pass_to(server);
    const int s = SSL_do_handshake(server.ssl_.get());
    moved = server.pass_to(client) || moved;
    if (c == 1 && s == 1) break;
  }
  ERR_clear_error();
  return SSL_is_init_finished(client.ssl_.get()) == 1 &&
         SSL_is_init_finished(server.ssl_.get()) == 1;
}

std::size_t DtlsEnd::open(std::span<const std::byte> datagram, std::span<std::byte> plaintext) {
  std::size_t size = 0;
  if (datagram.size() > plaintext.size()) return 0;
  if (BIO_write(in_, datagram.data(), static_cast<int>(datagram.size())) <= 0) return 0;
  if (SSL_read_ex(ssl_.get(), plaintext.data(), plaintext.size(), &size) == 1) return size;
  ERR_clear_error();
  (void)BIO_reset(in_);
  return 0;
}

std::size_t DtlsEnd::seal(std::span<const std::byte> plaintext, std::span<std::byte> datagram) {
  std::size_t size = 0;
  if (SSL_write_ex(ssl_.get(), plaintext.data(), plaintext.size(), &size) != 1) {
    ERR_clear_error();
    return 0;
  }
  const int made = BIO_read(out_, datagram.data(), static_cast<int>(datagram.size()));
  if (made <= 0 || BIO_pending(out_) != 0) {  // half a record is none
    (void)BIO_reset(out_);
    return 0;
  }
  return static_cast<std::size_t>(made);
}

}  // namespace bench::baseline
