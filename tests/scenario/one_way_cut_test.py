#!/usr/bin/python3 -B
"""One way of the cluster link is cut: exactly one owner, in the end and at every look; then it heals.

                                 +-- node0 --+
    inside 10.1.0.2 --- inside --+           +-- outside --- 192.0.2.2 peer, LAN 10.2.0.1
      (reth1 10.1.0.1)           +-- node1 --+   (reth0 192.0.2.1)
                              cluster and fabric between the nodes
"""

import sys

from story import Watched, claim, say, story
from labkit import failover, wait

# timeout: 300

LOOKS_S = 6  # for so long no two nodes may call themselves owner


def is_owner(node):
    return failover.view(node).get(node.number, (0, "", ""))[1] == "primary"


def owners(lab):
    """Those that call themselves owner at one time: asked in turn, so the first is asked again after the others."""
    found = [node for node in lab.nodes if is_owner(node)]
    if len(found) > 1 and not is_owner(found[0]):
        found = found[1:]
    return [node.host for node in found]


@story(nodes=2, workers=2)
def main(lab):
    watched = Watched(lab)
    watched.begin()
    for way in ("to", "from"):
        cut = failover.owner(lab)
        lab.net.cut(cut.host, "cluster", way)
        say(f"cluster link: frames {way} {cut.host} are dropped")
        wait.holds(lambda: len(owners(lab)) <= 1, LOOKS_S, "at most one owner")
        wait.until(lambda: len(owners(lab)) == 1, 20, "exactly one owner")
        watched.traffic.wait_received(500)
        lab.net.heal(cut.host, "cluster")
        failover.wait_synced(lab)
        say("healed and in sync")
    watched.finish()
    watched.claim_unnoticed()
    claim(True, "one owner throughout")


sys.exit(main())
