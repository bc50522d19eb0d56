#!/usr/bin/python3 -B
"""Both sides behind NATs (NAT-002); ours forwards UDP 500 and 4500 to the node.

    inside --- node0 192.0.2.1 --- .254 near 203.0.113.1 --- 203.0.113.2 far --- 10.55.0.2 peer, LAN 10.2.0.1

The node keeps its own mapping alive when nothing else goes (NAT-004), and as one behind a NAT itself it never
follows the peer to another port (RFC 7296 2.23, NAT-006).
"""

import os
import sys

from story import claim, same, say, story
from capture import Capture, packets
from labkit import nat, tunnel, wait

# timeout: 90

KEEPALIVE_S = 1


def behind(text):
    text = text.replace("address 192.0.2.2;", "address 203.0.113.2; nat-keepalive %d;" % KEEPALIVE_S, 1)
    return text + "routing-options { static { route 0.0.0.0/0 next-hop 192.0.2.254; } }\n"


def is_keepalive(frame):
    return frame[38:40] == b"\0\x09" and frame[42] == 0xFF


def watched(lab, name, act):
    """What the node sends meanwhile: (seconds, is it a keepalive)."""
    capture = Capture(lab, "hub", "public", os.path.join(lab.folder, f"{name}.pcap"), only="udp port 4500")
    capture.start()
    act()
    return [(stamp / 1e9, is_keepalive(frame)) for stamp, frame in packets(capture.stop())
            if bytes(frame[26:30]) == bytes([203, 0, 113, 1])]


def silences(sent):
    """How long the node had been silent before each keepalive."""
    return [stamp - before for (before, _), (stamp, alive) in zip(sent, sent[1:]) if alive]


@story(nodes=1, edit=behind)
def main(lab):
    node = lab.nodes[0]
    lab.net.make_network("public")
    nat.Nat(lab, "near", ("public", "203.0.113.1/24"), "192.0.2.254/24", "outside",
            port_forward="192.0.2.1")
    far = nat.Nat(lab, "far", ("public", "203.0.113.2/24"), "10.55.0.1/24", "behind")
    nat.move_behind(lab, "peer", "behind", "10.55.0.2/24", "10.55.0.1")
    lab.peer.configure(lab.mirror, {"local_addrs": "10.55.0.2", "remote_addrs": "203.0.113.1"})
    lab.run("hub", "ip", "link", "set", "public", "promisc", "on")
    tunnel.from_peer(lab)
    say("pings cross both NATs")
    claim(node.events("nat=local,remote"), "each side is known to be behind a NAT")
    ports = nat.ports_of(node)
    claim(len(ports) == 1 and ports[0] in far.ports(), f"the peer's port is the NAT's: {ports}")

    idle = watched(lab, "idle", lambda: wait.holds(lambda: True, 3.4, "nothing is sent"))
    claim(len(idle) >= 2 and all(alive for _, alive in idle), f"{len(idle)} keepalives in 3.4 idle seconds")
    busy = watched(lab, "busy", lambda: lab.run("inside", "ping", "-c", "15", "-i", "0.2", tunnel.lan(lab)))
    claim(sum(not alive for _, alive in busy) >= 15, f"{len(busy)} packets in 3 seconds of traffic")
    early = [round(s, 2) for s in silences(idle) + silences(busy) if s < 0.8 * KEEPALIVE_S]
    same(early, [], "keepalives although something else went")

    far.rebind()
    nat.received(lab.argv_for("peer", ["ping", "-c", "1", "-W", "1", "-I", tunnel.lan(lab), "10.1.0.2"]))
    same(nat.ports_of(node), ports, "the node, behind a NAT itself, does not follow the peer's port")


sys.exit(main())
