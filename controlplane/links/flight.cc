// SPDX-License-Identifier: Apache-2.0
#include "controlplane/links/flight.h"

#include <utility>

namespace controlplane::links {

using wire::dtls::RecordCursor;
using wire::dtls::RecordHeader;

bool write_flight(const Flight& flight, const AssociationKeys& keys, Sequences& sequences,
                  std::vector<Bytes>& out) {
  for (const FlightRecord& record : flight) {
    if (record.starts_datagram || out.empty()) out.emplace_back();
    Bytes& datagram = out.back();
    RecordHeader header = record.header;
    header.sequence = sequences[header.epoch]++;
    if (header.epoch != 0) {
      if (!seal_record(keys.aead, keys.write, header, record.plaintext, datagram)) return false;
      continue;
    }
    std::array<std::byte, wire::dtls::kRecordHeaderBytes> bytes;
    wire::dtls::write_record_header(header, bytes);
    datagram.insert(datagram.end(), bytes.begin(), bytes.end());
    datagram.insert(datagram.end(), record.plaintext.begin(), record.plaintext.end());
  }
  return true;
}

std::optional<Flight> read_flight(const std::vector<Bytes>& datagrams,
                                  const AssociationKeys& keys) {
  Flight flight;
  for (const Bytes& datagram : datagrams) {
    RecordCursor records(datagram);
    bool starts = true;
    FlightRecord record;
    while (records.next(record.header)) {
      const auto bytes = std::span<const std::byte>(datagram).subspan(records.offset(),
                                                                      record.header.record_bytes());
      if (record.header.epoch == 0) {
        const auto payload = bytes.subspan(wire::dtls::kRecordHeaderBytes);
        record.plaintext.assign(payload.begin(), payload.end());
      } else {
        auto opened = record.header.epoch == wire::dtls::kDataEpoch
                          ? open_record(keys.aead, keys.write, record.header, bytes)
                          : std::nullopt;
        if (!opened) return std::nullopt;
        record.plaintext = std::move(*opened);
        record.header.length = static_cast<std::uint16_t>(record.plaintext.size());
      }
      record.starts_datagram = std::exchange(starts, false);
      flight.push_back(std::move(record));
    }
    if (!records.error().ok()) return std::nullopt;
  }
  return flight;
}

bool has_protected_record(const std::vector<Bytes>& datagrams) {
  for (const Bytes& datagram : datagrams) {
    RecordCursor records(datagram);
    RecordHeader header;
    while (records.next(header)) {
      if (header.epoch != 0) return true;
    }
  }
  return false;
}

}  // namespace controlplane::links
