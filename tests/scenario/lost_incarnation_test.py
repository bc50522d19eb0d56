#!/usr/bin/python3 -B
"""A node dies and loses its state folder: it no longer knows how often it has started, which is part of every
IV it makes. The records of the group remember; it goes on above what it has used, and takes the SAs back.

                                 +-- node0 --+
    inside 10.1.0.2 --- inside --+           +-- outside --- 192.0.2.2 peer, LAN 10.2.0.1
      (reth1 10.1.0.1)           +-- node1 --+   (reth0 192.0.2.1)
                              cluster and fabric between the nodes
"""

import os
import shutil
import sys

from story import Watched, claim, same, say, story
from labkit import failover, wait

# timeout: 300

# Above all that is drawn without a file, so that what is drawn after the loss is known to be low.
IKE, ESP = 40000, 50000


def state(node, name):
    return os.path.join(node.folder, "state", name)


def number(node, name):
    with open(state(node, name), encoding="ascii") as text:
        return int(text.read())


def rejoin_without_files(lab, node):
    """It starts, hears what it has used, and ends; a supervisor starts it again."""
    shutil.rmtree(os.path.join(node.folder, "state"))
    os.mkdir(os.path.join(node.folder, "state"), mode=0o700)
    for network in ("outside", "inside", "cluster", "fabric"):
        lab.net.heal(node.host, network)
    try:
        node.start()
    except RuntimeError:
        pass  # it was quicker than its being ready
    wait.until(lambda: not node.procs["control"].alive(), 30, f"{node.host} ends to raise its incarnations")
    same(len(node.events("iv.used_before")), 1, "it said why")
    node.start("control")
    failover.wait_synced(lab)


def take(lab, node):
    """It owns the group; whoever was ready first has it before."""
    was = failover.owner(lab)
    if was is node:
        return
    words = ("request", "chassis", "cluster", "failover")
    was.tandem(*words, "redundancy-group", str(failover.GROUP), "node", str(node.number))
    failover.wait_owner(lab, node)
    was.tandem(*words, "reset", "redundancy-group", str(failover.GROUP))
    failover.wait_synced(lab)


@story(nodes=2, start=False)
def main(lab):
    first, second = lab.nodes
    for name, value in (("tandemd.incarnation", IKE), ("iv-incarnation", ESP)):
        with open(state(first, name), "w", encoding="ascii") as out:
            out.write(f"{value}\n")
    lab.start_nodes()
    failover.wait_synced(lab)
    take(lab, first)
    watched = Watched(lab)
    watched.begin()
    same(failover.owner(lab).number, first.number, "the owner is the node with high numbers")
    failover.crash(lab, watched.traffic)
    rejoin_without_files(lab, first)
    claim(number(first, "tandemd.incarnation") > IKE, "tandemd goes on above what it has used")
    claim(number(first, "iv-incarnation") > ESP, "so does its dataplane")
    heir, window = failover.planned(lab, watched.traffic)
    same(heir.number, first.number, "it has the group back")
    watched.traffic.wait_received(2000)
    watched.finish()
    watched.claim_lost(window, 0, "planned failover")
    watched.claim_unnoticed()
    lab.peer.rekey_child("LAN")
    wait.until(lambda: lab.peer.spis()["esp"] not in ([], watched.spis["esp"]), 10, "a rekey works")
    say("a rekey works")


sys.exit(main())
