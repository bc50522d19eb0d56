#!/usr/bin/python3 -B
"""A strongSwan peer brings the tunnel up; pings and TCP cross it, encrypted, through the DPDK dataplane.

    inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1 --- outside --- 192.0.2.2 peer, LAN 10.2.0.1
"""

import json
import os
import re
import subprocess
import sys

from story import claim, same, say, story
from capture import Capture
from labkit import tunnel, wait


def iperf(lab, reverse):
    """Megabits a second of TCP between the inside host and the peer's network."""
    target = tunnel.lan(lab)
    server = subprocess.Popen(lab.argv_for("peer", ["iperf3", "-s", "-1", "-B", target]),
                              stdout=subprocess.DEVNULL)
    wait.until(lambda: ":5201" in lab.run("peer", "ss", "-ltn"), 5, "iperf3 listens")
    words = ["iperf3", "-c", target, "-t", "3", "-J"] + (["-R"] if reverse else [])
    said = json.loads(lab.run("inside", *words))
    server.wait(10)
    return said["end"]["sum_received"]["bits_per_second"] / 1e6


def hex_spis(listed):
    """SPIs of `show security ipsec security-associations`: {"<": inbound, ">": outbound}."""
    rows = [line.split() for line in listed.splitlines() if line.strip()[:1] in "<>" and line.strip()]
    return {row[0][0]: row[2] for row in rows}


def bad_packets(node):
    """Every counter of ESP packets that were not as they should be, when it is not 0."""
    text = json.dumps(node.ask("show", "security", "ipsec", "statistics"))
    return [row for row in re.findall(r'"(drop\.esp\.[\w.-]+)": ([1-9]\d*)', text)]


@story(nodes=1)
def main(lab):
    node = lab.nodes[0]
    outside = Capture(lab, "peer", "eth0", os.path.join(lab.folder, "peer.pcap"))
    outside.start()
    tunnel.from_peer(lab)
    say("pings cross")
    (ours_in, ours_out), = lab.peer.spis()["esp"]
    listed = hex_spis(node.tandem("show", "security", "ipsec", "security-associations"))
    same(listed, {"<": ours_out, ">": ours_in}, "both sides name the same SPIs")
    ike = node.tandem("show", "security", "ike", "security-associations")
    claim(" UP " in ike and "192.0.2.2" in ike, "the IKE SA is listed as UP")
    for name, reverse in (("out", False), ("in", True)):
        rate = iperf(lab, reverse)
        say(f"TCP {name}: {rate:.0f} Mbit/s")
        claim(rate > 10, f"TCP flows {name}")
    same(bad_packets(node), [], "ESP packets counted as bad")
    outside.stop()
    found = outside.analyse()
    same(found["ike"]["IKE_SA_INIT"]["by"], {"192.0.2.2": 1}, "one IKE_SA_INIT, from the peer")
    claim(sum(row["packets"] for row in found["esp"].values()) > 1000, "what crossed was ESP")


sys.exit(main())
