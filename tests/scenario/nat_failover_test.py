#!/usr/bin/python3 -B
"""A peer behind a NAT gets another port, the owner dies, and it gets yet another one.

                                 +-- node0 --+
    inside 10.1.0.2 --- inside --+           +-- outside --- 192.0.2.2 nat --- 10.55.0.2 peer, LAN 10.2.0.1
                                 +-- node1 --+

The standby learns the port from the log (architecture rule 9): after the takeover it sends to the right place
without hearing of the peer first, and follows the peer's next move itself (NAT-006, HA-023).
"""

import sys

from story import Watched, claim, say, story
from labkit import failover, nat, wait

# timeout: 120

RECOVERY_MS = 250.0


@story(nodes=2, workers=2)
def main(lab):
    box = nat.peer_behind(lab)
    watched = Watched(lab)
    watched.begin()
    watched.traffic.wait_received(500)
    first = move(lab, watched, box, failover.owner(lab))
    gone, window = failover.crash(lab, watched.traffic)
    say(f"{gone.host} died")
    heir = failover.standby_of(lab, gone)
    claim(nat.ports_of(heir) == [first], f"{heir.host} has the peer at port {first}")
    move(lab, watched, box, heir)
    watched.finish()
    said = watched.traffic.report(*window)
    gaps = {way: said[way]["gap_ms"] for way in said}
    claim(max(gaps.values()) <= failover.CRASH_GAP_MS, f"gap of the crash in ms {gaps}")
    watched.claim_unnoticed()


def move(lab, watched, box, node):
    """The NAT changes the peer's port under traffic; the node follows."""
    fresh = box.rebind()
    wait.until(lambda: (now := nat.ports_of(node)) and all(port in fresh for port in now), 10,
               f"{node.host} knows the peer's new port")
    watched.traffic.wait_received(failover.FLOWING)
    port, = nat.ports_of(node)
    say(f"{node.host} follows the peer to port {port}")
    return port


sys.exit(main())
