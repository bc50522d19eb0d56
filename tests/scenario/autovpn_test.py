#!/usr/bin/python3 -B
"""One gateway and one VPN serve many spokes; the hub's owner dies, and none of them notices.

                                 +-- node0 --+             +-- 192.0.2.2   peer,   LAN 10.2.1.0/24
    inside 10.1.0.2 --- inside --+           +-- outside --+-- 192.0.2.12  spoke2, LAN 10.2.2.0/24
      (reth1 10.1.0.1)           +-- node1 --+             +-- 192.0.2.13  spoke3, LAN 10.2.3.0/24
                                     (reth0 192.0.2.1)     +-- 192.0.2.14  spoke4: one too many

Real strongSwan spokes are known by their names under vpn.example (AVP-001, ID-012), each by a key that the
hub's seed makes for its name (PSK-005). Each gets a tunnel and a route of its own (TS-008); spoke2 makes its IKE SA without a child first (RFC 6023). The fourth is refused
(AVP-002). spoke3 comes again from another address and takes the place of what it was. Then the owner is
killed: the heir has every spoke, with the numbers it had, and nobody negotiates anew (architecture rule 11).
"""

import copy
import sys

from story import becomes, claim, same, say, story
from labkit import failover, leaks, nat, pings, wait

# timeout: 120


def hub(text):
    text = text.replace("address 192.0.2.2;", "dynamic { hostname vpn.example; ike-user-type group-ike-id;"
                        " connections-limit 3; }", 1)
    text = text.replace("remote-identity {\n                hostname peer.example;\n            }", "", 1)
    text = text.replace("remote-ip 10.2.0.0/24", "remote-ip 10.2.0.0/16", 1)
    text = text.replace("pre-shared-key ascii-text", "seeded-pre-shared-key ascii-text", 1)
    return text.replace("            establish-tunnels on-traffic;\n", "", 1)


class Spoke:
    def __init__(self, lab, number):
        self.lab, self.number = lab, number
        self.host = "peer" if number == 1 else f"spoke{number}"
        self.address = "192.0.2.2" if number == 1 else f"192.0.2.{10 + number}"
        if number == 1:
            lab.run("peer", "ip", "addr", "add", "10.2.1.1/24", "dev", "lan0")
            self.charon = lab.peer
        else:
            self.charon = nat.make_peer(lab, self.host, "outside", f"{self.address}/24", "192.0.2.1",
                                        f"10.2.{number}.1/24")

    def configure(self, **changes):
        mirror = copy.copy(self.lab.mirror)
        mirror.own_id = f"spoke{self.number}.vpn.example"
        mirror.address = self.address
        mirror.psk = seeded_key(self.lab, mirror.own_id)
        mirror.children = {"LAN": dict(self.lab.mirror.children["LAN"], local_ts=f"10.2.{self.number}.0/24")}
        self.charon.configure(mirror, changes)

    def begin(self, **changes):
        self.configure(**changes)
        if self.number != 1:
            self.charon.start()
        self.charon.initiate("LAN")

    def ping(self, count=2):
        return nat.received(self.lab.net.inside_of(
            self.host, *pings.argv("10.1.0.2", count, "-I", f"10.2.{self.number}.1")))


def seeded_key(lab, name):
    """What the operator of a hub gives to a spoke; the wrong one gets nowhere (PSK-005)."""
    said = lab.nodes[0].tandem("request", "security", "ike", "pre-shared-key", "gateway", "PEER",
                               "peer-ike-id", name)
    key = said.split("Pre-shared key: ")[1].split()[0]
    leaks.learn(key, f"the seeded key of {name}")
    return key


def tunnels(node):
    """{remote network: ID} of what the node lists."""
    said = node.tandem("show", "security", "ipsec", "security-associations", "detail")
    found, number = {}, None
    for line in said.splitlines():
        if line.startswith("ID: "):
            number = int(line.split()[1].rstrip(","))
        elif "Remote Identity" in line and "10.2." in line:
            found["10.2." + line.split("10.2.")[1].split("-")[0]] = number
    return found


def all_ping(lab, spokes):
    """Routes follow the SAs, and an heir's dataplane its control, by a moment."""
    for spoke in spokes:
        wait.until(lambda spoke=spoke: spoke.ping(1), 10, f"a ping of {spoke.host} is answered")
        same(spoke.ping(), 2, f"pings of {spoke.host} that were answered")
        lab.run("inside", "ping", "-c", "1", "-W", "2", f"10.2.{spoke.number}.1")
    say("pings from inside reach each spoke")


@story(nodes=2, edit=hub)
def main(lab):
    spokes = [Spoke(lab, number) for number in (1, 2, 3, 4)]
    try:
        tell(lab, spokes)
    finally:
        for spoke in spokes[1:]:
            spoke.charon.stop()


def tell(lab, spokes):
    failover.wait_synced(lab)
    owner = failover.owner(lab)
    spokes[0].begin()
    spokes[1].begin(childless="force")
    spokes[2].begin()
    all_ping(lab, spokes[:3])
    becomes(lambda: sorted(tunnels(owner)), ["10.2.1.0", "10.2.2.0", "10.2.3.0"], "tunnels of spokes")
    before = tunnels(owner)
    claim(len(set(before.values())) == 3, f"each has a number of its own: {before}")
    becomes(lambda: [n for n in (1, 2, 3) if f"10.2.{n}.0/24" in owner.tandem("show", "route")], [1, 2, 3],
            "each network has a route")

    try:
        spokes[3].begin()
        claim(False, "spoke4 is refused")
    except RuntimeError:
        pass
    claim("TEMPORARY_FAIL" in spokes[3].charon.said(), "spoke4 was told TEMPORARY_FAILURE")
    claim(owner.events("connections-limit is reached"), "the log says why")

    spokes[2].charon.stop()
    spokes[2].address = "192.0.2.23"
    space = lab.net.ns("spoke3")
    nat.run("ip", "-n", space, "addr", "flush", "dev", "eth0")
    nat.run("ip", "-n", space, "addr", "add", "192.0.2.23/24", "dev", "eth0")
    nat.run("ip", "-n", space, "route", "replace", "default", "via", "192.0.2.1")
    spokes[2].begin()
    all_ping(lab, spokes[:3])

    becomes(lambda: sorted(tunnels(owner)), ["10.2.1.0", "10.2.2.0", "10.2.3.0"], "tunnels of spokes")
    before = tunnels(owner)
    spis = [spoke.charon.spis() for spoke in spokes[:3]]
    ups = {node.number: len(node.events(" ike.up ")) for node in lab.nodes}
    lab.kill_node(owner)
    heir = failover.standby_of(lab, owner)
    wait.until(lambda: failover.owner_in(failover.view(heir)) == heir.number, failover.SETTLE_S,
               f"{heir.host} takes over")
    say(f"{owner.host} died")
    all_ping(lab, spokes[:3])
    becomes(lambda: tunnels(heir), before, "tunnels and their numbers at the heir")
    same([spoke.charon.spis() for spoke in spokes[:3]], spis, "SAs of the spokes")
    same(len(heir.events(" ike.up ")) - ups[heir.number], 0, "IKE SAs that came up since")
    spokes[1].charon.rekey_child("LAN")
    same(spokes[1].ping(), 2, "pings of spoke2 after a rekey")


sys.exit(main())
