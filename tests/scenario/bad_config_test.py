#!/usr/bin/python3 -B
"""A configuration with an error is refused with path, statement and reason; the running one stays, and so
does the tunnel. The corrected file is taken.

    inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1 --- outside --- 192.0.2.2 peer, LAN 10.2.0.1
"""

import sys

from story import claim, same, story
from labkit import tunnel
from traffic import Traffic


@story(nodes=1)
def main(lab):
    node = lab.nodes[0]
    tunnel.from_peer(lab)
    spis = lab.peer.spis()
    traffic = Traffic(lab)
    traffic.start()
    traffic.wait_received(300)
    good = node.read_conf()
    node.write_conf(good.replace("ike-policy PEER;", "ike-policy NOWHERE;"))
    try:
        node.tandem("request", "system", "configuration", "reload")
        claim(False, "the broken configuration is refused")
    except RuntimeError as why:
        claim("NOWHERE" in str(why) and "[edit security ike gateway PEER" in str(why),
              f"the complaint names path and statement: {why}")
    node.adopt(good)
    traffic.wait_received(300)
    traffic.stop()
    said = traffic.report()
    same((said["out"]["lost"], said["in"]["lost"]), (0, 0), "packets lost")
    same(lab.peer.spis(), spis, "the SAs are the same")


sys.exit(main())
