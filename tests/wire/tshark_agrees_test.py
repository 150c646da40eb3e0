#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tshark_agrees_test.py CAPTURE_FOR_TSHARK

tshark's RELOAD dissector, which knows nothing of our code, reads our frames as we meant them.
Exit status 77 (skipped) when tshark is not installed.
"""

import shutil
import subprocess
import sys
import tempfile
import unittest

WRITER = sys.argv.pop(1)

REQUEST, ANSWER, ERROR, ACK, FIRST_FRAGMENT = 1, 2, 3, 4, 5
NODE = "10101010101010101010101010101"


def tshark(capture, *arguments):
    command = ["tshark", "-r", capture, "-o", "reload.nodeid_length:16",
               "-d", "udp.port==6084,reload-framing", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


class TsharkAgrees(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.file = tempfile.NamedTemporaryFile(suffix=".pcap")
        cls.file.write(subprocess.run([WRITER], capture_output=True, check=True).stdout)
        cls.file.flush()
        cls.capture = cls.file.name

    @classmethod
    def tearDownClass(cls):
        cls.file.close()

    def fields(self, packet, *names):
        """The values of the fields in one packet, each a list."""
        arguments = ["-Y", f"frame.number=={packet}", "-T", "fields", "-E", "separator=|"]
        for name in names:
            arguments += ["-e", name]
        values = tshark(self.capture, *arguments).rstrip("\n").split("|")
        self.assertEqual(len(values), len(names))
        return {name: value.split(",") if value else []
                for name, value in zip(names, values)}

    def expect(self, packet, **expected):
        """Field names have dots where Python has double underscores; reload. is left out."""
        names = {("reload." + key.replace("__", ".")): value for key, value in expected.items()}
        found = self.fields(packet, *names)
        for name, value in names.items():
            self.assertEqual(found[name], value, f"{name} in packet {packet}")

    def test_no_packet_is_malformed(self):
        self.assertEqual(tshark(self.capture, "-Y", "_ws.malformed || _ws.expert.severity >= 8388608"),
                         "")

    def test_frames_carry_type_and_sequence_number(self):  # C-02, C-03
        found = self.fields(REQUEST, "reload_framing.type", "reload_framing.sequence")
        self.assertEqual(found, {"reload_framing.type": ["128"], "reload_framing.sequence": ["41"]})
        found = self.fields(ACK, "reload_framing.type", "reload_framing.ack_sequence",
                            "reload_framing.received")
        self.assertEqual(found, {"reload_framing.type": ["129"],
                                 "reload_framing.ack_sequence": ["41"],
                                 "reload_framing.received": ["0x80000006"]})

    def test_header_fields_of_a_request(self):  # A-14 to A-24, A-15's vector
        self.expect(REQUEST, forwarding__token=["0xd2454c4f"], forwarding__overlay=["0x65b0781f"],
                    forwarding__configuration_sequence=["7"], forwarding__version=["0x0a"],
                    forwarding__ttl=["98"], forwarding__fragment=["0xc0000000"],
                    forwarding__fragment__last=["1"], forwarding__fragment__offset=["0"],
                    forwarding__trans_id=["0x1122334455667788"],
                    forwarding__max_response_length=["4000"],
                    forwarding__via_list__length=["20"],
                    forwarding__destination_list__length=["18"],
                    forwarding__options__length=["6"])

    def test_lists_hold_nodes_and_compact_ids_in_their_order(self):
        self.expect(REQUEST, destination__data__nodeid=[NODE + "001", NODE + "007"],
                    forwarding__destination__compressed_id=["0x9002"])
        self.expect(ANSWER, destination__data__nodeid=[NODE + "003", NODE + "001"],
                    forwarding__via_list__length=["0"])

    def test_options_carry_their_flags(self):
        self.expect(REQUEST, forwarding__option__type=["33"], forwarding__option__flags=["0x04"],
                    forwarding__option__flag__response_copy=["1"],
                    forwarding__option__flags__forward_critical=["0"])

    def test_contents_are_those_of_ping_and_error(self):
        self.expect(REQUEST, message__code=["23"])
        self.expect(ANSWER, message__code=["24"], ping__response_id=["72623859790382856"])
        self.expect(ERROR, message__code=["65535"], error_response__code=["10"])
        self.assertIn("too far", tshark(self.capture, "-Y", f"frame.number=={ERROR}", "-V"))

    def test_signatures_name_their_algorithm_and_signer(self):  # E-04
        for packet, algorithm, identity in ((REQUEST, ("4", "1"), "1"), (ANSWER, ("8", "7"), "2"),
                                            (ERROR, ("4", "3"), "1")):
            self.expect(packet, hash_algorithm=[algorithm[0]], signature_algorithm=[algorithm[1]],
                        signature__identity__type=[identity],
                        signeridentityvalue__hash_alg=["4"])

    def test_fragments_are_joined_into_the_whole_message(self):  # D-03 to D-11
        pieces = range(FIRST_FRAGMENT, FIRST_FRAGMENT + 3)
        offsets = [int(self.fields(n, "reload.forwarding.fragment.offset")
                       ["reload.forwarding.fragment.offset"][0]) for n in pieces]
        self.assertEqual(offsets[0], 0)
        self.assertEqual(offsets, sorted(offsets))
        self.expect(pieces[-1], forwarding__fragment__last=["1"], message__code=["23"],
                    signature_algorithm=["7"])


if __name__ == "__main__":
    if shutil.which("tshark") is None:
        print("skipped: tshark is not installed (tools/deps installs it)")
        sys.exit(77)
    unittest.main(verbosity=2)
