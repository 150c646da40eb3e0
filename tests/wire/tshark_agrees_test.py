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
# The messages of methods() in capture_for_tshark.cc, in their order, behind three fragments.
METHODS = ["join_req", "join_ans", "leave_req_from_succ", "leave_req_from_pred", "leave_ans",
           "update_req_peer_ready", "update_req_neighbors", "update_req_full", "update_ans",
           "route_query_req_node", "route_query_req_resource", "route_query_ans", "probe_req",
           "probe_ans", "attach_req", "attach_ans", "app_attach_req", "app_attach_ans",
           "config_update_req_config", "config_update_req_kinds", "config_update_ans"]
CODES = {"join": 15, "leave": 17, "update": 19, "route_query": 21, "probe": 1, "attach": 3,
         "app_attach": 29, "config_update": 33}


def packet_of(method):
    return FIRST_FRAGMENT + 3 + METHODS.index(method)


def tshark(capture, *arguments):
    command = ["tshark", "-r", capture, "-o", "reload.nodeid_length:16",
               "-d", "udp.port==6084,reload-framing", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


class Capture(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.file = tempfile.NamedTemporaryFile(suffix=".pcap")
        cls.file.write(subprocess.run([WRITER], capture_output=True, check=True).stdout)
        cls.file.flush()
        cls.capture = cls.file.name

    @classmethod
    def tearDownClass(cls):
        cls.file.close()


class TsharkAgrees(Capture):
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


class TsharkAgreesOnMethods(Capture):
    """The bodies of topology and link methods. tshark starts slowly, so it is asked twice for all."""

    FIELDS = ["reload." + name for name in (
        "message.code", "nodeid", "joinreq.joining_peer_id", "leavereq.leaving_peer_id",
        "chordleavedata.type", "chordupdate.type", "uptime", "sendupdate",
        "destination.data.nodeid", "forwarding.destination.type", "chordroutequeryans.nodeid",
        "probe_information.type", "responsible_set", "num_resources", "opaque.string",
        "ipaddressport.type", "ipv4addr", "port", "overlaylink.type", "icecandidate.type",
        "application", "configupdatereq.type")]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        arguments = ["-T", "fields", "-E", "separator=|"]
        for name in cls.FIELDS:
            arguments += ["-e", name]
        cls.values = tshark(cls.capture, *arguments).splitlines()
        cls.details = tshark(cls.capture, "-V").split("\nFrame ")

    def expect_method(self, method, **expected):
        """As TsharkAgrees.expect."""
        values = self.values[packet_of(method) - 1].split("|")
        for key, value in expected.items():
            name = "reload." + key.replace("__", ".")
            found = values[self.FIELDS.index(name)]
            self.assertEqual(found.split(",") if found else [], value, f"{name} of {method}")

    def text_of(self, method):
        """The lines of a packet's details, without their indentation."""
        return [line.strip() for line in self.details[packet_of(method) - 1].splitlines()]

    def test_every_method_has_its_code(self):
        for method in METHODS:
            name, _, rest = method.partition("_req")
            is_answer = not rest and name.endswith("_ans")
            code = CODES[name.removesuffix("_ans")] + (1 if is_answer else 0)
            self.expect_method(method, message__code=[str(code)])

    def test_join_and_its_answer(self):
        self.expect_method("join_req", joinreq__joining_peer_id=[NODE + "005"])
        self.assertIn("message_body (JoinReq<18>)", self.text_of("join_req"))
        self.assertIn("message_body (JoinAns<2>)", self.text_of("join_ans"))

    def test_leave_hands_over_the_list_of_its_side(self):
        self.expect_method("leave_req_from_succ", leavereq__leaving_peer_id=[NODE + "005"],
                           chordleavedata__type=["1"], nodeid=[NODE + "011", NODE + "012"])
        self.expect_method("leave_req_from_pred", leavereq__leaving_peer_id=[NODE + "005"],
                           chordleavedata__type=["2"], nodeid=[NODE + "013"])
        for method, shown in (("leave_req_from_succ", "successors (NodeId<32>):2 elements"),
                              ("leave_req_from_pred", "predecessors (NodeId<16>):1 elements"),
                              ("leave_ans", "message_body (LeaveAns<0>)")):
            self.assertIn(shown, self.text_of(method))

    def test_updates_have_uptime_and_the_lists_of_their_type(self):  # A-59, I-48
        for method, kind, nodes in (("peer_ready", "1", []),
                                    ("neighbors", "2", ["004", "006", "007"]),
                                    ("full", "3", ["004", "006", "040", "080"])):
            self.expect_method("update_req_" + method, chordupdate__type=[kind], uptime=["3600"],
                               nodeid=[NODE + node for node in nodes])
        lists = [line for line in self.text_of("update_req_full") if "NodeId<" in line]
        self.assertEqual(lists, ["predecessors (NodeId<16>):1 elements",
                                 "successors (NodeId<16>):1 elements",
                                 "fingers (NodeId<32>):2 elements"])
        self.assertIn("message_body (UpdateAns<0>)", self.text_of("update_ans"))

    def test_route_queries_name_a_destination_and_a_next_peer(self):  # A-43, I-62
        # The last destination is the body's; the one before it is that of the message.
        self.expect_method("route_query_req_node", sendupdate=["1"],
                           destination__data__nodeid=[NODE + "077", NODE + "021"])
        self.expect_method("route_query_req_resource", sendupdate=["0"],
                           forwarding__destination__type=["0x01", "0x02"])
        self.assertIn("data (bytes): " + "ab" * 16, self.text_of("route_query_req_resource"))
        self.expect_method("route_query_ans", chordroutequeryans__nodeid=[NODE + "022"])

    def test_probes_ask_and_answer_in_one_order(self):  # A-44, I-12, I-13
        self.expect_method("probe_req", probe_information__type=["0x03", "0x01", "0x02"])
        self.expect_method("probe_ans", probe_information__type=["0x03", "0x01", "0x02"], uptime=["3600"],
                           responsible_set=["0x0ee6b280"], num_resources=["17"])

    def test_attach_carries_candidates(self):  # G-03, G-07, X-21
        # tshark 4.0 takes a candidate's first four bytes, which are its address, for its priority.
        # That the type behind it is right shows that it is four bytes long.
        self.expect_method("attach_req", opaque__string=["passive", "f1", "f1"], sendupdate=["1"],
                           ipaddressport__type=["0x01", "0x02"], ipv4addr=["192.0.2.1"],
                           port=["6084", "6084"], overlaylink__type=["3", "4"],
                           icecandidate__type=["1", "1"])
        self.expect_method("attach_ans", sendupdate=["0"],
                           opaque__string=["8hhY", "asd88fgpdd777uzjYhagZg", "active", "f1", "f1"])
        self.expect_ice_candidates("attach_ans")

    def expect_ice_candidates(self, method):  # G-06
        self.expect_method(method, overlaylink__type=["1", "1"], icecandidate__type=["2", "4"],
                           ipaddressport__type=["0x01", "0x01", "0x02", "0x02"],
                           port=["6084", "7000", "6084", "8000"])
        text = self.text_of(method)
        self.assertIn("rel_addr_port (IpAddressPort): IPV4 (192.0.2.1:7000)", text)
        self.assertIn("extensions (IceExtensions<13>): 1 elements", text)
        self.assertIn("data (bytes): " + b"nomade".hex(), text)
        self.assertIn("data (bytes): " + b"yes".hex(), text)

    def test_app_attach_names_its_application(self):
        for method, role in (("app_attach_req", "passive"), ("app_attach_ans", "active")):
            self.expect_method(method, application=["5060"], sendupdate=[],
                               opaque__string=["8hhY", "asd88fgpdd777uzjYhagZg", role, "f1", "f1"])
            self.expect_ice_candidates(method)

    def test_config_updates_carry_documents_and_kinds(self):
        self.expect_method("config_update_req_config", configupdatereq__type=["1"])
        text = self.text_of("config_update_req_config")
        self.assertIn("length (uint24): 10", text)
        self.assertIn("<overlay/>", text)
        self.expect_method("config_update_req_kinds", configupdatereq__type=["2"])
        text = self.text_of("config_update_req_kinds")
        self.assertIn("kinds (KindDescription<18>): 2 elements", text)
        self.assertEqual(text.count("<kind/>"), 2)
        self.assertIn("message_body (ConfigUpdateAns<0>)", self.text_of("config_update_ans"))


if __name__ == "__main__":
    if shutil.which("tshark") is None:
        print("skipped: tshark is not installed (tools/deps installs it)")
        sys.exit(77)
    unittest.main(verbosity=2)
