#!/usr/bin/python3 -B
"""The traffic tool tells what a network did: whole, and with a hole that is made on purpose.

    inside: pulse 127.0.0.1:7001 <--- lo ---> pulse 127.0.0.1:7002
"""

import os
import sys
import time

from story import claim, same, story
from labkit import wait
from labkit.node import find_binary
from labkit.proc import Proc
from traffic import measure, read, stop_all

ENDS = {7001: 7002, 7002: 7001}
HOLE_MS = 150


def rows(path):
    return os.path.getsize(path) // 24 if os.path.exists(path) else 0


@story(nodes=1, start=False)
def main(lab):
    program = find_binary(lab.build, "pulse")
    logs = {port: os.path.join(lab.folder, f"{port}.rows") for port in ENDS}
    procs = {port: Proc(f"pulse {port}", logs[port] + ".pid") for port in ENDS}
    for port, other in ENDS.items():
        argv = [program, "--bind", f"127.0.0.1:{port}", "--to", f"127.0.0.1:{other}", "--log", logs[port]]
        procs[port].start(lab.argv_for("inside", argv), logs[port] + ".out")

    def flow(more):
        goal = {port: rows(path) + more for port, path in logs.items()}
        wait.until(lambda: all(rows(logs[port]) >= goal[port] for port in goal), 20, f"{more} datagrams")

    flow(1000)
    whole = time.time_ns()
    lab.run("inside", "nft", "-f", "-", input="table inet hole {\n\tchain input {\n"
            "\t\ttype filter hook input priority 0\n\t\tudp dport 7002 drop\n\t}\n}\n")
    wait.holds(lambda: True, HOLE_MS / 1000, "the hole")
    lab.run("inside", "nft", "delete", "table", "inet", "hole")
    flow(1000)
    stop_all(procs.values())
    (at_7001, sent_7001), (at_7002, sent_7002) = read(logs[7001]), read(logs[7002])
    same(measure(at_7001, sent_7002)["lost"], 0, "lost on the way without a hole")
    before = measure(at_7002, sent_7001, 0, whole)
    same(before["lost"], 0, "lost before the hole")
    after = measure(at_7002, sent_7001, whole)
    claim(after["lost"] >= HOLE_MS * 0.9, f"lost in the hole: {after['lost']}")
    claim(abs(after["gap_ms"] - after["lost"]) < 50, f"its length: {after['gap_ms']} ms")


sys.exit(main())
