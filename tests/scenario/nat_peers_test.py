#!/usr/bin/python3 -B
"""Three peers behind one NAT address; the mapping changes under them.

                                                          +--- 10.55.0.2 peer, LAN 10.2.1.0/24
    inside 10.1.0.2 --- node0 192.0.2.1 --- 192.0.2.2 nat +--- 10.55.0.3 peer2, LAN 10.2.2.0/24
                                                          +--- 10.55.0.4 peer3, LAN 10.2.3.0/24

They are told apart by port and SPI (NAT-003). peer3 asks for peer2's LAN first: it belongs to who came first,
so that peer3 is refused and peer2 goes on (docs/nat.md). Then the NAT forgets its mappings, and each peer's
next packet is enough (NAT-006). At last the way to them becomes narrow, and the NAT box says so: the node
believes it about its own packets, and tells the sender inside (RFC 4301 8).
"""

import copy
import sys

from story import claim, same, say, story
from labkit import nat, pings, wait

# timeout: 90

def many(text):
    """The gateway takes any peer, and each may ask for a part of 10.2/16."""
    text = text.replace("address 192.0.2.2;", "dynamic { general-ikeid; }", 1)
    text = text.replace("remote-identity {\n                hostname peer.example;\n            }", "", 1)
    text = text.replace("establish-tunnels", "df-bit copy; establish-tunnels", 1)
    return text.replace("remote-ip 10.2.0.0/24", "remote-ip 10.2.0.0/16", 1)


class Peer:
    def __init__(self, lab, number, charon):
        self.lab, self.number, self.charon = lab, number, charon
        self.host = "peer" if number == 1 else f"peer{number}"

    def configure(self, lan=None):
        mirror = copy.copy(self.lab.mirror)
        mirror.own_id = f"{self.host}.example"
        mirror.address = f"10.55.0.{self.number + 1}"
        mirror.children = {"LAN": dict(self.lab.mirror.children["LAN"],
                                       local_ts=f"10.2.{lan or self.number}.0/24")}
        self.charon.configure(mirror)

    def ping(self, count=2):
        """How many of our pings from its LAN are answered."""
        return nat.received(self.lab.net.inside_of(self.host, *pings.argv(
            "10.1.0.2", count, "-I", f"10.2.{self.number}.1")))


@story(nodes=1, edit=many)
def main(lab):
    box = nat.Nat(lab, "nat", ("outside", "192.0.2.2/24"), "10.55.0.1/24", "behind")
    nat.move_behind(lab, "peer", "behind", "10.55.0.2/24", "10.55.0.1")
    lab.run("peer", "ip", "addr", "add", "10.2.1.1/24", "dev", "lan0")
    peers = [Peer(lab, 1, lab.peer)]
    for number in (2, 3):
        charon = nat.make_peer(lab, f"peer{number}", "behind", f"10.55.0.{number + 1}/24", "10.55.0.1",
                               f"10.2.{number}.1/24")
        peers.append(Peer(lab, number, charon))
    try:
        for peer in peers:
            peer.configure(lan=2 if peer.number == 3 else None)
            if peer.number != 1:
                peer.charon.start()
        tell(lab, box, peers)
    finally:
        for peer in peers[1:]:
            peer.charon.stop()


def tell(lab, box, peers):
    node = lab.nodes[0]
    for peer in peers[:2]:
        peer.charon.initiate("LAN")
    try:
        peers[2].charon.initiate("LAN", 5)
        claim(False, "peer3 is refused what is peer2's")
    except RuntimeError:
        pass
    claim("TS_UNACCEPTABLE" in peers[2].charon.said(), "peer3 was told TS_UNACCEPTABLE")
    claim(node.events("another peer has these addresses"), "the log says why")
    peers[2].configure()
    peers[2].charon.initiate("LAN")
    for peer in peers:  # the route follows the SA by a moment
        wait.until(lambda peer=peer: peer.ping(1), 10, f"a ping of {peer.host} is answered")
        same(peer.ping(), 2, f"pings of {peer.host} that were answered")
    for peer in peers:
        lab.run("inside", "ping", "-c", "1", "-W", "2", f"10.2.{peer.number}.1")
    say("pings from inside reach each peer")
    before = nat.ports_of(node)
    claim(len(set(before)) == 3 and all(port in box.ports() for port in before), f"ports {before}")
    listed = node.tandem("show", "security", "ipsec", "security-associations")
    claim(" 4500 " in listed and " 500 " not in listed, "the Port column says 4500")

    fresh = box.rebind()
    say("the NAT forgot its mappings")
    for peer in peers:
        answered = peer.ping(4)
        claim(answered >= 3, f"{peer.host}: {answered} of 4 pings answered after the change")
    wait.until(lambda: all(port in fresh for port in nat.ports_of(node)), 10, "IKE SAs have the new ports")
    for peer in peers:
        lab.run("inside", "ping", "-c", "1", "-W", "2", f"10.2.{peer.number}.1")
        peer.charon.rekey_child("LAN")
        same(peer.ping(), 2, f"pings of {peer.host} answered after a rekey")
    same(len(node.events(" ike.up ")), 3, "IKE SAs that came up, in all")
    narrow_way(lab, box)


def narrow_way(lab, box):
    """1300 octets inside are 1356 outside: the first one is lost at the box."""
    box.narrow(1320)
    ping = lab.argv_for("inside", ["ping", "-M", "do", "-c", "3", "-i", "0.2", "-W", "1", "-s", "1272", "10.2.1.1"])
    said = nat.said_by(ping)
    claim("From 10.1.0.1" in said and "mtu = 12" in said, "the node tells the inside host what fits")
    said = nat.said_by([word if word != "1272" else "1200" for word in ping])
    claim("3 received" in said, "what fits arrives")


sys.exit(main())
