#!/usr/bin/python3 -B
"""A node without a cluster whose dataplane dies after more packets than one grant covers, once with its
control alive and once with it: what the journal keeps of the leases is all that says where to go on.

    inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1 --- 192.0.2.2 peer, LAN 10.2.0.1
"""

import sys

from story import Watched, failover, say, story
from labkit import tunnel, wait

# timeout: 300

GRANT = 65536  # what every SA may send in an epoch before it needs a lease


def encrypted(node):
    (said,) = node.ask("show", "security", "ipsec", "statistics")["ipsec-statistics"]
    return said["esp-encrypted-packets"]


@story(nodes=1)
def main(lab):
    node = lab.nodes[0]
    tunnel.from_peer(lab)
    watched = Watched(lab)
    watched.spis = lab.peer.spis()
    lab.run("hub", "ip", "link", "set", "outside", "promisc", "on")
    for capture in watched.captures.values():
        capture.start()
    watched.traffic.start(100)
    wait.until(lambda: encrypted(node) > GRANT + 10000, 120, "more packets than a grant covers")
    say(f"{encrypted(node)} packets encrypted")
    seen = node.ready_count()
    node.kill("dataplane")
    node.start("dataplane")
    wait.until(lambda: node.ready_count() > seen, 20, "the dataplane is filled again")
    watched.traffic.wait_received(failover.FLOWING)
    node.kill("control")
    node.kill("dataplane")
    node.start()
    watched.traffic.wait_received(failover.FLOWING)
    watched.finish()
    watched.claim_unnoticed()


sys.exit(main())
