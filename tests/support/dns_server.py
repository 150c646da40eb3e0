# SPDX-License-Identifier: Apache-2.0
"""A DNS server on loopback for scenarios: UDP, one question a message, records of a table."""

import socket
import struct
import threading

A, AAAA, SRV = 1, 28, 33
_IN = 1
_NAME_ERROR = 3
_POINTER_TO_QUESTION = b"\xc0\x0c"


def encode_name(name):
    labels = [label.encode() for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def address(text):
    """An A record."""
    return A, socket.inet_aton(text)


def service(priority, weight, port, target):
    """An SRV record; target "." says that there is no such service."""
    return SRV, struct.pack("!HHH", priority, weight, port) + encode_name(target)


class DnsServer:
    """Answers from `records`, a dict from names in lower case to lists of records. Change it at any
    time. `questions` has what was asked. Names that are not there do not exist."""

    def __init__(self, records=None, host="127.0.0.1"):
        self.records = records or {}
        self.questions = []
        self.garbage = False  # answer by what is no DNS message, under a header that fits
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        port = self._socket.getsockname()[1]
        self.place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._socket.close()

    def _serve(self):
        while True:
            try:
                message, source = self._socket.recvfrom(4096)
            except OSError:
                return
            self._socket.sendto(self._answer(message), source)

    def _answer(self, message):
        at, labels = 12, []
        while message[at]:
            labels.append(message[at + 1:at + 1 + message[at]].decode())
            at += 1 + message[at]
        kind, = struct.unpack_from("!H", message, at + 1)
        question = message[12:at + 5]
        name = ".".join(labels).lower()
        self.questions.append((name, kind))
        known = self.records.get(name)
        found = [data for of, data in known or [] if of == kind]
        flags = 0x8180 | (0 if known is not None else _NAME_ERROR)  # an answer, recursion done
        header = message[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0)
        if self.garbage:
            return message[:2] + struct.pack("!HHHHH", 0x8180, 1, 1, 0, 0) + question + b"\xc0\xff\0"
        records = (_POINTER_TO_QUESTION + struct.pack("!HHIH", kind, _IN, 60, len(data)) + data
                   for data in found)
        return header + question + b"".join(records)
