// SPDX-License-Identifier: Apache-2.0
// The record layer takes over either end of an association that two OpenSSLs made, with the keys
// derived from the master secret as RFC 5246 section 6.3 says, and the other OpenSSL notices
// nothing.

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <string>

#include "tests/dataplane/record_rig.h"

namespace {

using namespace tests::dataplane;

template <class T, void (*free_it)(T*)>
struct Free {
  void operator()(T* object) const { free_it(object); }
};
template <class T, void (*free_it)(T*)>
using Owned = std::unique_ptr<T, Free<T, free_it>>;

struct Suite {
  const char* name;
  const char* prf;
  Aead aead;
};
constexpr Suite kSuites[] = {
    {"ECDHE-ECDSA-AES128-GCM-SHA256", "SHA2-256", Aead::kAes128Gcm},
    {"ECDHE-ECDSA-AES256-GCM-SHA384", "SHA2-384", Aead::kAes256Gcm},
    {"ECDHE-ECDSA-CHACHA20-POLY1305", "SHA2-256", Aead::kChaCha20Poly1305},
};

unsigned char* octets(Bytes& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

/// One end, over memory.
class End {
 public:
  End(bool client, const Suite& suite, EVP_PKEY* key, X509* certificate)
      : context_(SSL_CTX_new(client ? DTLS_client_method() : DTLS_server_method())) {
    SSL_CTX_set_min_proto_version(context_.get(), DTLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context_.get(), suite.name);
    SSL_CTX_use_PrivateKey(context_.get(), key);
    SSL_CTX_use_certificate(context_.get(), certificate);
    ssl_.reset(SSL_new(context_.get()));
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in_, -1);
    SSL_set_bio(ssl_.get(), in_, out_);  // takes both
    SSL_set_options(ssl_.get(), SSL_OP_NO_QUERY_MTU);
    SSL_set_mtu(ssl_.get(), 1400);
    client ? SSL_set_connect_state(ssl_.get()) : SSL_set_accept_state(ssl_.get());
  }
  [[nodiscard]] SSL* ssl() const { return ssl_.get(); }
  bool step() { return SSL_do_handshake(ssl_.get()) == 1; }
  /// What it has sent since the last call.
  Bytes sent() {
    Bytes bytes(BIO_ctrl_pending(out_));
    if (!bytes.empty()) BIO_read(out_, bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
  }
  void receive(const Bytes& bytes) {
    if (!bytes.empty()) BIO_write(in_, bytes.data(), static_cast<int>(bytes.size()));
  }
  Bytes write(const Bytes& plaintext) {
    EXPECT_EQ(SSL_write(ssl_.get(), plaintext.data(), static_cast<int>(plaintext.size())),
              static_cast<int>(plaintext.size()));
    return sent();
  }
  Bytes read() {
    Bytes bytes(4096);
    const int count = SSL_read(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return bytes;
  }

 private:
  Owned<SSL_CTX, SSL_CTX_free> context_;
  Owned<SSL, SSL_free> ssl_;
  BIO* in_;
  BIO* out_;
};

struct KeyBlock {
  wire::shm::DirectionKeys client;
  wire::shm::DirectionKeys server;
};

/// RFC 5246 section 6.3: master secret, "key expansion", server random, client random.
KeyBlock key_block_of(const SSL* ssl, const Suite& suite) {
  Bytes master(SSL_MAX_MASTER_KEY_LENGTH);
  master.resize(SSL_SESSION_get_master_key(SSL_get_session(ssl), octets(master), master.size()));
  Bytes seed(SSL3_RANDOM_SIZE * 2);
  SSL_get_server_random(ssl, octets(seed), SSL3_RANDOM_SIZE);
  SSL_get_client_random(ssl, octets(seed) + SSL3_RANDOM_SIZE, SSL3_RANDOM_SIZE);
  const std::size_t key = wire::dtls::key_bytes(suite.aead);
  const std::size_t iv = wire::dtls::iv_bytes(suite.aead);
  Bytes block(2 * (key + iv));

  const Owned<EVP_KDF, EVP_KDF_free> kdf(EVP_KDF_fetch(nullptr, "TLS1-PRF", nullptr));
  const Owned<EVP_KDF_CTX, EVP_KDF_CTX_free> context(EVP_KDF_CTX_new(kdf.get()));
  std::string digest = suite.prf;
  std::string label = "key expansion";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master.data(), master.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, label.data(), label.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed.data(), seed.size()),
      OSSL_PARAM_construct_end()};
  EXPECT_EQ(EVP_KDF_derive(context.get(), octets(block), block.size(), params), 1);

  KeyBlock keys;
  auto take = [at = block.begin()](std::byte* to, std::size_t bytes) mutable {
    std::copy_n(at, bytes, to);
    at += static_cast<std::ptrdiff_t>(bytes);
  };
  take(keys.client.key.data(), key);
  take(keys.server.key.data(), key);
  take(keys.client.iv.data(), iv);
  take(keys.server.iv.data(), iv);
  return keys;
}

/// The next sequence number of epoch 1 after the records of @p flights.
std::uint64_t next_sequence(const Bytes& flights) {
  std::uint64_t next = 0;
  wire::dtls::RecordCursor records(flights);
  wire::dtls::RecordHeader header;
  while (records.next(header)) {
    if (header.epoch == 1) next = std::max(next, header.sequence + 1);
  }
  EXPECT_TRUE(records.error().ok()) << "the cursor reads whatever OpenSSL sends";
  return next;
}

class RecordInteropTest : public RecordRig, public testing::WithParamInterface<std::size_t> {
 protected:
  RecordInteropTest() : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    X509_set_version(certificate_.get(), 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate_.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate_.get()), 3600);
    X509_set_pubkey(certificate_.get(), key_.get());
    X509_sign(certificate_.get(), key_.get(), EVP_sha256());
    client_ = std::make_unique<End>(true, suite(), key_.get(), certificate_.get());
    server_ = std::make_unique<End>(false, suite(), key_.get(), certificate_.get());
  }
  void SetUp() override {
    RecordRig::SetUp();
    Bytes from_client;
    Bytes from_server;
    bool done = false;
    for (unsigned i = 0; i < 20 && !done; ++i) {
      const bool client_done = client_->step();
      Bytes flight = client_->sent();
      from_client.insert(from_client.end(), flight.begin(), flight.end());
      server_->receive(flight);
      done = server_->step() && client_done;
      flight = server_->sent();
      from_server.insert(from_server.end(), flight.begin(), flight.end());
      client_->receive(flight);
    }
    ASSERT_TRUE(done);
    const KeyBlock keys = key_block_of(client_->ssl(), suite());
    const Aead aead = suite().aead;
    at_client_ = std::make_unique<Association>(*cipher_, aead, keys.client, keys.server,
                                               next_sequence(from_client));
    at_server_ = std::make_unique<Association>(*cipher_, aead, keys.server, keys.client,
                                               next_sequence(from_server));
    EXPECT_EQ(at_client_->ours.write_sequence, 1U) << "Finished was 0";
  }
  [[nodiscard]] const Suite& suite() const { return kSuites[GetParam()]; }

  Owned<EVP_PKEY, EVP_PKEY_free> key_;
  Owned<X509, X509_free> certificate_;
  std::unique_ptr<End> client_;
  std::unique_ptr<End> server_;
  std::unique_ptr<Association> at_client_;  ///< what takes over from the OpenSSL client
  std::unique_ptr<Association> at_server_;
};

