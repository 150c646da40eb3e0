// SPDX-License-Identifier: Apache-2.0
#include "controlplane/links/established.h"

#include <utility>

#include "wire/dtls/client_hello.h"

namespace controlplane::links {

using wire::dtls::ContentType;
using wire::dtls::RecordCursor;
using wire::dtls::RecordHeader;

namespace {

constexpr std::size_t kAlertBytes = 2;
constexpr std::byte kFatal{2};
constexpr std::byte kCloseNotify{0};

}  // namespace

Established::Established(std::uint32_t number, Role role, Agreed agreed, std::uint64_t now_ns)
    : number_(number), role_(role), agreed_(std::move(agreed)), since_ns_(now_ns) {}

Established Established::adopted(std::uint32_t number, std::uint64_t now_ns) {
  Established made(number, Role::kClient, {}, now_ns);
  made.adopted_ = true;
  return made;
}

Established::Heard Established::hear(std::span<const std::byte> datagram) {
  if (adopted_) return Heard::kNothing;
  RecordCursor records(datagram);
  RecordHeader header;
  while (records.next(header)) {
    if (header.epoch != wire::dtls::kDataEpoch) continue;
    const auto plaintext = open_record(agreed_.keys.aead, agreed_.keys.read, header,
                                       datagram.subspan(records.offset(), header.record_bytes()));
    // A datagram has one sender and one association: what is not ours here is not ours behind.
    return plaintext ? understand(header, *plaintext) : Heard::kNothing;
  }
  return Heard::kNothing;
}

Established::Heard Established::understand(const RecordHeader& header,
                                           std::span<const std::byte> plaintext) {
  if (header.type == ContentType::kAlert && plaintext.size() == kAlertBytes) {
    if (plaintext[1] == kCloseNotify) return Heard::kClosed;
    if (plaintext[0] != kFatal) return Heard::kOurs;
    alert_ = std::to_integer<int>(plaintext[1]);
    return Heard::kFatalAlert;
  }
  // Anything but Finished would be a renegotiation, which gets no answer.
  if (header.type == ContentType::kHandshake && !plaintext.empty() &&
      plaintext[0] == static_cast<std::byte>(wire::dtls::HandshakeType::kFinished) &&
      header.sequence > newest_finished_) {
    newest_finished_ = header.sequence;
    return Heard::kFinishedAgain;
  }
  return Heard::kOurs;
}

void Established::describe(wire::shm::AssociationRecord& record) const {
  record.aead = agreed_.keys.aead;
  record.association = number_;
  record.write_sequence = agreed_.sequences[wire::dtls::kDataEpoch];
  record.write = agreed_.keys.write;
  record.read = agreed_.keys.read;
}

void Established::repeat_final_flight(std::vector<Bytes>& datagrams,
                                      std::vector<FlightRecord>& records) {
  Flight clear;
  for (const FlightRecord& record : agreed_.final_flight) {
    (record.header.epoch == 0 ? clear : records).push_back(record);
  }
  // In clear, so nothing is sealed and nothing can fail.
  (void)write_flight(clear, agreed_.keys, agreed_.sequences, datagrams);
}

}  // namespace controlplane::links
