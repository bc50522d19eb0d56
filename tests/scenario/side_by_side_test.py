#!/usr/bin/python3 -B
"""Two labs at once, same addresses, same ports: each has its own tunnel, and one goes without the other.

    twice:  inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1 --- outside --- 192.0.2.2 peer, LAN 10.2.0.1
"""

import sys

from story import claim, lab_name, story
from labkit import tunnel
from labkit.world import Lab


@story(nodes=1)
def main(lab):
    other = Lab(lab_name() + "b")
    try:
        other.up(nodes=1)
        tunnel.from_peer(lab)
        tunnel.from_peer(other)
        claim(lab.peer.spis() != other.peer.spis(), "two labs, two tunnels")
    finally:
        other.down()
    tunnel.ping(lab)
    claim(True, "the first lab outlived the second")


sys.exit(main())
