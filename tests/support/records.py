# SPDX-License-Identifier: Apache-2.0
"""DTLS records in captures, and what must be true of their numbers whoever died in between: under one
key no number and no nonce is used twice (RFC 5288 section 3, RFC 6347 section 4.1)."""

import struct
from dataclasses import dataclass, field

from capture import datagrams

HANDSHAKE, APPLICATION_DATA = 22, 23
_SERVER_HELLO = 2
_HEADER = struct.Struct(">BHHHIH")  # type, version, epoch, sequence in two parts, length


@dataclass
class Record:
    source: str       # Ethernet source
    type: int
    epoch: int
    sequence: int
    payload: bytes


def records(path):
    """Every record in a pcap file, in its order."""
    for source, datagram in datagrams(path):
        at = 0
        while at + _HEADER.size <= len(datagram) and 20 <= datagram[at] <= 23:
            kind, _version, epoch, high, low, length = _HEADER.unpack_from(datagram, at)
            at += _HEADER.size
            yield Record(source, kind, epoch, high << 32 | low, datagram[at:at + length])
            at += length


@dataclass
class Numbers:
    """What the numbers of a link's data say."""
    handshakes: int = 0                          # begun in the capture, that came to a ServerHello
    records: int = 0
    restarts: dict = field(default_factory=dict)  # source -> times its numbers began again
    broken: list = field(default_factory=list)    # sentences; empty when all is well


def numbers(path, first_keys_before):
    """Walks over a link's capture, both directions in one file. In each direction numbers of data
    only rise, but begin again once for each new handshake. A sender that used a number twice under
    one key, or old keys after new ones, would fall back once more than there were handshakes.
    first_keys_before: the link had keys when the capture began."""
    found = Numbers()
    hellos, last = set(), {}
    for record in records(path):
        if record.type == HANDSHAKE and record.epoch == 0 and record.payload[0] == _SERVER_HELLO:
            hellos.add(record.payload[14:46])  # its random
            found.handshakes = len(hellos)
        if record.type != APPLICATION_DATA:
            continue
        found.records += 1
        where = f"record {record.sequence} from {record.source}"
        if record.epoch != 1:
            found.broken.append(f"{where} is in epoch {record.epoch}")
        if record.payload[:8] != struct.pack(">Q", record.epoch << 48 | record.sequence):
            found.broken.append(f"{where} has the explicit nonce {record.payload[:8].hex()}")
        before = last.get(record.source)
        if before is None:
            found.restarts[record.source] = 0 if first_keys_before else 1
        elif record.sequence <= before:
            found.restarts[record.source] += 1
            if found.restarts[record.source] > found.handshakes:
                found.broken.append(f"{where} comes after {before}, and no handshake between them")
        last[record.source] = record.sequence
    return found
