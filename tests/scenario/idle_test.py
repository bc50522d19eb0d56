#!/usr/bin/python3 -B
"""An idle pair with its peer, Corosync included, uses less than a fifth of one core over 30 s.

                                 +-- node0 --+
    inside 10.1.0.2 --- inside --+           +-- outside --- 192.0.2.2 peer, LAN 10.2.0.1
      (reth1 10.1.0.1)           +-- node1 --+   (reth0 192.0.2.1)
                              cluster and fabric between the nodes
"""

import os
import sys

from story import claim, say, story
from labkit import failover, tunnel, wait
from labkit.net import run

SPAN_S = 30
MOST = 0.20
TRIES = 3
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(lab):
    """Of all processes in the lab's namespaces, by pid."""
    used = {}
    for host in lab.hosts():
        for pid in run("ip", "netns", "pids", lab.net.ns(host)).split():
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
                    name, fields = stat.read().split("(", 1)[1].rsplit(")", 1)
            except FileNotFoundError:
                continue
            words = fields.split()
            used[pid] = (f"{host} {name}", (int(words[11]) + int(words[12])) / TICKS)
    return used


def shares_of(lab):
    """Of one core, by process, while nothing happens."""
    before = cpu_seconds(lab)
    wait.holds(lambda: lab.nodes[0].procs["dataplane"].alive(), SPAN_S, "the dataplane runs")
    after = cpu_seconds(lab)
    shares = {pid: (after[pid][1] - before[pid][1]) / SPAN_S for pid in before if pid in after}
    for pid, share in sorted(shares.items(), key=lambda row: -row[1]):
        say(f"{100 * share:5.1f} %  {before[pid][0]}")
    claim(len(shares) >= 7, f"{len(shares)} processes were watched")
    return sum(shares.values())


@story(nodes=2, workers=2)
def main(lab):
    failover.wait_synced(lab)
    tunnel.from_peer(lab)
    total = shares_of(lab)
    for _ in range(TRIES - 1):  # the same work takes longer on a core that has neighbours
        if total >= MOST:
            say(f"{100 * total:.1f} % of one core; once more")
            total = shares_of(lab)
    claim(total < MOST, f"{100 * total:.1f} % of one core")


sys.exit(main())
