#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/lint/docs_name_what_exists.py ROOT
Files, tests, drop reasons and links that docs/*.md and README.md name are there."""

import os
import re
import sys

root = sys.argv[1]
os.chdir(root)
SHORT = {"reload/": "wire/reload/", "stages/": "dataplane/stages/",
         "links/": "controlplane/links/", "overlay/": "controlplane/overlay/",
         "trust/": "controlplane/trust/", "chord/": "controlplane/topology/chord/",
         "configuration/": "controlplane/configuration/", "enroll/": "controlplane/enroll/",
         "ctl/": "controlplane/ctl/"}
FOLDERS = ("wire/", "config/", "crypto/", "dataplane/", "controlplane/", "tests/", "bench/", "docs/",
           "deploy/", "tools/", *SHORT)

tests = set()
for folder, _, files in os.walk("tests"):
    for name in files:
        if name.endswith("_test.cc"):
            with open(os.path.join(folder, name), encoding="utf-8") as source:
                found = re.findall(r"TEST(?:_F|_P)?\((\w+),\s*(\w+)\)", source.read())
            tests |= {f"{suite}.{test}" for suite, test in found}

documents = ["README.md"] + sorted(
    os.path.join(folder, name) for folder, _, files in os.walk("docs") for name in files
    if name.endswith(".md"))
missing = []
for document in documents:
    with open(document, encoding="utf-8") as file:
        text = file.read()
    for name in re.findall(r"`([^`\s]+)`", text):
        if name.startswith(FOLDERS) and re.fullmatch(r"[\w./-]+", name):
            path = next((long + name[len(short):] for short, long in SHORT.items()
                         if name.startswith(short)), name)
            if not os.path.exists(path):
                missing.append(f"{document}: file {name}")
        elif re.fullmatch(r"[A-Z]\w+\.[A-Z]\w+", name) and name not in tests:
            missing.append(f"{document}: test {name}")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        if not os.path.exists(os.path.join(os.path.dirname(document), target)):
            missing.append(f"{document}: link {target}")
print("\n".join(missing))
sys.exit(1 if missing else 0)
