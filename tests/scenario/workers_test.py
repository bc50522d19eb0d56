#!/usr/bin/python3 -B
"""Workers come and go under traffic: none of it is lost when planned, less than a second when one hangs.

    inside 10.1.0.2 --- (ge001) node0 (ge000) --- outside --- 192.0.2.2 peer, LAN 10.2.0.1
"""

import os
import socket
import sys
import time

from story import Watched, becomes, claim, same, say, story
from labkit import failover, tunnel, wait

# timeout: 120

INTERVAL_US = 1000  # three times as many were more than two busy cores carry, whoever worked
HANG_MS = 1500
WORKERS = 4
HUNG_GAP_MS = 1000


def workers(node):
    return {w["worker"]: w for w in node.ask("show", "chassis", "fpc", "pic-status")["workers"]}


def wait_state(node, number, state):
    wait.until(lambda: workers(node)[number]["state"] == state, 10,
               lambda: f"worker {number} is {state}: {workers(node)}")


def wait_even(node, online):
    """Just these are online, and each has as many buckets as the others."""
    each = 1024 // len(online)
    becomes(lambda: {n: (w["state"], w["buckets"]) for n, w in workers(node).items()},
            {n: ("Online", each) if n in online else ("Offline", 0) for n in range(WORKERS)}, "who has what", 20)


def times_offline(node, number):
    with open(os.path.join(node.folder, "tandem-dataplane.out"), encoding="utf-8", errors="replace") as log:
        return sum(f"worker={number} state=offline" in line for line in log)


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
        wait_even(node, (0, 1))
    say(node.tandem("request", "chassis", "fpc", "slot", "1", "online").strip())
    wait_even(node, (0, 1, 2, 3))
    gone = [times_offline(node, n) for n in (0, 1)]
    node.tandem("request", "chassis", "fpc", "slot", "0", "restart")
    wait.until(lambda: all(times_offline(node, n) > gone[n] for n in (0, 1)), 20, "the first group has ended")
    wait_even(node, (0, 1, 2, 3))
    node.tandem("request", "chassis", "fpc", "slot", "1", "offline")
    wait_even(node, (0, 1))
    traffic.wait_received(failover.FLOWING)
    end = time.time_ns()
    traffic.wait_sent(end)
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
