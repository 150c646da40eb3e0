# SPDX-License-Identifier: Apache-2.0
"""Captures on veths, and two ways to read them: tshark's dissector, which knows nothing of our
code, and a plain walk over the bytes for questions about thousands of frames."""

import json
import os
import signal
import struct
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

import netns

PING_REQUEST, PING_ANSWER, ERROR = 0x17, 0x18, 0xFFFF


class Capture:
    """dumpcap on one interface of a namespace."""

    def __init__(self, world, namespace, interface, name):
        self.path = world.path(f"{name}.pcap")
        self._process = world.start(
            namespace, f"{name}.dumpcap",
            ["dumpcap", "-q", "-P", "-i", interface, "-B", "32", "-w", self.path])
        deadline = time.monotonic() + 10
        while "File:" not in self._process.tail():
            if not self._process.running() or time.monotonic() > deadline:
                raise RuntimeError(f"dumpcap on {interface}: {self._process.tail()}")
            time.sleep(0.02)

    def stop(self):
        """Ends the capture with everything in the file, and gives the file's path."""
        time.sleep(0.3)  # what is still in the kernel's buffer gets out
        if self._process.running():
            os.kill(self._process.pid, signal.SIGINT)
            self._process.popen.wait(10)
        return self.path


class LinkCapture:
    """Both directions of a link, each where it arrives: what a net_af_packet port sends with
    qdisc_bypass is invisible at its own end."""

    def __init__(self, lab, a, b):
        self._ends = [
            (Capture(lab.world, lab.node(here).namespace, lab.port(here, there)["interface"],
                     f"{there}-{here}"), lab.port(there, here)["mac"])
            for here, there in ((a, b), (b, a))]

    def merge(self):
        """Ends the captures and puts both directions into one pcap file, in the order of time."""
        found = []
        for capture, sender in self._ends:
            found += [(struct.unpack("<II", head[:8]), head + frame)
                      for head, frame in packets(capture.stop()) if frame[6:12].hex(":") == sender]
        found.sort(key=lambda packet: packet[0])
        path = self._ends[0][0].path.replace(".pcap", "-both.pcap")
        with open(self._ends[0][0].path, "rb") as file, open(path, "wb") as merged:
            merged.write(file.read(24))
            merged.writelines(packet for _time, packet in found)
        return path

    def stop(self):
        """Everything tshark saw on the link, in the order of time."""
        frames = [frame for capture, sender in self._ends for frame in tshark(capture.stop())
                  if frame.source == sender]
        return sorted(frames, key=lambda frame: frame.time)


class Body:
    """The fields of a message's body. Those of RELOAD go without their "reload."."""

    def __init__(self, contents=None):
        self._fields = list(contents.iter("field")) if contents is not None else []

    def _of(self, name, attribute):
        return [f.get(attribute) for f in self._fields if f.get("name") in (name, f"reload.{name}")]

    def shown(self, name):
        """As text: numbers, addresses."""
        return self._of(name, "show")

    def raw(self, name):
        """The bytes, in hex."""
        return self._of(name, "value")

    def numbers(self, name):
        return [int(value, 16) for value in self.raw(name)]


@dataclass
class Seen:
    """One frame of a link as tshark reads it."""
    time: float
    source: str                 # Ethernet source
    ack: bool
    sequence: int
    code: int = 0
    ttl: int = -1
    transaction: str = ""
    overlay: str = ""
    via: list = field(default_factory=list)          # hex of each entry's value
    destination: list = field(default_factory=list)
    via_bytes: int = -1                              # lengths of the lists
    destination_bytes: int = -1
    scheme: tuple = ()          # (hash, signature) of the message's Signature
    identity_type: int = -1
    complaints: list = field(default_factory=list)   # what the dissector calls malformed
    body: Body = field(default_factory=Body)


def _entries(reload, list_name):
    found = reload.find(f".//field[@name='{list_name}']")
    entries = []
    for entry in found.findall("field[@name='reload.destination']") if found is not None else []:
        for value in ("reload.forwarding.destination.compressed_id",
                      "reload.destination.data.nodeid"):
            leaf = entry.find(f".//field[@name='{value}']")
            if leaf is not None:
                entries.append(leaf.get("value"))
                break
        else:
            entries.append("?" + "".join(f.get("value", "") for f in entry))
    return entries