TEST_P(RecordInteropTest, OpensWhatOpenSslSeals) {
  for (std::size_t bytes = 1; bytes < 1300; bytes += 37) {
    const Bytes plaintext = random_bytes(random_, bytes);
    Bytes record = client_->write(plaintext);
    OpenedRecord opened = open(record, at_server_->ours);
    ASSERT_EQ(opened.verdict, OpenVerdict::kOpened) << bytes;
    EXPECT_EQ(copy_of(opened.plaintext), plaintext);
    EXPECT_EQ(opened.record_bytes, bytes + wire::dtls::record_overhead(suite().aead));
    record = server_->write(plaintext);
    opened = open(record, at_client_->ours);
    ASSERT_EQ(opened.verdict, OpenVerdict::kOpened) << bytes;
    EXPECT_EQ(copy_of(opened.plaintext), plaintext);
  }
}

TEST_P(RecordInteropTest, OpenSslOpensWhatWeSeal) {
  for (std::size_t bytes = 1; bytes < 1300; bytes += 37) {
    const Bytes plaintext = random_bytes(random_, bytes);
    server_->receive(seal(at_client_->ours, suite().aead, plaintext));
    ASSERT_EQ(server_->read(), plaintext) << bytes;
    client_->receive(seal(at_server_->ours, suite().aead, plaintext));
    ASSERT_EQ(client_->read(), plaintext) << bytes;
  }
}

TEST_P(RecordInteropTest, OpenSslDropsOurReplaysAsWeDropItsOwn) {
  const Bytes ours = seal(at_client_->ours, suite().aead, Bytes(40));
  server_->receive(ours);
  EXPECT_EQ(server_->read().size(), 40U);
  server_->receive(ours);
  EXPECT_TRUE(server_->read().empty());
  const Bytes theirs = client_->write(Bytes(40));
  EXPECT_EQ(verdict_of(theirs, at_server_->ours), OpenVerdict::kOpened);
  EXPECT_EQ(verdict_of(theirs, at_server_->ours), OpenVerdict::kReplayed);
}

TEST_P(RecordInteropTest, AlertsCrossBothWays) {
  const Bytes close_notify = {std::byte{1}, std::byte{0}};
  server_->receive(seal(at_client_->ours, suite().aead, close_notify, ContentType::kAlert));
  EXPECT_TRUE(server_->read().empty());
  EXPECT_EQ(SSL_get_shutdown(server_->ssl()), SSL_RECEIVED_SHUTDOWN);
  SSL_shutdown(client_->ssl());
  Bytes record = client_->sent();
  const OpenedRecord opened = open(record, at_server_->ours);
  ASSERT_EQ(opened.verdict, OpenVerdict::kOpened);
  EXPECT_EQ(opened.type, ContentType::kAlert);
  EXPECT_EQ(copy_of(opened.plaintext), close_notify);
}

std::string name_of(const testing::TestParamInfo<std::size_t>& suite) {
  std::string name = wire::dtls::kAeadNames[static_cast<std::size_t>(kSuites[suite.param].aead)];
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(EverySuite, RecordInteropTest, testing::Range<std::size_t>(0, 3), name_of);

}  // namespace
