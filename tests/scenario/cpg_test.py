#!/usr/bin/python3 -B
"""The adapters to Corosync tell the core what happened, in order, and come back by themselves.

    node0 (bus-probe, Corosync) --- cluster --- (Corosync, bus-probe) node1

No daemon of ours runs: bus-probe is tandemd's bus with a core that prints what it is fed.
"""

import re
import subprocess
import sys
import threading

from story import becomes, claim, same, say, story
from labkit import wait
from labkit.node import find_binary

# timeout: 180
RING_S = 20  # for a new ring, with room for a busy machine


class View:
    def __init__(self, line):
        fields = dict(word.split("=", 1) for word in line.split()[1:])
        self.ring = fields["ring"]
        self.nodes = int(fields["nodes"], 16)
        self.members, self.joined, self.left = ([one for one in fields[name].split(",") if one]
                                                for name in ("members", "joined", "left"))


class Probe:
    """One bus-probe in the namespace of a node; its lines are read by a thread as they come."""

    def __init__(self, lab, number):
        argv = lab.argv_for(f"node{number}", [find_binary(lab.build, "bus-probe"), str(number), "7"])
        self.child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.me = f"{number}:{self.child.pid}"
        self.lines = []
        self.mark = 0
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.child.stdout:
            self.lines.append(line.rstrip("\n"))

    def say(self, line):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()

    def kill(self):
        self.child.kill()
        self.child.wait()
        self.reader.join()

    def end(self):
        if self.child.poll() is None:
            self.child.stdin.close()
            self.child.wait(10)
        self.reader.join()

    # --- what it was told since the last remember()

    def remember(self):
        self.mark = len(self.lines)

    def told(self, pattern):
        return [line for line in self.lines[self.mark:] if re.search(pattern, line)]

    def views(self):
        return [View(line) for line in self.told("^VIEW ")]

    def last_view(self):
        views = [View(line) for line in self.lines if line.startswith("VIEW ")]
        return views[-1] if views else None

    def wait_told(self, pattern, seconds=RING_S):
        wait.until(lambda: self.told(pattern), seconds,
                   lambda: f"{pattern!r} among {self.lines[self.mark:]}")

    def wait_members(self, *members):
        wait.until(lambda: self.last_view() and self.last_view().members == sorted(members), RING_S,
                   lambda: f"members {members} among {self.lines[self.mark:]}")
        return self.last_view()


def remember(*probes):
    for probe in probes:
        probe.remember()


def waits_for_corosync(a, b):
    for probe in (a, b):
        probe.wait_told("LOG cluster.bus.absent")
        same(probe.told("^(VIEW|QUORUM|BUS_DOWN)"), [], "nothing is told without Corosync")


def joins(lab, a, b):
    for node in lab.nodes:
        node.launch("corosync")
    for probe in (a, b):
        view = probe.wait_members(a.me, b.me)
        same(view.nodes, 0b11, "both nodes are in the ring")
        probe.wait_told(f"QUORUM ring={view.ring} quorate=1")
    claim(any(a.me in view.joined for view in a.views()), "one hears itself join")
    becomes(lambda: len({a.last_view().ring, b.last_view().ring}), 1, "rings that both name")


def delivers(a, b):
    remember(a, b)
    a.say("send from-a")
    b.say("send from-b")
    for probe in (a, b):
        probe.wait_told("DELIVER .*from-a")
        probe.wait_told("DELIVER .*from-b")
    same(a.told("^DELIVER"), b.told("^DELIVER"), "what both deliver")
    claim(re.search(f"node=0 pid={a.child.pid} octets=6 ", a.told("from-a")[0]), "sender is named")


def floods(a, b):
    """More than Corosync takes at once: the rest waits its turn, and nothing changes places."""
    remember(a, b)
    a.say("flood 10000 1000")
    b.say("flood 10000 1000")
    for probe in (a, b):
        probe.wait_told("FLOODED node=0 count=10000")
        probe.wait_told("FLOODED node=1 count=10000")
        same(probe.told("DISORDER|BROKEN|LOG"), [], "complaints")
        claim(probe.told("gathered=[1-9]"), "deliveries of one read are marked as such")


