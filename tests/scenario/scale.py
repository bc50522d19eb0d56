"""Many child SAs under one IKE SA: what the stories about them share. One selector, one address behind the
peer, one child for each; the traffic takes the addresses in turns."""

import re
import socket

from story import say
from labkit import wait

CHILDREN = 500
FIRST = "10.2.0.1"
UP_S = 60

KNOCK = """import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for address in sys.argv[1:]:
    s.sendto(b"knock", (address, 9))
    time.sleep(0.001)
"""


def addresses():
    first = int.from_bytes(socket.inet_aton(FIRST), "big")
    return [socket.inet_ntoa((first + k).to_bytes(4, "big")) for k in range(CHILDREN)]


def many_selectors(text):
    """The lab's configuration with a selector for each address instead of the one for their network."""
    rows = "".join(f"traffic-selector S{k} {{ local-ip 10.1.0.0/24; remote-ip {address}/32; }}\n"
                   for k, address in enumerate(addresses()))
    return re.sub(r"traffic-selector LAN \{[^}]*\}", rows, text)


def pairs(node):
    """Of `show security ipsec security-associations`: the SPIs inbound and outbound, sorted."""
    listed = node.tandem("show", "security", "ipsec", "security-associations").splitlines()
    rows = [line.split() for line in listed if line.strip()[:1] in ("<", ">")]
    return {way: sorted(row[2] for row in rows if row[0][0] == way) for way in "<>"}


def knock(lab):
    """A datagram to each address: the first one asks for its tunnel."""
    lab.run("inside", "/usr/bin/python3", "-c", KNOCK, *addresses())


def bring_up(lab, node):
    """Every child, asked for by traffic from inside."""
    def all_up():
        knock(lab)
        return len(pairs(node)["<"]) >= CHILDREN
    wait.until(all_up, UP_S, lambda: f"{CHILDREN} children, have {len(pairs(node)['<'])}")
    say(f"{len(pairs(node)['<'])} children are up")


def answered(rows, since_ns):
    """How many of the addresses' numbers arrived since then."""
    return len({number % CHILDREN for number, _, received in rows if received >= since_ns})
