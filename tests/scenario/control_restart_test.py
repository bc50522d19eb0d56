#!/usr/bin/python3 -B
"""kill -9 of the owner's tandemd with a synced standby: traffic never stops, its SAs are adopted again, and
it rekeys them afterwards as if nothing had been.

                                 +-- node0 --+
    inside 10.1.0.2 --- inside --+           +-- outside --- 192.0.2.2 peer, LAN 10.2.0.1
      (reth1 10.1.0.1)           +-- node1 --+   (reth0 192.0.2.1)
                              cluster and fabric between the nodes
"""

import sys

from story import Watched, claim, say, story
from labkit import failover, wait

# timeout: 300


@story(nodes=2, workers=2)
def main(lab):
    watched = Watched(lab)
    watched.begin()
    dataplane = failover.owner(lab).procs["dataplane"].pid()
    windows = []
    for _ in range(2):
        adopt_ms, window = failover.control_restart(lab, watched.traffic, watched.spis["ike"])
        claim(adopt_ms <= failover.ADOPT_MS, f"adopted after {adopt_ms:.0f} ms")
        windows.append(window)
        failover.wait_synced(lab)
    claim(failover.owner(lab).procs["dataplane"].pid() == dataplane, "the dataplane is the same process")
    watched.finish()
    for window in windows:
        watched.claim_lost(window, 0, "control restart")
    watched.claim_unnoticed()
    lab.peer.rekey_child("LAN")
    wait.until(lambda: lab.peer.spis()["esp"] not in ([], watched.spis["esp"]), 10, "a rekey works")
    say("the peer's rekey is answered")


sys.exit(main())
