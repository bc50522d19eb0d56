#!/usr/bin/python3 -B
"""The active node dies under traffic over an IPv6 tunnel: the other takes its IPv6 addresses over, the peer keeps
its SAs, and packets of both families go on.

                                 +-- node0 --+
    inside 10.1.0.2 --- inside --+           +-- outside --- 2001:db8::2 peer, LAN 10.2.0.1, fd02::1
           fd01::2   (reth1)     +-- node1 --+   (reth0 2001:db8::1)
"""

import sys

from story import Watched, claim, say, story
from families import over_ipv6, ping6
from labkit import failover

# timeout: 240


@story(nodes=2, workers=2, edit=over_ipv6)
def main(lab):
    failover.wait_synced(lab)
    lab.peer.initiate("LAN6")
    watched = Watched(lab)
    watched.begin()
    ping6(lab, 5)
    gone, window = failover.crash(lab, watched.traffic)
    say(f"{gone.host} died")
    ping6(lab, 5)
    watched.finish()
    said = watched.traffic.report(*window)
    gaps = {way: said[way]["gap_ms"] for way in said}
    claim(max(gaps.values()) <= failover.CRASH_GAP_MS, f"gap in ms {gaps}")
    watched.claim_unnoticed()


sys.exit(main())
