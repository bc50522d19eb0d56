#!/usr/bin/python3 -B
"""A node's port belongs to the tap that reads it: the kernel neither answers nor asks there.

    peer (eth0 192.0.2.2) --- outside --- (ge000, 192.0.2.1 for this test only) node0

With an address on the port the kernel would answer pings; its copy of each frame is dropped at ingress, so
it does not, while a tap sees the frames. With the drop taken away it does: the check can fail.
"""

import subprocess
import sys

from story import claim, story


def answers(lab):
    done = subprocess.run(lab.argv_for("peer", ["ping", "-c", "2", "-i", "0.2", "-W", "1", "192.0.2.1"]),
                          stdout=subprocess.DEVNULL)
    return done.returncode == 0


def tap_sees_arp(lab):
    """Runs a tap on node0's outside port while the peer asks for an address that nobody has."""
    reader = ("import socket;s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW,socket.htons(3));"
              "s.bind(('ge000',0));s.settimeout(5);print('tap',flush=True)\n"
              "while s.recv(2048)[12:14]!=b'\\x08\\x06': pass")
    tap = subprocess.Popen(lab.argv_for("node0", ["/usr/bin/python3", "-c", reader]),
                           stdout=subprocess.PIPE, text=True)
    tap.stdout.readline()
    subprocess.run(lab.argv_for("peer", ["ping", "-c", "1", "-W", "1", "192.0.2.77"]),
                   stdout=subprocess.DEVNULL)
    return tap.wait(10) == 0


@story(nodes=1, start=False)
def main(lab):
    claim(tap_sees_arp(lab), "a tap on the port sees what the peer sends")
    lab.run("node0", "ip", "addr", "add", "192.0.2.1/24", "dev", "ge000")
    lab.run("node0", "ip", "link", "set", "ge000", "arp", "on")
    claim(not answers(lab), "the kernel does not answer on a node's port")
    lab.run("node0", "nft", "delete", "table", "netdev", "tap")
    claim(answers(lab), "without the drop it would")


sys.exit(main())
