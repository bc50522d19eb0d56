#!/usr/bin/python3 -B
"""A node without a cluster. kill -9 of its tandemd: the dataplane forwards on, the tandemd that comes back
finds its SAs in its journal and goes on with them. Then both die, and both come back; then once more,
without the files that say how often they have started.

    inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1 --- 192.0.2.2 peer, LAN 10.2.0.1
"""

import os
import sys

from story import Watched, claim, same, say, story
from labkit import failover, tunnel, wait

# timeout: 300

# Above all that is drawn when the file is missing, so that what is drawn after its loss is known to be low.
INCARNATIONS = {"tandemd.incarnation": 40000, "iv-incarnation": 50000}


class Alone(Watched):
    """One node has nobody to be synced with."""

    def begin(self, interval_us=1000):
        self.flow(interval_us)


def has_sas(node, spis):
    return failover.has_sas(node, spis["ike"])


def ike_sas(node):
    return node.ask("show", "security", "ike", "security-associations")["ike-security-associations"]


def message_ids(node):
    """(next to send, next to receive) of the one IKE SA."""
    said = node.ask("show", "security", "ike", "security-associations", "detail")
    (sa,) = said["ike-security-associations"]
    return sa["message-id-send"], sa["message-id-receive"]


def incarnation(node, name="tandemd.incarnation"):
    with open(os.path.join(node.folder, "state", name), encoding="ascii") as text:
        return int(text.read())


def rekeyed(lab, act, what):
    """Both ends have other ESP SPIs after the act, and packets cross."""
    before = lab.peer.spis()["esp"]
    act()
    wait.until(lambda: lab.peer.spis()["esp"] not in ([], before) and
               len(lab.peer.spis()["esp"]) == len(before), 10, what)
    tunnel.ping(lab)
    say(what)


def rekey_from_here(lab):
    rekeyed(lab, lambda: lab.nodes[0].tandem("request", "security", "ipsec", "rekey"),
            "the node rekeys the child")


def rekey_from_peer(lab):
    rekeyed(lab, lambda: lab.peer.rekey_child("LAN"), "the peer rekeys the child")


def restart(lab, watched):
    """kill -9 and start again; the window, as the other stories have it."""
    node = lab.nodes[0]
    began = failover.time.time_ns()
    was, ids = incarnation(node), message_ids(node)
    node.kill("control")
    watched.traffic.wait_received(200)  # it flows on while nobody controls it
    node.start("control")
    wait.until(lambda: has_sas(node, watched.spis), 30, "the SAs are adopted")
    adopt_ms = (failover.time.time_ns() - began) / 1e6
    claim(adopt_ms <= failover.ADOPT_MS, f"adopted after {adopt_ms:.0f} ms, 200 packets included")
    claim(incarnation(node) > was, "the incarnation was raised")
    same(message_ids(node), ids, "message ids go on")
    return failover.window_since(began, watched.traffic)


def rename(lab, device, name):
    lab.run("node0", "ip", "link", "set", device, "down")
    lab.run("node0", "ip", "link", "set", device, "name", name, "up")


def both_die(lab, watched):
    """The journal is all that is left: SAs, and how far their sequence numbers were granted. A device comes
    later than the daemons: what could not be configured is tried again."""
    node = lab.nodes[0]
    node.kill("control")
    node.kill("dataplane")
    seen = node.ready_count()
    rename(lab, "ge000", "away")
    node.launch("dataplane")
    node.launch("control")
    wait.until(lambda: node.events("dataplane.configure.failed"), 10, "a port without its device is told of")
    rename(lab, "away", "ge000")
    node.wait_ready("control", seen)
    wait.until(lambda: has_sas(node, watched.spis), 30, "the SAs are restored")
    watched.traffic.wait_received(failover.FLOWING)
    say("both died, traffic flows again")


def both_die_and_forget(lab, watched):
    """The journal knows what was used; tandemd ends once to raise its number, as a supervisor expects."""
    node = lab.nodes[0]
    node.kill("control")
    node.kill("dataplane")
    for name in INCARNATIONS:
        os.unlink(os.path.join(node.folder, "state", name))
    try:
        node.start()
    except RuntimeError:
        pass  # it was quicker than its being ready
    wait.until(lambda: not node.procs["control"].alive(), 10, "it ends to raise its incarnations")
    node.start("control")
    wait.until(lambda: has_sas(node, watched.spis), 30, "the SAs are restored")
    watched.traffic.wait_received(failover.FLOWING)
    for name, least in INCARNATIONS.items():
        claim(incarnation(node, name) > least, f"{name} went on above what was used")


@story(nodes=1, start=False)
def main(lab):
    node = lab.nodes[0]
    for name, value in INCARNATIONS.items():
        with open(os.path.join(node.folder, "state", name), "w", encoding="ascii") as out:
            out.write(f"{value}\n")
    lab.start_nodes()
    tunnel.from_peer(lab)
    rekey_from_peer(lab)  # message ids are not those of a fresh SA
    rekey_from_here(lab)
    watched = Alone(lab)
    watched.begin()
    dataplane = node.procs["dataplane"].pid()
    windows = [restart(lab, watched) for _ in range(3)]
    claim(node.procs["dataplane"].pid() == dataplane, "the dataplane is the same process")
    both_die(lab, watched)
    both_die_and_forget(lab, watched)
    watched.finish()
    for window in windows:
        watched.claim_lost(window, 0, "restart of control")
    watched.claim_unnoticed()
    rekey_from_here(lab)
    rekey_from_peer(lab)
    node.kill("control")
    node.start("control")
    tunnel.ping(lab)
    node.tandem("clear", "security", "ike", "security-associations")
    wait.until(lambda: not lab.peer.spis()["ike"], 10, "the peer takes the delete of the restarted control")
    wait.until(lambda: not ike_sas(node), 10, "and its answer has come")
    node.kill("control")
    node.start("control")
    same(ike_sas(node), [], "what was deleted stays deleted")


sys.exit(main())
