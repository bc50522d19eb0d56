#!/usr/bin/python3 -B
"""docs/ikev2.md against `tandem statements`: no statement without a row, no row without a statement; what has no
effect, and what is not in Junos, is said so in both.

    statements_doc.py TANDEM docs/ikev2.md
"""

import re
import subprocess
import sys

PARTS = ("ike", "ipsec", "pki")
# Their rows speak for themselves only: each statement inside has one of its own.
LISTS = ("ike proposal", "ike policy", "ike gateway", "ipsec proposal", "ipsec policy", "ipsec vpn", "pki ca-profile")


def statements(tandem):
    """{path: help}, of `security ike proposal * dh-group (...)` "ike proposal dh-group"."""
    lines = subprocess.run([tandem, "statements"], check=True, capture_output=True, text=True).stdout.splitlines()
    found = {}
    for line, text in zip(lines[::2], lines[1::2]):
        words = re.split(r" \(|, default", line)[0].split()
        if words[0] == "security" and words[1] in PARTS:
            found[" ".join(w for w in words[1:] if w not in ("*", "<name>"))] = text
    return found


def rows(doc):
    """{path: (effect, limits)}"""
    found = {}
    for line in open(doc, encoding="utf-8"):
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("| `") and len(cells) == 3:
            for path in re.findall(r"`([^`]+)`", cells[0]):
                found[path] = (cells[1], cells[2].rstrip("| "))
    return found


def row_of(path, table):
    """The most telling row."""
    words = path.split()
    for n in range(len(words), 0, -1):
        if " ".join(words[:n]) in table:
            return " ".join(words[:n])
    return None


def main(tandem, doc):
    known, table, complaints = statements(tandem), rows(doc), []
    below = {path: [] for path in table}
    for path in known:
        row = row_of(path, table)
        if row is None or (row in LISTS and row != path):
            complaints.append(f"no row for: {path}")
        else:
            below[row].append(path)
    for row, paths in below.items():
        effect = table[row][0]
        later = any("no effect in this release" in known[path] for path in paths)
        own = any("not in Junos" in known[path] for path in paths)
        if not paths:
            complaints.append(f"no statement for the row: {row}")
        elif later != effect.startswith("**none**"):
            complaints.append(f"{row}: the row says '{effect}', the statement {'none' if later else 'more'}")
        elif own and "*own*" not in table[row][1]:
            complaints.append(f"{row}: the row does not say that it is *own*")
    for line in complaints:
        print(f"{doc}: {line} (change the row)")
    print(f"{len(known)} statements, {len(table)} paths in rows")
    return 1 if complaints or len(known) < 100 else 0


sys.exit(main(*sys.argv[1:]))
