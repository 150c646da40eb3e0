// SPDX-License-Identifier: Apache-2.0
#include "controlplane/links/datagram_bio.h"

#include <openssl/bio.h>

#include <algorithm>
#include <cstring>

namespace controlplane::links {
namespace {

DatagramPort& port_of(BIO* bio) { return *static_cast<DatagramPort*>(BIO_get_data(bio)); }

int write_datagram(BIO* bio, const char* bytes, int length) {
  BIO_clear_retry_flags(bio);
  if (length <= 0) return 0;
  const auto* from = reinterpret_cast<const std::byte*>(bytes);
  port_of(bio).out.emplace_back(from, from + length);
  return length;
}

int read_datagram(BIO* bio, char* to, int room) {
  BIO_clear_retry_flags(bio);
  DatagramPort& port = port_of(bio);
  if (port.in.empty() || room <= 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  // As with recv(): what does not fit is lost, and the record then fails to parse.
  const std::size_t length = std::min(port.in.size(), static_cast<std::size_t>(room));
  std::memcpy(to, port.in.data(), length);
  port.in = {};
  return static_cast<int>(length);
}

long control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DUP:
      return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
      return static_cast<long>(port_of(bio).mtu);
    default:
      return 0;  // also for BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT: time is ours
  }
}

BIO_METHOD* make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagram port");
  if (method == nullptr || BIO_meth_set_write(method, write_datagram) != 1 ||
      BIO_meth_set_read(method, read_datagram) != 1 || BIO_meth_set_ctrl(method, control) != 1) {
    return nullptr;
  }
  return method;
}

}  // namespace

BIO* new_datagram_bio(DatagramPort& port) {
  static BIO_METHOD* const method = make_method();  // for the life of the process
  BIO* bio = method == nullptr ? nullptr : BIO_new(method);
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, &port);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace controlplane::links
