#!/usr/bin/python3 -B
"""lifetime-kilobytes (LIF-009): the soft limit of octets leads to a rekey with a real peer, and nothing is lost.

    inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1 --- outside --- 192.0.2.2 peer, LAN 10.2.0.1
"""

import os
import sys

from story import claim, same, story
from labkit import tunnel, wait
from labkit.proc import Proc
from traffic import Traffic

KILOBYTES = 64000
SOFT = KILOBYTES * 1024 * 9 // 10


def edit(text):
    head, _, tail = text.partition("proposal ESP-GCM {")
    return head + "proposal ESP-GCM {\n            lifetime-kilobytes %d;" % KILOBYTES + tail


def octets(node):
    """Of the one tunnel, since its SA was made."""
    found = node.ask("show", "security", "ipsec", "security-associations")["ipsec-security-associations"]
    return found[0]["output-bytes"] if len(found) == 1 else 0


def load(lab, rate, amount):
    """So many octets of inner packets."""
    lab.run("inside", "iperf3", "-u", "-c", tunnel.lan(lab), "-b", rate, "-l", "1300", "-n", str(amount * 1300 // 1328))


@story(nodes=1, edit=edit)
def main(lab):
    node = lab.nodes[0]
    tunnel.from_inside(lab)
    first = lab.peer.spis()["esp"]
    left = node.ask("show", "security", "ipsec", "security-associations")["ipsec-security-associations"][0]["sas"][0]
    claim(0 < left["kilobytes-left"] <= KILOBYTES, "the operator sees the lifesize")
    sink = Proc("peer iperf3", os.path.join(lab.folder, "iperf.pid"))
    sink.start(lab.net.inside_of("peer", "iperf3", "-s", "-B", tunnel.lan(lab)), os.path.join(lab.folder, "iperf.out"))
    traffic = Traffic(lab)
    try:
        wait.until(lambda: "5201" in lab.run("peer", "ss", "-ltn"), 5, "iperf3 listens")
        load(lab, "100M", SOFT - (1 << 20))  # fast, and not counted: this machine may lose some of it
        claim(octets(node) < SOFT, "the limit is near")
        traffic.start()
        traffic.wait_received(200)
        load(lab, "6M", 2 << 20)
    finally:
        sink.stop()
    wait.until(lambda: lab.peer.spis()["esp"] != first and len(lab.peer.spis()["esp"]) == 1, 10,
               "one other pair of SAs")
    traffic.wait_received(300)
    traffic.stop()
    said = traffic.report()
    same((said["out"]["lost"], said["in"]["lost"]), (0, 0), "packets lost over the rekey")
    same(len(node.events("child.rekeyed")), 1, "one rekey")
    claim(octets(node) < SOFT, "the count began anew")


sys.exit(main())
