#!/usr/bin/python3 -B
"""The active node dies with 500 child SAs of a strongSwan peer: every one of them carries packets again, in
both directions, and the peer has negotiated nothing.

                                 +-- node0 --+
    inside 10.1.0.2 --- inside --+           +-- outside --- 192.0.2.2 peer, 10.2.0.1 ... 10.2.1.244
      (reth1 10.1.0.1)           +-- node1 --+   (reth0 192.0.2.1)
                              cluster and fabric between the nodes
"""

import os
import sys
import time

from story import claim, same, say, story
from capture import Capture, repeats
from labkit import failover, wait
from scale import CHILDREN, answered, bring_up, many_selectors, pairs
from traffic import Traffic

# timeout: 300

INTERVAL_US = 1000
TURNS = 4  # how often each child's turn comes, after the crash


@story(nodes=2, workers=2, edit=many_selectors)
def main(lab):
    chief = failover.wait_synced(lab)
    bring_up(lab, chief)
    heir = failover.standby_of(lab, chief)
    ours, theirs = pairs(chief), lab.peer.spis()
    same((len(ours["<"]), len(theirs["esp"])), (CHILDREN, CHILDREN), "children at both ends")
    capture = Capture(lab, "peer", "eth0", os.path.join(lab.folder, "peer.pcap"))
    capture.start()
    traffic = Traffic(lab)
    traffic.start(INTERVAL_US, peers=CHILDREN)
    traffic.wait_received(2 * CHILDREN)
    gone, window = failover.crash(lab, traffic)
    claim(gone is chief, f"{gone.host} died, {heir.host} owns the group")
    flows_ns = time.time_ns()
    traffic.wait_received(TURNS * CHILDREN)
    wait.until(lambda: pairs(heir) == ours, 10, "the heir lists the same SPIs")
    traffic.stop()
    capture.stop()
    said = traffic.report(*window)
    gap = max(said[way]["gap_ms"] for way in said)
    claim(gap <= failover.CRASH_GAP_MS, f"traffic stood still for {gap:.0f} ms")
    heard = {host: answered(traffic.rows[host][0], flows_ns) for host in ("inside", "peer")}
    same(heard, {"inside": CHILDREN, "peer": CHILDREN}, "children that carry packets after the crash")
    rest = traffic.report(flows_ns)
    same({way: rest[way]["lost"] for way in rest}, {"out": 0, "in": 0}, "lost once traffic flowed again")
    claim(lab.peer.spis() == theirs, "the peer has the SAs of before")
    seen = capture.analyse()
    same(failover.peer_noticed(seen), (0, 0), "new IKE SAs and rekeys in the peer's capture")
    packets, sequences, ivs = repeats(seen)
    same((sequences, ivs), (0, 0), f"repeated sequence numbers and IVs in {packets} packets")
    say(f"lost in the crash: { {way: said[way]['lost'] for way in said} }")


sys.exit(main())
