// SPDX-License-Identifier: Apache-2.0
#include "bench/baseline/udp_socket.h"

#include <netinet/udp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace bench::baseline {
namespace {

/// Room for a window of messages. Without privileges the kernel grants net.core.rmem_max of it.
constexpr int kBufferBytes = 4 << 20;

}  // namespace

std::unique_ptr<UdpSocket> UdpSocket::open(Io io) {
  const int descriptor = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return nullptr;
  std::unique_ptr<UdpSocket> made(new UdpSocket(io, descriptor));
  const int wanted = kBufferBytes, on = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted);
  ::setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof wanted);
  if (io == Io::kTrains && ::setsockopt(descriptor, IPPROTO_UDP, UDP_GRO, &on, sizeof on) != 0) {
    return nullptr;
  }
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) return nullptr;
  return made;
}

UdpSocket::UdpSocket(Io io, int descriptor)
    : io_(io),
      descriptor_(descriptor),
      in_buffers_(io == Io::kEach ? kBatch : kTrains),
      in_buffer_bytes_(io == Io::kEach ? kMaxDatagram : kTrainBytes),
      in_memory_(in_buffers_ * in_buffer_bytes_),
      in_vectors_(in_buffers_),
      in_control_(in_buffers_),
      in_headers_(in_buffers_),
      outgoing_(kBatch) {
  for (std::size_t i = 0; i < in_buffers_; ++i) {
    in_vectors_[i] = {in_memory_.data() + i * in_buffer_bytes_, in_buffer_bytes_};
    in_headers_[i] = {};
    in_headers_[i].msg_hdr.msg_iov = &in_vectors_[i];
    in_headers_[i].msg_hdr.msg_iovlen = 1;
  }
  for (std::size_t i = 0; i < kBatch; ++i) out_vectors_[i] = {outgoing_[i].data(), 0};
}

UdpSocket::~UdpSocket() { ::close(descriptor_); }

bool UdpSocket::connect(UdpSocket& a, UdpSocket& b) {
  const auto one_way = [](const UdpSocket& from, const UdpSocket& to) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    return ::getsockname(to.descriptor_, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
           ::connect(from.descriptor_, reinterpret_cast<const sockaddr*>(&address), size) == 0;
  };
  return one_way(a, b) && one_way(b, a);
}

std::span<const std::span<const std::byte>> UdpSocket::receive() {
  arrived_.clear();
  if (io_ == Io::kTrains) {
    for (std::size_t i = 0; i < in_buffers_; ++i) {  // the last call has changed the length
      in_headers_[i].msg_hdr.msg_control = in_control_[i].bytes.data();
      in_headers_[i].msg_hdr.msg_controllen = in_control_[i].bytes.size();
    }
  }
  const int taken = ::recvmmsg(descriptor_, in_headers_.data(), static_cast<unsigned>(in_buffers_),
                               MSG_DONTWAIT, nullptr);
  for (int i = 0; i < taken; ++i) {
    mmsghdr& header = in_headers_[static_cast<std::size_t>(i)];
    const std::span bytes(static_cast<const std::byte*>(header.msg_hdr.msg_iov->iov_base),
                          header.msg_len);
    std::size_t each = bytes.size();
    if (io_ == Io::kTrains) {
      const cmsghdr* const note = CMSG_FIRSTHDR(&header.msg_hdr);
      if (note != nullptr && note->cmsg_level == IPPROTO_UDP && note->cmsg_type == UDP_GRO) {
        int size = 0;
        std::memcpy(&size, CMSG_DATA(note), sizeof size);
        if (size > 0) each = static_cast<std::size_t>(size);
      }
    }
    for (std::size_t at = 0; at < bytes.size(); at += each) {
      arrived_.push_back(bytes.subspan(at, std::min(each, bytes.size() - at)));
    }
  }
  return arrived_;
}

void UdpSocket::push(std::size_t bytes) {
  out_vectors_[queued_].iov_len = bytes;
  if (++queued_ == kBatch) flush();
}

/// One header a datagram; how many.
unsigned UdpSocket::queue_each() noexcept {
  for (std::size_t i = 0; i < queued_; ++i) {
    out_headers_[i] = {};
    out_headers_[i].msg_hdr.msg_iov = &out_vectors_[i];
    out_headers_[i].msg_hdr.msg_iovlen = 1;
  }
  return static_cast<unsigned>(queued_);
}

/// One header for each run of datagrams of one size; how many.
unsigned UdpSocket::queue_trains() noexcept {
  unsigned headers = 0;
  for (std::size_t from = 0; from < queued_;) {
    const std::size_t size = out_vectors_[from].iov_len;
    std::size_t count = 1;
    while (from + count < queued_ && out_vectors_[from + count].iov_len == size &&
           (count + 1) * size <= kMaxTrainPayload) {
      ++count;
    }
    mmsghdr& header = out_headers_[headers];
    header = {};
    header.msg_hdr.msg_iov = &out_vectors_[from];
    header.msg_hdr.msg_iovlen = count;
    if (count > 1) {
      header.msg_hdr.msg_control = out_control_[headers].bytes.data();
      header.msg_hdr.msg_controllen = CMSG_SPACE(sizeof(std::uint16_t));
      cmsghdr* const note = CMSG_FIRSTHDR(&header.msg_hdr);
      note->cmsg_level = IPPROTO_UDP;
      note->cmsg_type = UDP_SEGMENT;
      note->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
      const auto segment = static_cast<std::uint16_t>(size);
      std::memcpy(CMSG_DATA(note), &segment, sizeof segment);
    }
    ++headers;
    from += count;
  }
  return headers;
}

void UdpSocket::flush() {
  if (queued_ == 0) return;
  const unsigned headers = io_ == Io::kEach ? queue_each() : queue_trains();
  unsigned sent = 0;
  while (sent < headers) {
    const int taken = ::sendmmsg(descriptor_, &out_headers_[sent], headers - sent, 0);
    if (taken > 0) {
      sent += static_cast<unsigned>(taken);
    } else if (errno != EINTR) {
      break;
    }
  }
  for (; sent < headers; ++sent) lost_ += out_headers_[sent].msg_hdr.msg_iovlen;
  queued_ = 0;
}

}  // namespace bench::baseline
