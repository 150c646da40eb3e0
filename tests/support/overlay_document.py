# SPDX-License-Identifier: Apache-2.0
"""The configuration document of a laboratory, with its CA as root and one of its nodes as signer:

    document = OverlayDocument(lab, signer=lab.nodes[0])
    for node in lab.nodes:
        document.give(node)                    # overlay.document of its node.toml
    path = document.write(2, bad_nodes=[node])  # sequence 2, signed
"""

import os
import re
import shutil

import netns
from lab import CTL


class OverlayDocument:
    def __init__(self, lab, signer, *more):
        """more: elements to add, as XML."""
        self.lab, self.signer = lab, signer
        self.directory = os.path.join(lab.directory, "configuration")
        self.ctl("init", self.directory, "--overlay", lab.overlay)
        with open(os.path.join(self.directory, "overlay.relo"), encoding="utf-8") as file:
            text = file.read()
        with open(os.path.join(lab.directory, "ca.pem"), encoding="utf-8") as file:
            root = re.sub(r"-----.*-----\n", "", file.read())
        text = re.sub(r"(<root-cert>\n)[^<]*", rf"\g<1>{root}", text)
        text = re.sub(r"(<(?:configuration|kind)-signer>)[0-9a-f]*", rf"\g<1>{signer.id}", text)
        self.text = text.replace("  </configuration>", "".join(f"    {line}\n" for line in more) +
                                 "  </configuration>")
        self.first = self.write(1)

    def ctl(self, *arguments):
        netns.run(self.lab.program(CTL), "overlay", *arguments)

    def write(self, sequence, bad_nodes=(), signer=None):
        """Signs a document of this sequence; its path."""
        path = os.path.join(self.directory, f"{sequence}.relo")
        bad = "".join(f"    <bad-node>{node.id}</bad-node>\n" for node in bad_nodes)
        text = re.sub(r'sequence="\d+"', f'sequence="{sequence}"', self.text)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("  </configuration>", bad + "  </configuration>"))
        home = os.path.dirname((signer or self.signer).config)
        self.ctl("sign", path, "--certificate", os.path.join(home, "node.pem"),
                 "--key", os.path.join(home, "node-key.pem"))
        return path

    def give(self, node):
        """A copy of the first document, which the node may replace."""
        shutil.copy(self.first, os.path.join(os.path.dirname(node.config), "overlay.relo"))
        node.set("overlay", "document", '"overlay.relo"')
