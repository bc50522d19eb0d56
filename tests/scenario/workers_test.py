#!/usr/bin/python3 -B
"""Workers come and go under traffic: none of it is lost when planned, less than a second when one hangs.

    inside 10.1.0.2 --- (ge001) node0 (ge000) --- outside --- 192.0.2.2 peer, LAN 10.2.0.1
"""

import os
import socket
import sys
import time

from story import Watched, claim, same, say, story
from labkit import failover, tunnel, wait

# timeout: 120

INTERVAL_US = 300
HANG_MS = 1500
HUNG_GAP_MS = 1000


def workers(node):
    return {w["worker"]: w for w in node.ask("show", "chassis", "fpc", "pic-status")["workers"]}


def wait_state(node, number, state):
    wait.until(lambda: workers(node)[number]["state"] == state, 10,
               lambda: f"worker {number} is {state}: {workers(node)}")


def is_even(node):
    members = [w["buckets"] for w in workers(node).values() if w["state"] == "Online"]
    return sum(members) == 1024 and max(members) - min(members) <= 1


def owner(node):
    one = node.ask("show", "security", "ipsec", "tunnel-distribution")["tunnel-distribution"][0]
    return one["fpc"] * 2 + one["pic"]


def pic(node, number, word):
    node.tandem("request", "chassis", "pic", "fpc-slot", str(number // 2), "pic-slot", str(number % 2), word)


def planned(node, traffic):
    """The tunnel's worker goes, comes back, another one comes, groups come and go; returns the window."""
    began = time.time_ns() - failover.MARGIN_NS
    for _ in range(2):
        mine = owner(node)
        pic(node, mine, "offline")
        wait_state(node, mine, "Offline")
        claim(owner(node) != mine, f"worker {mine} went, the tunnel is with worker {owner(node)}")
        pic(node, mine, "online")
        wait.until(lambda: is_even(node), 10, lambda: f"even again: {workers(node)}")
    say(node.tandem("request", "chassis", "fpc", "slot", "1", "online").strip())
    wait.until(lambda: is_even(node) and workers(node)[3]["state"] == "Online", 10, "four workers")
    buckets = {n: w["buckets"] for n, w in workers(node).items()}
    same(buckets, {0: 256, 1: 256, 2: 256, 3: 256}, "buckets of each")
    node.tandem("request", "chassis", "fpc", "slot", "0", "restart")
    wait.until(lambda: is_even(node) and all(w["state"] == "Online" for w in workers(node).values()), 20,
               lambda: f"the first group has restarted: {workers(node)}")
    node.tandem("request", "chassis", "fpc", "slot", "1", "offline")
    wait_state(node, 3, "Offline")
    wait.until(lambda: is_even(node), 10, "two workers")
    traffic.wait_received(failover.FLOWING)
    end = time.time_ns()
    traffic.wait_received(failover.FLOWING)
    return began, end


def hang(lab, node, traffic):
    mine = owner(node)
    began = time.time_ns()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as test:
        test.sendto(f"hang {mine} {HANG_MS}".encode(), os.path.join(node.folder, "test.sock"))
    wait_state(node, mine, "Hung")
    say(f"worker {mine} hangs in the middle of a burst; the tunnel is with worker {owner(node)}")
    wait_state(node, mine, "Online")
    say("it woke, left, and came back")
    return failover.window_since(began, traffic)


@story(nodes=1, workers=2)
def main(lab):
    node = lab.nodes[0]
    tunnel.from_peer(lab)
    watched = Watched(lab)
    watched.flow(INTERVAL_US)
    calm = planned(node, watched.traffic)
    rough = hang(lab, node, watched.traffic)
    watched.finish()
    watched.claim_lost(calm, 0, "workers that go and come as planned")
    said = watched.traffic.report(*calm)
    same({way: (said[way]["reordered"], said[way]["duplicated"]) for way in said},
         {"out": (0, 0), "in": (0, 0)}, "out of order, twice")
    said = watched.traffic.report(*rough)
    say(f"with a hung worker: {said}")
    claim(all(said[way]["gap_ms"] < HUNG_GAP_MS for way in said), f"a gap of less than {HUNG_GAP_MS} ms")
    watched.claim_unnoticed()


sys.exit(main())
