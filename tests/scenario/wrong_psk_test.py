#!/usr/bin/python3 -B
"""A wrong pre-shared key gets AUTHENTICATION_FAILED and one log line with the reason; the right one works (AUT-001).

    node0 192.0.2.1 --- outside --- 192.0.2.2 peer, first with another key
"""

import sys

from story import claim, same, story
from labkit import tunnel, wait

EVENT = "ike.auth.failed"


@story(nodes=1, changes={"psk": "this is not the key that we agreed on"})
def main(lab):
    node = lab.nodes[0]
    try:
        lab.peer.initiate("LAN", 10)
        claim(False, "the peer is refused")
    except RuntimeError:
        pass
    claim("AUTHENTICATION_FAILED" in lab.peer.said(), "the peer was told AUTHENTICATION_FAILED")
    lines = wait.until(lambda: node.events(EVENT), 5, f"a line {EVENT}")
    same(len(lines), 1, f"lines that say {EVENT}")
    claim("reason=" in lines[0] and "192.0.2.2" in lines[0], f"it tells reason and peer: {lines[0]}")
    ike = node.tandem("show", "security", "ike", "security-associations")
    claim(" UP " not in ike, "no IKE SA is up")
    lab.peer.configure(lab.mirror)
    tunnel.from_peer(lab)
    claim(True, "with the right key the tunnel comes up")


sys.exit(main())
