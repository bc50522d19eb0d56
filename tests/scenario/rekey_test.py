#!/usr/bin/python3 -B
"""Child and IKE SAs are rekeyed under traffic, from both sides; nothing is lost, nothing repeats.

    inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1 --- outside --- 192.0.2.2 peer, LAN 10.2.0.1
"""

import os
import sys

from story import claim, same, say, story
from capture import Capture, repeats
from labkit import tunnel, wait
from traffic import Traffic


def renewed(lab, kind, act, who):
    """act() leads to another SA of this kind, and only one is left."""
    before = lab.peer.spis()[kind]
    act()
    wait.until(lambda: lab.peer.spis()[kind] != before and len(lab.peer.spis()[kind]) == 1, 10,
               f"one new {kind} SA")
    say(f"{kind} rekeyed by {who}")


@story(nodes=1, workers=2)
def main(lab):
    node = lab.nodes[0]
    tunnel.from_peer(lab)
    hub = Capture(lab, "peer", "eth0", os.path.join(lab.folder, "peer.pcap"))
    hub.start()
    traffic = Traffic(lab)
    traffic.start()
    traffic.wait_received(500)
    acts = ((lab.peer.rekey_ike, "ike", "the peer"),
            (lambda: lab.peer.rekey_child("LAN"), "esp", "the peer"),
            (lambda: node.tandem("request", "security", "ipsec", "rekey"), "esp", "us"),
            (lambda: node.tandem("request", "security", "ike", "rekey"), "ike", "us"))
    for _ in range(2):
        for act, kind, who in acts:
            renewed(lab, kind, act, who)
            traffic.wait_received(500)
    # a peer that answered a rekey sends on the new SA only when the old one is deleted
    wait.until(lambda: len(node.events("child.down")) == 4, 10, "four old children deleted")
    traffic.wait_received(500)
    traffic.stop()
    hub.stop()
    said, found = traffic.report(), hub.analyse()
    same((said["out"]["lost"], said["in"]["lost"]), (0, 0), "packets lost over eight rekeys")
    packets, sequences, ivs = repeats(found)
    same((sequences, ivs), (0, 0), f"repeated sequence numbers and IVs in {packets} packets")
    claim(len(found["esp"]) >= 10, "five generations of SAs in each direction were seen")
    same(found["ike"]["IKE_SA_INIT"]["requests"], 0, "IKE_SA_INIT since the start of traffic")


sys.exit(main())
