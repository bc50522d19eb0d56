#!/usr/bin/python3 -B
"""A configuration with an error is refused with path, statement and reason; the running one stays, and so
does the tunnel. The corrected file is taken. While a file is read, however long that takes, peers and the operator
are served.

    inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1 --- outside --- 192.0.2.2 peer, LAN 10.2.0.1
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

from story import claim, same, story
from labkit import tunnel, wait
from traffic import Traffic


def written_by(path):
    """The other end of a FIFO; None as long as nobody reads it."""
    try:
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


def slow_reload(node, good, meanwhile):
    """Reloads from a file that somebody else has yet to write; it is an ordinary one again after that."""
    os.unlink(node.conf)
    os.mkfifo(node.conf, 0o600)
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(node.tandem, "request", "system", "configuration", "reload", seconds=30)
                 for _ in range(2)]
        with os.fdopen(wait.until(lambda: written_by(node.conf), 10, "the file is being read"), "w",
                       encoding="utf-8") as out:
            node.write_conf(good)
            meanwhile()
            claim(not any(one.done() for one in asked), "it is still being read")
            os.set_blocking(out.fileno(), True)
            out.write(good)
        return [one.result() for one in asked]


@story(nodes=1)
def main(lab):
    node = lab.nodes[0]
    tunnel.from_peer(lab)
    spis = lab.peer.spis()
    traffic = Traffic(lab)
    traffic.start()
    traffic.wait_received(300)
    good = node.read_conf()
    node.write_conf(good.replace("ike-policy PEER;", "ike-policy NOWHERE;"))
    try:
        node.tandem("request", "system", "configuration", "reload")
        claim(False, "the broken configuration is refused")
    except RuntimeError as why:
        claim("NOWHERE" in str(why) and "[edit security ike gateway PEER" in str(why),
              f"the complaint names path and statement: {why}")
    same(lab.peer.spis(), spis, "the SAs are the same")
    said = slow_reload(node, good, lambda: node.tandem("request", "security", "ipsec", "rekey"))
    same(said, ["configuration loaded\n"] * 2, "both who asked are told when it is in effect")
    wait.until(lambda: lab.peer.spis() not in ({}, spis), 10, "the rekey went through meanwhile")
    traffic.wait_received(300)
    traffic.stop()
    said = traffic.report()
    same((said["out"]["lost"], said["in"]["lost"]), (0, 0), "packets lost")


sys.exit(main())
