#!/usr/bin/python3 -B
"""A worker hangs on the owner and fewer than `workers minimum` are left: the group moves (ISHU-005, HA-006). Then
the other node loses a device and is told to open its ports anew: the group moves back, and when the device is
there again, so is the node, by itself.

                                 +-- node0 --+
    inside 10.1.0.2 --- inside --+           +-- outside --- 192.0.2.2 peer, LAN 10.2.0.1
      (reth1 10.1.0.1)           +-- node1 --+   (reth0 192.0.2.1)
"""

import os
import socket
import sys
import time

from story import Watched, claim, same, say, story
from labkit import failover, wait

# timeout: 120

HANG_MS = 5000
GAP_MS = 1000


def strict(text):
    """Both workers are needed, and there is no room for a third."""
    return text + ("set chassis cluster workers minimum 2\nset chassis dataplane workers-maximum 2\n"
                   if text.lstrip().startswith("set ") else
                   "chassis { cluster { workers { minimum 2; } } dataplane { workers-maximum 2; } }\n")


def states(node):
    return {w["worker"]: w["state"] for w in node.ask("show", "chassis", "fpc", "pic-status")["workers"]
            if w.get("node", node.number) == node.number}


def rename(lab, node, device, name):
    lab.run(node.host, "ip", "link", "set", device, "down")
    lab.run(node.host, "ip", "link", "set", device, "name", name, "up")


def device_goes(lab, ill, heir):
    rename(lab, ill, "ge000", "away")
    ill.adopt(ill.read_conf().replace("workers-maximum 2", "workers-maximum 3"))
    wait.until(lambda: ill.events("dataplane.configure.failed"), 10, f"{ill.host} misses a device")
    failover.wait_owner(lab, heir)
    say(f"{heir.host} owns the group again")
    rename(lab, ill, "away", "ge000")
    wait.until(lambda: (own_row(ill) or (0, "", ""))[1:] == ("secondary", "None"), 15,
               lambda: f"{ill.host} has its ports again: {own_row(ill)}")


def own_row(node):
    return failover.view(node).get(node.number)


@story(nodes=2, workers=2, edit=strict)
def main(lab):
    watched = Watched(lab)
    watched.begin()
    ill = failover.owner(lab)
    heir = failover.standby_of(lab, ill)
    same(own_row(ill)[2], "None", "what the owner's monitors say")
    one = ill.ask("show", "security", "ipsec", "tunnel-distribution")["tunnel-distribution"][0]
    mine = one["fpc"] * 2 + one["pic"]
    began = time.time_ns()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as test:
        test.sendto(f"hang-in {mine} {HANG_MS}".encode(), os.path.join(ill.folder, "test.sock"))
    wait.until(lambda: "SP" in (own_row(ill) or (0, "", ""))[2], 10,
               lambda: f"SP on {ill.host}: {own_row(ill)}")
    say(f"worker {mine} of {ill.host} hangs: {own_row(ill)}, {states(ill)}")
    failover.wait_owner(lab, heir)
    took = time.time_ns() - began
    claim(took < HANG_MS * 1000000, f"{heir.host} owns the group after {took // 1000000} ms, before it wakes")
    window = failover.window_since(began, watched.traffic)
    wait.until(lambda: (own_row(ill) or (0, "", ""))[1:] == ("secondary", "None"), 15,
               lambda: f"{ill.host} is well again: {own_row(ill)}")
    say(f"it woke: {own_row(ill)}, {states(ill)}")
    device_goes(lab, heir, ill)
    watched.traffic.wait_received(failover.FLOWING)
    watched.finish()
    said = watched.traffic.report(*window)
    say(f"in the window: {said}")
    claim(all(said[way]["gap_ms"] < GAP_MS for way in said), f"a gap of less than {GAP_MS} ms")
    watched.claim_unnoticed()


sys.exit(main())
