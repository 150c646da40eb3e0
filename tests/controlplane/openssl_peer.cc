// SPDX-License-Identifier: Apache-2.0
#include "tests/controlplane/openssl_peer.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <utility>

namespace tests {

using controlplane::links::Bytes;
using controlplane::links::Role;

namespace {

void note_alert(const SSL* ssl, int where, int value) {
  auto& peer = *static_cast<OpensslPeer*>(SSL_get_app_data(ssl));
  if ((where & SSL_CB_ALERT) == 0) return;
  ((where & SSL_CB_READ) != 0 ? peer.alert_received : peer.alert_sent) = value & 0xff;
}

int accept_any(X509_STORE_CTX*, void*) { return 1; }

X509* read_x509(const Bytes& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  return d2i_X509(nullptr, &at, static_cast<long>(der.size()));
}

}  // namespace

OpensslPeer::OpensslPeer(const OpensslWish& wish)
    : context_(SSL_CTX_new(DTLS_method())), ssl_(nullptr) {
  SSL_CTX_set_security_level(context_, wish.max_version == 0 ? 1 : 0);
  SSL_CTX_set_min_proto_version(context_, DTLS1_VERSION);
  SSL_CTX_set_max_proto_version(context_,
                                wish.max_version == 0 ? DTLS1_2_VERSION : wish.max_version);
  EXPECT_EQ(SSL_CTX_set_cipher_list(context_, wish.ciphers.c_str()), 1);
  EXPECT_EQ(SSL_CTX_set1_groups_list(context_, wish.groups.c_str()), 1);
  SSL_CTX_set_options(context_, wish.options | SSL_OP_NO_QUERY_MTU);
  SSL_CTX_set_info_callback(context_, note_alert);
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context_, accept_any, nullptr);
  if (wish.identity) {
    X509* x509 = read_x509(wish.identity->der);
    EXPECT_EQ(SSL_CTX_use_certificate(context_, x509), 1);
    X509_free(x509);
    EXPECT_EQ(
        SSL_CTX_use_PrivateKey(context_, static_cast<EVP_PKEY*>(wish.identity->key->openssl())), 1);
  }
  ssl_ = SSL_new(context_);
  SSL_set_app_data(ssl_, this);
  SSL_set_mtu(ssl_, 1400);
  BIO* bio = controlplane::links::new_datagram_bio(port_);
  SSL_set_bio(ssl_, bio, bio);
  if (wish.role == Role::kClient) {
    SSL_set_connect_state(ssl_);
  } else {
    SSL_set_accept_state(ssl_);
  }
}

OpensslPeer::~OpensslPeer() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

void OpensslPeer::step(std::span<const std::byte> datagram) {
  ERR_clear_error();
  port_.in = datagram;
  if (!done) done = SSL_do_handshake(ssl_) == 1;
  if (done) {
    std::array<std::byte, 4096> room;
    for (;;) {
      const int length = SSL_read(ssl_, room.data(), static_cast<int>(room.size()));
      if (length <= 0) {
        close_received = SSL_get_error(ssl_, length) == SSL_ERROR_ZERO_RETURN;
        break;
      }
      data.emplace_back(room.begin(), room.begin() + length);
    }
  }
  port_.in = {};
  ERR_clear_error();
}

std::vector<Bytes> OpensslPeer::take_out() { return std::exchange(port_.out, {}); }

void OpensslPeer::write(std::span<const std::byte> bytes) {
  EXPECT_EQ(SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())),
            static_cast<int>(bytes.size()));
}

void OpensslPeer::close() { SSL_shutdown(ssl_); }

std::string OpensslPeer::cipher() const { return SSL_get_cipher_name(ssl_); }

void talk(LinkNode& node, OpensslPeer& peer, unsigned address,
          const controlplane::links::Now& now) {
  for (bool quiet = false; !quiet;) {
    quiet = true;
    for (const Bytes& datagram : peer.take_out()) {
      node.receive(now, address, datagram);
      quiet = false;
    }
    for (const Bytes& datagram : std::exchange(node.to_wire, {})) {
      peer.step(datagram);
      quiet = false;
    }
  }
}

}  // namespace tests
