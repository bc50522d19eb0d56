#!/usr/bin/python3 -B
"""The active node dies under traffic; the tunnel lives, the peer notices nothing; the dead node comes back
as a synced standby, and the other one can die in its turn.

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
    for turn in ("first", "second"):
        gone, window = failover.crash(lab, watched.traffic)
        say(f"{turn}: {gone.host} died")
        windows.append(window)
        failover.rejoin(lab, gone)
        say(f"{gone.host} is back in sync")
    watched.finish()
    for window in windows:
        said = watched.traffic.report(*window)
        gaps = {way: said[way]["gap_ms"] for way in said}
        claim(max(gaps.values()) <= failover.CRASH_GAP_MS, f"gap in ms {gaps}")
    watched.claim_unnoticed()


sys.exit(main())
