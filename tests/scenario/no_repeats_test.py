#!/usr/bin/python3 -B
"""At 10 000 packets a second each way: crash, control restart and handover, one after the other, never repeat a
sequence number or an IV (ALG-008). (beyond_a_jump: a crash long after the last lease renewal.)

                                 +-- node0 --+
    inside 10.1.0.2 --- inside --+           +-- outside --- 192.0.2.2 peer, LAN 10.2.0.1
      (reth1 10.1.0.1)           +-- node1 --+   (reth0 192.0.2.1)
                              cluster and fabric between the nodes
"""

import sys

from story import Watched, claim, same, say, story
from capture import repeats
from labkit import failover

# timeout: 300

INTERVAL_US = 100
ENOUGH = 2 * 2**16  # packets in one direction of one SA: twice what a takeover skips


@story(nodes=2, workers=2)
def main(lab):
    watched = Watched(lab)
    watched.begin(INTERVAL_US)
    watched.traffic.wait_received(80000, 60)
    gone, _ = failover.crash(lab, watched.traffic)
    say(f"{gone.host} died")
    watched.traffic.wait_received(80000, 60)
    failover.rejoin(lab, gone)
    failover.control_restart(lab, watched.traffic, watched.spis["ike"])
    failover.wait_synced(lab)
    failover.planned(lab, watched.traffic)
    watched.finish()
    packets, sequences, ivs = repeats(watched.wire)
    most = max(row["packets"] for row in watched.wire["esp"].values())
    claim(most >= ENOUGH, f"{most} packets of one SA, {packets} in all")
    same((sequences, ivs), (0, 0), "repeated sequence numbers and IVs on the wire")
    same(lab.peer.spis(), watched.spis, "the peer has the SAs of before")


sys.exit(main())
