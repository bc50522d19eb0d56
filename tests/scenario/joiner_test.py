#!/usr/bin/python3 -B
"""A node that joins late gets everything that is: the tunnel came up before it, and lives on it when the other
node dies.

                                 +-- node0 --+
    inside 10.1.0.2 --- inside --+           +-- outside --- 192.0.2.2 peer, LAN 10.2.0.1
      (reth1 10.1.0.1)           +-- node1 --+   (reth0 192.0.2.1)
                              cluster and fabric between the nodes
"""

import sys

from story import Watched, claim, say, story
from labkit import failover, tunnel, wait

# timeout: 300


@story(nodes=2, workers=2)
def main(lab):
    first, late = lab.nodes
    failover.wait_synced(lab)
    lab.kill_node(late)
    wait.until(lambda: failover.owner(lab) is first, 30, f"{first.host} owns the group alone")
    tunnel.from_inside(lab)
    tunnel.down_from_peer(lab)
    say("a tunnel came and went while one node was alone")
    tunnel.from_peer(lab)
    spis = lab.peer.spis()
    failover.rejoin(lab, late)
    say(f"{late.host} joined and is in sync")
    claim(failover.has_sas(late, spis["ike"]), "the joiner lists the IKE SA")
    tunnel.down_from_peer(lab)

    watched = Watched(lab)
    watched.begin()
    gone, window = failover.crash(lab, watched.traffic)
    claim(gone is first, "the older node died")
    watched.finish()
    said = watched.traffic.report(*window)
    claim(max(said[way]["gap_ms"] for way in said) <= failover.CRASH_GAP_MS, "the gap is short")
    watched.claim_unnoticed()


sys.exit(main())
