#!/usr/bin/python3 -B
"""The owner dies after it has sent more packets since its last lease renewal than a takeover skips, so that
adding any such constant to what the log knows would repeat numbers. Nothing repeats: the successor starts
beyond everything that was ever promised.

                                 +-- node0 --+
    inside 10.1.0.2 --- inside --+           +-- outside --- 192.0.2.2 peer, LAN 10.2.0.1
      (reth1 10.1.0.1)           +-- node1 --+   (reth0 192.0.2.1)
                              cluster and fabric between the nodes

Leases are as long as Corosync may take to give a member up: here, with the default heartbeat, 4 s. At
10 000 packets a second a renewal comes every 80 000 packets.
"""

import re
import sys
import time

from story import Watched, claim, same, say, story
from capture import repeats
from labkit import failover, wait

# timeout: 300

INTERVAL_US = 100
JUMP = 2**16  # what a CLAIM grants to each SA, and the largest constant that anybody would add
SLOW = 30  # Corosync needs 4 s where the other stories' needs 0.4 s
OURS = "192.0.2.1"


def slow_heartbeat(text):
    return text.replace("heartbeat-interval 100;", "heartbeat-interval 1000;")


def log_index(node):
    """How many entries the group's log has; at rest only lease renewals add to it."""
    said = node.ask("show", "security", "ha", "replication")["replication"][0]
    group = next(row for row in said["redundancy-groups"] if row["id"] == failover.GROUP)
    return max(peer["last-sent"] for peer in group["peers"])


def encrypted(node):
    """Packets, of all SAs."""
    said = node.tandem("show", "security", "ipsec", "statistics")
    return int(re.search(r"Encrypted packets:\s+(\d+)", said)[1])


def wait_renewal(node, seconds=SLOW):
    """The next one: (the log's index after it, when it was seen)."""
    before = log_index(node)
    index = wait.until(lambda: (now := log_index(node)) > before and now, seconds, "a lease renewal")
    return index, time.time_ns()


@story(nodes=2, workers=2, edit=slow_heartbeat)
def main(lab):
    watched = Watched(lab)
    watched.begin(INTERVAL_US)
    chief = failover.owner(lab)
    for _ in range(3):  # the first are sized by a rate that was not there yet
        index, renewed_ns = wait_renewal(chief)
        say(f"renewed: entry {index}")
    for _ in range(3):  # a machine that stood still in between may have let the next one come
        goal = encrypted(chief) + JUMP + 2000
        wait.until(lambda: encrypted(chief) > goal, SLOW, f"{JUMP} packets more than at the renewal")
        if log_index(chief) == index:
            break
        index, renewed_ns = wait_renewal(chief)
    same(log_index(chief), index, "the last entry is still that renewal")
    died_ns = time.time_ns()
    gone, _ = failover.crash(lab, watched.traffic)
    say(f"{gone.host} died")
    watched.traffic.wait_received(20000, SLOW)
    watched.finish()

    wire = watched.captures["wire"]
    unpromised = [row for row in wire.analyse(renewed_ns, died_ns)["esp"].values() if row["from"] == OURS]
    after = [row for row in wire.analyse(died_ns + 10**9)["esp"].values() if row["from"] == OURS]
    claim(len(unpromised) == 1 and unpromised[0]["packets"] > JUMP,
          f"packets of our SA since the last renewal: {[row['packets'] for row in unpromised]} > {JUMP}")
    claim(len(after) == 1 and after[0]["lowest"] > unpromised[0]["highest"],
          f"the successor began at {after[0]['lowest']}, beyond {unpromised[0]['highest']}")
    packets, sequences, ivs = repeats(watched.wire)
    same((sequences, ivs), (0, 0), f"repeated sequence numbers and IVs in {packets} packets")
    same(failover.peer_noticed(watched.peer), (0, 0), "new IKE SAs and rekeys in the peer's capture")
    same(lab.peer.spis(), watched.spis, "the peer has the SAs of before")


sys.exit(main())
