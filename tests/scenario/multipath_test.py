#!/usr/bin/python3 -B
"""ESP in UDP 4565, so that routers spread the inner flows over their paths, from all workers, each with a child SA of
its own (RFC 9611); a worker goes and comes back, then the owner dies, and every flow keeps its outer source port, every
worker its SA. Outer headers carry the TTL, DSCP and DF that the VPN says.

                                 +-- node0 --+
    inside 10.1.0.2 --- inside --+           +-- outside --- far, a Tandem node --- lan --- peer 10.2.0.1
      (reth1 10.1.0.1)           +-- node1 --+   (reth0 192.0.2.1)

Flows cannot be told apart on the wire, but here each has packets of its own size. UDP-001 to UDP-004, PKT-011.
"""

import os
import sys

from story import claim, same, say, story
from capture import Capture, packets
from labkit import failover, tunnel, wait
from labkit.far import Far
from labkit.world import complete
from traffic import Traffic

# timeout: 120

FLOWS, EACH, STEP, FIRST = 12, 10, 32, 300
OPTIONS = "multi-sa per-worker; udp-encapsulate; df-bit set; ttl 33; tos 184; establish-tunnels on-traffic;"

SEND = """import socket, sys, time
flows, each, step, first = map(int, sys.argv[1:])
socks = []
for k in range(flows):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("10.1.0.2", 5000 + k))
    socks.append(s)
for _ in range(each):
    for k, s in enumerate(socks):
        s.sendto(bytes(first + k * step), ("10.2.0.1", 9))
    time.sleep(0.002)
"""


def options(text):
    return text.replace("establish-tunnels on-traffic;", OPTIONS, 1)


def send_flows(lab, name):
    """{size on the wire: source ports} of what the group's address sent, all (TOS, TTL, DF) of it, and all SPIs."""
    capture = Capture(lab, "hub", "outside", os.path.join(lab.folder, f"{name}.pcap"),
                      "src host 192.0.2.1 and not arp")
    capture.start()
    lab.run("inside", "/usr/bin/python3", "-c", SEND, *map(str, (FLOWS, EACH, STEP, FIRST)))
    ports, headers, spis = {}, set(), set()
    for _, frame in packets(capture.stop()):
        if frame[23] == 17 and bytes(frame[36:38]) == (4565).to_bytes(2, "big"):
            size = int.from_bytes(frame[38:40], "big")
            ports.setdefault(size, []).append(int.from_bytes(frame[34:36], "big"))
            spis.add(bytes(frame[42:46]).hex())
            headers.add((frame[15], frame[22], frame[20] >> 6 & 1))
        elif frame[23] != 1 and int.from_bytes(frame[36:38], "big") != 500:
            claim(False, f"nothing else leaves: protocol {frame[23]} {bytes(frame[34:42]).hex()}")
    mine = {size: list(dict.fromkeys(found)) for size, found in ports.items() if size > FIRST}
    claim(len(mine) == FLOWS, f"{FLOWS} flows crossed, {sum(map(len, ports.values()))} packets in UDP 4565")
    same(max(map(len, mine.values())), 1, f"source ports of a flow ({name})")
    return {size: found[0] for size, found in mine.items()}, headers, spis


def own_sas(node):
    """{worker: what is said of it} of the SAs that one worker alone sends with."""
    listed = node.ask("show", "security", "ipsec", "security-associations", "detail")
    return {sa["own-sa-of-worker"]: sa for sa in listed["ipsec-security-associations"] if "own-sa-of-worker" in sa}


def spread(lab, name):
    """Once more and once more, until each worker that has flows sends with an SA for them."""
    send_flows(lab, f"{name}-first")
    wait.until(lambda: own_sas(failover.owner(lab)), 5, "a worker has an SA of its own")
    found = []

    def both():
        found[:] = send_flows(lab, f"{name}-{len(found)}")
        return len(found[2]) == 2
    wait.until(both, 10, lambda: f"the packets of one tunnel leave with the SAs of two workers: {found[2]}")
    return found


def worker_is(node, number, word, state):
    node.tandem("request", "chassis", "pic", "fpc-slot", str(number // 2), "pic-slot", str(number % 2), word)

    def found():
        listed = node.ask("show", "chassis", "fpc", "pic-status")["workers"]
        return next(w["state"] for w in listed if w["worker"] == number)
    wait.until(lambda: found() == state, 10, lambda: f"worker {number} is {state}, not {found()}")


def goes_and_comes(lab, before):
    """One of the two that have SAs of their own. Its flows go on with the other one's, or with its own there."""
    node = failover.owner(lab)
    gone = max(own_sas(node))
    worker_is(node, gone, "offline", "Offline")
    away, _, _ = send_flows(lab, "away")
    claim(away == before, f"every flow has the port of before without worker {gone}")
    worker_is(node, gone, "online", "Online")
    back, _, spis = spread(lab, "back")
    claim(back == before, "every flow has the port of before when it is back")
    wait.until(lambda: gone in own_sas(node), 5, f"worker {gone} has an SA of its own again")
    claim(len(spis) == 2, f"the packets of one tunnel leave with the SAs of two workers again: {sorted(spis)}")
    return spis


@story(nodes=2, workers=2, peer="none", edit=options)
def main(lab):
    lab.configure_inside()
    lab.run("hub", "ip", "link", "set", "outside", "promisc", "on")
    far = Far(lab)
    try:
        far.start_far(lambda text, workers: complete(
            text + "set security ipsec vpn V udp-encapsulate dest-port 4565\n", workers))
        failover.wait_synced(lab)
        tunnel.from_inside(lab)
        say("pings cross, both ways in UDP 4565")
        listed = failover.owner(lab).tandem("show", "security", "ipsec", "security-associations", "detail")
        claim("UDP encapsulate: Enabled, UDP Destination port: 4565" in listed, "show detail says so")
        before, headers, spis = spread(lab, "before")
        claim(len(spis) == 2, f"the packets of one tunnel leave with the SAs of two workers: {sorted(spis)}")
        same(headers, {(184, 33, 1)}, "TOS, TTL and DF of outer headers")
        claim(len(set(before.values())) >= FLOWS - 2, f"{FLOWS} flows, ports {sorted(before.values())}")
        spis = goes_and_comes(lab, before)
        traffic = Traffic(lab)
        traffic.start()
        traffic.wait_received(300)
        gone, _ = failover.crash(lab, traffic)
        traffic.stop()
        say(f"{gone.host} died")
        after, _, kept = send_flows(lab, "after")
        claim(after == before, "every flow has the port of before")
        same(kept, spis, "SPIs after the owner's death")
    finally:
        far.end()


sys.exit(main())
