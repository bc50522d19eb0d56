#!/usr/bin/python3 -B
"""`establish-tunnels immediately`: the tunnel is there without a packet, and again after the peer took it down.

    inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1 --- outside --- 192.0.2.2 peer, LAN 10.2.0.1
"""

import sys

from story import say, story
from labkit import tunnel, wait


@story(nodes=1, edit=lambda text: text.replace("on-traffic", "immediately"))
def main(lab):
    wait.until(lambda: lab.peer.spis()["esp"], 20, "the tunnel comes up by itself")
    tunnel.ping(lab)
    first = lab.peer.spis()
    lab.peer.terminate()
    wait.until(lambda: lab.peer.spis()["esp"] not in ([], first["esp"]), 20, "it comes up again")
    tunnel.ping(lab)
    say("pings cross again")


sys.exit(main())
