#!/usr/bin/python3 -B
"""The IKE SA is authenticated anew under traffic, by us, by the peer, and by the node that took over (REA-001,
REA-004, REA-005, REA-006). A handover loses nothing. Of what the peer sends nothing is lost: strongSwan sends with
the new child before its answer has told us the keys, and these packets wait. What we send may be lost by its doing:
it forgets the old child while our packets are on the way; two ends of ours lose nothing
(tests/unit/ike/test_reauth.c).

                                 +-- node0 --+
    inside 10.1.0.2 --- inside --+           +-- outside --- 192.0.2.2 peer, LAN 10.2.0.1
      (reth1 10.1.0.1)           +-- node1 --+   (reth0 192.0.2.1)
                              cluster and fabric between the nodes
"""

import sys
import time

from story import Watched, claim, say, story
from labkit import failover, wait

# timeout: 300

ON_THE_WAY = 250  # packets, one a millisecond: more than what a busy machine takes for the switch


def renewed(lab, traffic, act, who):
    """act() leads to one other IKE SA with one other child, and nothing else is left. Its window."""
    before = lab.peer.spis()
    began = time.time_ns()
    act()

    def settled():
        now = lab.peer.spis()
        return (now["ike"] != before["ike"] and now["esp"] != before["esp"] and
                len(now["ike"]) == 1 and len(now["esp"]) == 1)

    wait.until(settled, 15, "one IKE SA and one child, both new")
    say(f"authenticated anew by {who}")
    return failover.window_since(began, traffic)


def by_owner(lab):
    failover.owner(lab).tandem("request", "security", "ike", "rekey", "reauthenticate")


@story(nodes=2, workers=2)
def main(lab):
    watched = Watched(lab)
    watched.begin()
    traffic = watched.traffic
    windows = {"ours": renewed(lab, traffic, lambda: by_owner(lab), "us"),
               "the peer's": renewed(lab, traffic, lab.peer.reauthenticate, "the peer")}
    heir, windows["handover"] = failover.planned(lab, traffic)
    say(f"{heir.host} owns the group")
    windows["ours again"] = renewed(lab, traffic, lambda: by_owner(lab), "the node that took over")
    detail = heir.tandem("show", "security", "ike", "security-associations", "detail")
    claim("Reauth Lifetime: Disabled" in detail, "the operator sees that none is configured")
    watched.finish()
    for what, window in windows.items():
        lost = {way: said["lost"] for way, said in watched.traffic.report(*window).items()}
        most = 0 if what == "handover" else ON_THE_WAY
        claim(lost["in"] == 0 and lost["out"] <= most, f"{what}: lost {lost}")
    claim(watched.peer["ike"]["IKE_SA_INIT"]["requests"] >= 3, "three full exchanges were seen")


sys.exit(main())
