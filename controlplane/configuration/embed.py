#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed.py GRAMMAR HEADER: writes the grammar as a string that C++ can include."""

import sys

with open(sys.argv[1], encoding="utf-8") as grammar, open(sys.argv[2], "w", encoding="utf-8") as header:
    header.write("// Written by embed.py from configuration.rng.\n#pragma once\n\n"
                 "namespace controlplane::configuration {\ninline constexpr char kGrammar[] =\n")
    for line in grammar:
        text = line.rstrip("\n").replace("\\", "\\\\").replace('"', '\\"')
        header.write(f'    "{text}\\n"\n')
    header.write("    ;\n}  // namespace controlplane::configuration\n")
