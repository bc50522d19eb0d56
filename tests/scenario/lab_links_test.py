#!/usr/bin/python3 -B
"""The lab's links can be cut, in both ways or in one, and heal.

    node0 (cluster 10.255.0.1) --- cluster --- (cluster 10.255.0.2) node1

One-way cuts are told apart by who hears an ARP-free ping: the request must arrive to be counted.
"""

import subprocess
import sys

from story import claim, say, story


def reaches(lab, source, target):
    """A datagram from source arrives at target; both ways need not work."""
    receiver = ("import socket;s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM);"
                "s.bind(('',9));s.settimeout(1);print('up',flush=True);s.recv(9)")
    listening = subprocess.Popen(lab.argv_for(target, ["/usr/bin/python3", "-c", receiver]),
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    listening.stdout.readline()
    address = lab.address_of(target, "cluster")
    sender = f"import socket;socket.socket(socket.AF_INET,socket.SOCK_DGRAM).sendto(b'x',('{address}',9))"
    lab.run(source, "/usr/bin/python3", "-c", sender)
    return listening.wait(5) == 0


def both(lab):
    return reaches(lab, "node0", "node1"), reaches(lab, "node1", "node0")


def pin_neighbours(lab):
    """Fixed neighbour entries, so that one way works without the other."""
    for host, other in (("node0", "node1"), ("node1", "node0")):
        shown = lab.run(other, "ip", "-o", "link", "show", "cluster")
        mac = shown.split("link/ether ")[1].split()[0]
        lab.run(host, "ip", "neigh", "replace", str(lab.address_of(other, "cluster")), "lladdr", mac,
                "dev", "cluster")


@story(nodes=2, start=False)
def main(lab):
    pin_neighbours(lab)
    claim(both(lab) == (True, True), "whole links carry both ways")
    for way, wanted in (("both", (False, False)), ("to", (True, False)), ("from", (False, True))):
        lab.net.cut("node0", "cluster", way)
        claim(both(lab) == wanted, f"cut {way}: node0 to node1, node1 to node0 is {wanted}")
        lab.net.heal("node0", "cluster")
        if way == "both":  # the neighbour entries went with the carrier
            pin_neighbours(lab)
        claim(both(lab) == (True, True), "healed")
        say(f"cut {way} and healed")


sys.exit(main())
