#!/usr/bin/python3 -B
"""Corosync of the owner dies: that node goes standby, the other one owns the tunnel; when Corosync is there
again the node comes back by itself.

                                 +-- node0 --+
    inside 10.1.0.2 --- inside --+           +-- outside --- 192.0.2.2 peer, LAN 10.2.0.1
      (reth1 10.1.0.1)           +-- node1 --+   (reth0 192.0.2.1)
                              cluster and fabric between the nodes
"""

import sys

from story import Watched, claim, same, say, story
from labkit import failover, wait

# timeout: 300


@story(nodes=2, workers=2)
def main(lab):
    watched = Watched(lab)
    watched.begin()
    loser = failover.owner(lab)
    heir = failover.standby_of(lab, loser)
    pids = {what: loser.procs[what].pid() for what in ("control", "dataplane")}
    loser.kill("corosync")
    wait.until(lambda: failover.owner_in(failover.view(heir)) == heir.number, 30, f"{heir.host} owns it")
    wait.until(lambda: failover.owner_in(failover.view(loser)) != loser.number, 10,
               f"{loser.host} does not call itself owner")
    watched.traffic.wait_received(1000)
    say("traffic flows over the other node")
    loser.start("corosync")
    failover.wait_synced(lab)
    claim(failover.owner(lab) is heir, "the owner stays where it is")
    same({what: loser.procs[what].pid() for what in pids}, pids, "the daemons are the same processes")
    watched.finish()
    watched.claim_unnoticed()


sys.exit(main())