def client_dies(lab, a, b):
    remember(a)
    ring = a.last_view().ring
    b.kill()
    a.wait_members(a.me)
    same([(v.ring, v.nodes, v.left, v.joined) for v in a.views()],
         [(ring, 0b11, [f"{b.me}:PROCDOWN"], [])], "a client's death in an unchanged ring")
    remember(a)
    b = Probe(lab, 1)
    a.wait_members(a.me, b.me)
    same([(v.ring, v.left, v.joined) for v in a.views()], [(ring, [], [b.me])], "its return")
    b.wait_members(a.me, b.me)
    same(b.last_view().ring, ring, "a fresh client learns the ring that is there")
    return b


def corosync_dies(lab, a, b):
    remember(a, b)
    ring = a.last_view().ring
    lab.nodes[1].kill("corosync")
    b.wait_told("BUS_DOWN")
    a.wait_members(a.me)
    same([(v.nodes, v.left, v.joined) for v in a.views()], [(0b01, [f"{b.me}:NODEDOWN"], [])],
         "a node's death, in one view")
    claim(a.last_view().ring != ring, "the view names the new ring")
    a.wait_told(f"QUORUM ring={a.last_view().ring} ")
    wait.holds(lambda: len(b.told("^BUS_DOWN")) == 1 and not b.views(), 3, "down is said once")
    remember(a, b)
    lab.nodes[1].launch("corosync")
    for probe in (a, b):
        probe.wait_members(a.me, b.me)
        same(probe.last_view().nodes, 0b11, "both nodes are in the ring again")
    b.wait_told(f"QUORUM ring={b.last_view().ring} quorate=1")
    same(b.told("BUS_DOWN"), [], "nothing goes down while coming up")
    delivers(a, b)


def link_is_cut(lab, a, b):
    remember(a, b)
    lab.net.cut("node1", "cluster", "both")
    a.wait_members(a.me)
    b.wait_members(b.me)
    lab.net.heal("node1", "cluster")
    for probe, other in ((a, b), (b, a)):
        probe.wait_members(a.me, b.me)
        gone = [one for view in probe.views() for one in view.left]
        same(gone, [f"{other.me}:NODEDOWN"], "who left")
        came = [one for view in probe.views() for one in view.joined]
        same(came, [other.me], "who came back, the same process")
        claim(all(view.ring != probe.views()[0].ring for view in probe.views()[1:]),
              "each view has a ring of its own")
    delivers(a, b)


def drowns(a, b):
    """A queue that only grows is a bus that is down; then it comes back."""
    remember(a, b)
    b.say("flood 1500 65000")
    b.wait_told("LOG cluster.send.failed")
    b.wait_told("BUS_DOWN")
    wait.until(lambda: b.views() and sorted(b.last_view().members) == sorted([a.me, b.me]), RING_S,
               "it joins again")
    a.wait_members(a.me, b.me)
    same(len(b.told("^BUS_DOWN")), 1, "times it went down")
    claim(any(f"{b.me}:PROCDOWN" in view.left for view in a.views()), "the other saw it go")
    claim(any(b.me in view.joined for view in a.views()), "and come back")
    delivers(a, b)


def leaves(lab, a, b):
    remember(a)
    ring = a.last_view().ring
    b.say("leave")
    a.wait_members(a.me)
    b.end()
    same([(v.ring, v.left) for v in a.views()], [(ring, [f"{b.me}:LEAVE"])], "an orderly farewell")
    same(b.child.returncode, 0, "its exit status")
    remember(a)
    lab.nodes[1].kill("corosync")
    wait.until(a.views, RING_S, "a ring change without a group change is told")
    same([(v.nodes, v.left, v.joined, v.members) for v in a.views()], [(0b01, [], [], [a.me])],
         "the ring change")
    claim(a.last_view().ring != ring, "it has a new ring")


@story(nodes=2, peer="none", start=False)
def main(lab):
    probes = [Probe(lab, 0), Probe(lab, 1)]
    try:
        a, b = probes
        waits_for_corosync(a, b)
        joins(lab, a, b)
        delivers(a, b)
        floods(a, b)
        b = client_dies(lab, a, b)
        probes.append(b)
        corosync_dies(lab, a, b)
        link_is_cut(lab, a, b)
        drowns(a, b)
        leaves(lab, a, b)
        a.end()
        same(a.child.returncode, 0, "exit status")
    except BaseException:
        for probe in probes:
            say(f"{probe.me} was told:")
            print("\n".join(probe.lines[-40:]), flush=True)
        raise
    finally:
        for probe in probes:
            probe.end()


sys.exit(main())
