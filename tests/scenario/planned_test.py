#!/usr/bin/python3 -B
"""Planned handovers, there and back, lose and reorder nothing.

                                 +-- node0 --+
    inside 10.1.0.2 --- inside --+           +-- outside --- 192.0.2.2 peer, LAN 10.2.0.1
      (reth1 10.1.0.1)           +-- node1 --+   (reth0 192.0.2.1)
                              cluster and fabric between the nodes
"""

import sys

from story import Watched, claim, say, story
from labkit import failover

# timeout: 300


@story(nodes=2, workers=2)
def main(lab):
    watched = Watched(lab)
    watched.begin()
    windows = []
    for _ in range(4):
        heir, window = failover.planned(lab, watched.traffic)
        failover.wait_synced(lab)
        windows.append(window)
        say(f"{heir.host} owns the group")
    watched.finish()
    for window in windows:
        said = watched.claim_lost(window, 0, "handover")
        claim(all(said[way]["duplicated"] == 0 for way in said), "nothing came twice")
    watched.claim_unnoticed()


sys.exit(main())
