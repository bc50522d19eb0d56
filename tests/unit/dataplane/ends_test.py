#!/usr/bin/python3
"""How the dataplane ends: told to, soon and well whatever its workers do; by itself, saying why (DPL-001).

      peer ---- [ dataplane ] ---- host

usage: ends_test.py PROGRAM [CASE...]
"""
import logging
import select
import sys
import threading
import time

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.all import ICMP, IP, Ether, Raw  # noqa: E402

import node_test as nt  # noqa: E402
import world  # noqa: E402
from node_test import FAR, GW_OUT, HOST, PEER, inner  # noqa: E402

GAVE_UP = 70
SOON = 12  # seconds: threads have one, and a busy machine its time; far from LONG_MS
LONG_MS = 30000
HELD_S = 10
AGAIN_S = 0.5
ATTEMPTS = 5


def main():
    world.need_root()
    w = world.World(sys.argv[1])
    rc = 1
    try:
        rc = world.run(cases(nt.Node(w, 2, test=True)), sys.argv[2:])
    finally:
        rc += w.close()
    return rc


def cases(n):
    dp = n.dp

    def again():
        """A new one in place of the one that ended."""
        dp.start()
        dp.call(hello={"schema": 1, "version": "test"})
        dp.call(configure=n.conf)
        dp.call(rg_set={"rg": 1, "role": "RG_ACTIVE", "epoch": 1, "deadline_ns": world.FOREVER})
        n.mac_out, n.mac_in = n.resolve(n.peer, PEER, GW_OUT), n.resolve(n.host, HOST, nt.GW_IN)

    def ends(wanted, *words):
        """It has ended, or does soon, with this status and these words at the end of its log."""
        began = time.monotonic()
        status = dp.stop()
        took = time.monotonic() - began
        assert status == wanted, "status %s" % status
        assert took < SOON, "after %.1f s" % took
        last = "".join(dp.logged("")[-3:])
        assert all(word in last for word in words), last

    def hold():
        """One worker has begun to hang with a packet, whichever it comes to. Where the log was before."""
        n.fresh()
        since = len(dp.logged(""))
        for worker in (0, 1):
            dp.hang("hang", worker, LONG_MS)
        dp.wait_logged("worker=1 ms=%d" % LONG_MS, since=since)
        end = time.monotonic() + HELD_S
        sent = 0
        while not dp.logged("dp.test.held", since):
            assert time.monotonic() < end, "no worker hangs: %s" % {k: v for k, v in dp.counters().items() if v}
            if time.monotonic() > sent + AGAIN_S:
                n.from_host(inner(src=HOST, dst=FAR))
                sent = time.monotonic()
            for worker in (0, 1):
                dp.hang("held", worker, 0)
            select.select([], [], [], 0.005)
        for worker in (0, 1):  # the other one goes on
            dp.hang("hang", worker, 0)
        return since

    def without_a_worker_that_a_packet_holds():
        for attempt in range(ATTEMPTS):
            if attempt:
                again()
            since = hold()
            ends(0, "dp.stopped")
            if not dp.logged("dp.worker.hung", since):  # else it was found first: the next case
                break
        assert dp.logged("dp.worker.stays", since)

    def without_a_worker_that_was_found_hung():
        again()
        since = hold()
        dp.wait_logged("dp.worker.hung", since=since)
        ends(0, "dp.stopped")

    def in_the_middle_of_an_order():
        again()
        dp.hang("hang-order", 1, LONG_MS)
        dp.wait_logged("order=1")
        ends(0, "dp.worker.stays", "worker=1", "dp.stopped")

    def by_itself_when_an_order_never_ends():
        again()
        dp.hang("hang-order", 1, LONG_MS)
        dp.wait_logged("dp.gave.up")
        ends(GAVE_UP, "dp.gave.up", "worker 1 is stuck in an order")

    def under_a_flood():
        again()
        since = len(dp.logged(""))
        frame = bytes(Ether(src=n.peer.mac, dst=n.mac_out) / IP(src=PEER, dst=GW_OUT) /
                      ICMP(id=1, seq=1) / Raw(b"q" * 32))
        over = threading.Event()

        def flood():
            while not over.is_set():
                n.peer.send(frame)

        threads = [threading.Thread(target=flood) for _ in range(2)]
        for t in threads:
            t.start()
        try:
            assert n.at_peer()
            ends(0, "dp.stopped rc=0")
        finally:
            over.set()
            for t in threads:
                t.join()
        assert not dp.logged("dp.worker.stays", since)

    def while_buckets_move():
        again()
        dp.send(worker_set={"workers": [0], "action": "WORKER_OFFLINE"})
        dp.wait_logged("worker=0 state=leaving")
        ends(0, "dp.stopped rc=0")

    def while_it_configures():
        again()
        more = dict(n.conf, ports=n.conf["ports"][:1], interfaces=n.conf["interfaces"][::2])
        dp.send(configure=more)
        dp.send(configure=n.conf)
        ends(0, "dp.stopped rc=0")

    return [without_a_worker_that_a_packet_holds, without_a_worker_that_was_found_hung,
            in_the_middle_of_an_order, by_itself_when_an_order_never_ends, under_a_flood,
            while_buckets_move, while_it_configures]


if __name__ == "__main__":
    sys.exit(main())
