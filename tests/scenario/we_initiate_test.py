#!/usr/bin/python3 -B
"""We bring the tunnel up: a packet from inside asks for it.

    inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1 --- outside --- 192.0.2.2 peer, LAN 10.2.0.1
"""

import os
import sys

from story import same, story
from capture import Capture
from labkit import tunnel


@story(nodes=1)
def main(lab):
    outside = Capture(lab, "peer", "eth0", os.path.join(lab.folder, "peer.pcap"))
    outside.start()
    tunnel.from_inside(lab)
    outside.stop()
    found = outside.analyse()
    same(found["ike"]["IKE_SA_INIT"]["by"], {"192.0.2.1": 1}, "one IKE_SA_INIT, from us")
    same(len(lab.peer.spis()["esp"]), 1, "the peer has one pair of SAs")


sys.exit(main())