def tshark(path, limit=0, keys=None, joined=False):
    """Everything of RELOAD's framing in a capture, as tshark's dissectors decode it; with keys, the
    name of a key log, also what DTLS records hold; joined: fragments as the message they make, where
    the last one was seen."""
    command = ["tshark", "-r", path, "-o", "reload.nodeid_length:16", "-o",
               f"reload.defragment:{str(joined).upper()}", "-Y", "reload-framing", "-T", "pdml"]
    if keys is not None:
        command += ["-o", f"tls.keylog_file:{keys}", "-d", "udp.port==6084,dtls"]
    if limit:
        command += ["-c", str(limit)]
    # tshark wants a home it may read, which a user mapped to root may not have.
    pdml = netns.run(*command, env={**os.environ, "HOME": os.path.dirname(path)})
    frames = []
    for packet in ElementTree.fromstring(pdml).findall("packet"):
        protocols = {p.get("name"): p for p in packet.findall("proto")}
        framing, reload = protocols.get("reload-framing"), protocols.get("reload")
        if framing is None:
            continue

        def value(root, name, default="0"):
            leaf = root.find(f".//field[@name='{name}']") if root is not None else None
            return leaf.get("value") if leaf is not None else default

        seen = Seen(
            time=float(packet.find(".//field[@name='timestamp']").get("value")),
            source=packet.find(".//field[@name='eth.src']").get("show"),
            ack=value(framing, "reload_framing.type") == "81",
            sequence=int(value(framing, "reload_framing.sequence",
                               value(framing, "reload_framing.ack_sequence")), 16))
        seen.complaints = [
            f.get("showname") for f in packet.iter("field")
            if f.get("name") == "_ws.malformed" or
            (f.get("name") == "_ws.expert.severity" and "Error" in (f.get("showname") or ""))]
        if "_ws.malformed" in protocols:
            seen.complaints.append("malformed")
        if reload is not None:
            seen.code = int(value(reload, "reload.message.code"), 16)
            seen.ttl = int(value(reload, "reload.forwarding.ttl"), 16)
            seen.transaction = value(reload, "reload.forwarding.trans_id")
            seen.overlay = value(reload, "reload.forwarding.overlay")
            seen.via_bytes = int(value(reload, "reload.forwarding.via_list.length"), 16)
            seen.destination_bytes = int(
                value(reload, "reload.forwarding.destination_list.length"), 16)
            seen.via = _entries(reload, "reload.forwarding.via_list")
            seen.destination = _entries(reload, "reload.forwarding.destination_list")
            seen.body = Body(reload.find(".//field[@name='reload.message.contents']"))
            signature = reload.find(".//field[@name='reload.security_block']"
                                    "/field[@name='reload.signature']")
            if signature is not None:
                algorithm = signature.find("field[@name='reload.signatureandhashalgorithm']")
                seen.scheme = (int(value(algorithm, "reload.hash_algorithm"), 16),
                               int(value(algorithm, "reload.signature_algorithm"), 16))
                seen.identity_type = int(value(signature, "reload.signature.identity.type"), 16)
        frames.append(seen)
    return frames


def opened_frames(path, keys):
    """Hex of every frame in the DTLS records of a capture, as tshark opens them with a key log."""
    text = netns.run(
        "tshark", "-r", path, "-o", f"tls.keylog_file:{keys}", "-d", "udp.port==6084,dtls", "-Y",
        "reload-framing", "-T", "json", "-x", env={**os.environ, "HOME": os.path.dirname(path)})
    return [packet["_source"]["layers"]["reload-framing_raw"][0] for packet in json.loads(text)]


def fingerprint(contents):
    """FNV-1a, as tests/support/frame_view.cc names contents in the tamperer's log."""
    value = 0xCBF29CE484222325
    for byte in contents:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def packets(path):
    """(packet header, frame) of everything in a pcap file."""
    with open(path, "rb") as file:
        file.read(24)
        while True:
            head = file.read(16)
            if len(head) < 16:
                return
            yield head, file.read(struct.unpack("<IIII", head)[2])


def datagrams(path):
    """(Ethernet source, UDP payload) of every UDP datagram in a pcap file."""
    for _head, frame in packets(path):
        ether_type = frame[12:14]
        if ether_type == b"\x08\x00" and frame[23] == 17:
            udp = 14 + (frame[14] & 15) * 4
        elif ether_type == b"\x86\xdd" and frame[20] == 17:
            udp = 54
        else:
            continue
        length = struct.unpack_from(">H", frame, udp + 4)[0]
        yield frame[6:12].hex(":"), frame[udp + 8:udp + length]


def messages(path):
    """(Ethernet source, message) of every data frame in a pcap file."""
    for source, datagram in datagrams(path):
        if len(datagram) > 8 and datagram[0] == 0x80:
            yield source, datagram[8:]


def contents_of(message):
    """(transaction as hex, MessageContents) of a whole message."""
    via, destination, options = struct.unpack_from(">HHH", message, 32)
    start = 38 + via + destination + options
    body = struct.unpack_from(">I", message, start + 2)[0]
    extensions = struct.unpack_from(">I", message, start + 6 + body)[0]
    return message[20:28].hex(), message[start:start + 10 + body + extensions]
