#!/usr/bin/python3 -B
"""A strongSwan peer changes its address (RFC 4555), and is then sent to another gateway (RFC 5685).

    inside 10.1.0.2 --- node0 192.0.2.1, and .5 --- outside --- 192.0.2.2, later .77: peer, LAN 10.2.0.1
"""

import sys

from story import becomes, claim, same, say, story
from labkit import tunnel, wait
from labkit.net import run

ELSE = """
interfaces { st0 { unit 2 { family inet; } } }
security {
    ike { gateway ZELSE {
        ike-policy PEER; dynamic { hostname peer.example; } local-identity { hostname tandem.example; }
        external-interface ge-0/0/0.0; local-address 192.0.2.5; version v2-only; } }
    ipsec { vpn ZELSE {
        bind-interface st0.2; ike { gateway ZELSE; ipsec-policy ESP; }
        traffic-selector LAN { local-ip 10.1.0.0/24; remote-ip 10.2.0.0/24; } } }
}
"""


def two_gateways(text):
    text = text.replace("address 192.0.2.1/24;", "address 192.0.2.1/24; address 192.0.2.5/24;", 1)
    # dynamic gateways: their peers may move, and a LAN is where the tunnel is that is up
    return text.replace("address 192.0.2.2;", "dynamic { hostname peer.example; }", 1) + ELSE


def address(lab, what, which):
    run("ip", "-n", lab.net.ns("peer"), "addr", what, f"{which}/24", "dev", "eth0")


def listed(node, *words):
    return node.tandem("show", "security", "ike", "security-associations", *words)


def both_ways(lab):
    """Once the new way is known at both ends, and the route that follows an SA is there."""
    tunnel.settled(lab)
    lab.run("peer", "ping", "-c", "1", "-W", "2", "-I", tunnel.lan(lab), "10.1.0.2")


@story(nodes=1, edit=two_gateways, changes={"mobike": "yes", "local_addrs": "%any"})
def main(lab):
    node = lab.nodes[0]
    lab.peer.initiate("LAN")
    tunnel.settled(lab)
    claim("peer supports MOBIKE" in lab.peer.said(), "both ends do MOBIKE")
    before = lab.peer.spis()["ike"]

    lab.run("peer", "sysctl", "-qw", "net.ipv4.conf.eth0.promote_secondaries=1")
    address(lab, "add", "192.0.2.77")
    address(lab, "del", "192.0.2.2")
    wait.until(lambda: "192.0.2.77" in listed(node), 8, "the node knows where the peer is now")
    both_ways(lab)
    # strongSwan's ESP in user space cannot move an SA: it rekeys the child by the new way
    same(lab.peer.spis()["ike"], before, "the IKE SA is the same")
    same(len(node.events(" ike.up ")), 1, "IKE SAs that came up")
    claim(node.events("by=mobike"), "the log says how it moved")
    wait.until(lambda: "response 0 [ N(COOKIE2) ]" in lab.peer.said(), 10, "the peer repeats our COOKIE2")

    node.tandem("request", "security", "ike", "redirect", "gateway", "PEER", "to", "192.0.2.5", "active")
    wait.until(lambda: node.events(" ike.up ")[1:], 8, "the peer comes back")
    both_ways(lab)
    claim("gw=ZELSE" in node.events(" ike.up ")[-1], "by the other gateway")
    becomes(lambda: len(lab.peer.spis()["ike"]), 1, "the peer's IKE SAs")
    say(node.tandem("show", "security", "ike", "redirect").strip())

    lab.peer.terminate()
    lab.peer.initiate("LAN")
    both_ways(lab)
    claim("gw=ZELSE" in node.events(" ike.up ")[-1], "a new one is sent there at once")
    same(len(node.events(" ike.up ")), 3, "IKE SAs that came up, in all")
    node.tandem("clear", "security", "ike", "redirect")
    claim("192.0.2.5" not in node.tandem("show", "security", "ike", "redirect"), "and no longer when cleared")


sys.exit(main())
