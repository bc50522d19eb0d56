#!/usr/bin/python3 -B
"""Two VPNs on one multipoint unit: the next hop of a route says which of them a packet takes, by a binding that
was written or learned (ST0-002, ST0-003).

    inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1 --- outside --- 192.0.2.2 peer, LAN 10.2.0.1
                               st0.1 10.255.0.1/24: WIDE (10.2.0.0/16) and NEAR (10.2.0.0/24, 10.255.0.3)
"""

import sys

from story import becomes, claim, same, story
from labkit import nat, pings, wait

UNIT = """multipoint;
            family inet {
                address 10.255.0.1/24;
                next-hop-tunnel 10.255.0.2 ipsec-vpn WIDE;
            }"""
ROUTES = """
routing-options {
    static {
        route 10.2.0.1/32 next-hop 10.255.0.2;
        route 10.77.0.0/16 next-hop 10.255.0.3;
        route 10.78.0.0/16 next-hop 10.255.0.4;
    }
}
"""
SELECTORS = """traffic-selector LAN {
                local-ip 10.1.0.0/24;
                remote-ip 10.2.0.0/24;
            }
            traffic-selector HOST {
                local-ip 10.255.0.1/32;
                remote-ip 10.255.0.3/32;
            }"""
WIDE = """traffic-selector ALL {
                local-ip 10.1.0.0/24;
                remote-ip 10.2.0.0/16;
            }"""


def edit(text):
    text = text.replace("unit 1 {\n            family inet;", "unit 1 {\n            " + UNIT)
    head, _, vpn = text.rpartition("        vpn PEER {")
    body = "        vpn PEER {" + vpn[:vpn.rindex("    }\n}")]
    old = body[body.index("traffic-selector"):body.index("            establish")].rstrip()
    body = body.replace("on-traffic", "immediately")
    near = body.replace("vpn PEER", "vpn NEAR").replace(old, SELECTORS)
    wide = body.replace("vpn PEER", "vpn A-WIDE").replace("A-WIDE", "WIDE").replace(old, WIDE)
    return head + near + wide + "    }\n}" + ROUTES


def sent(node):
    """Packets out by VPN."""
    found = {}
    for one in node.ask("show", "security", "ipsec", "security-associations")["ipsec-security-associations"]:
        found[one["vpn"]] = found.get(one["vpn"], 0) + one["output-packets"]
    return found


def more(node, before):
    now = sent(node)
    return {vpn: now[vpn] - before.get(vpn, 0) for vpn in now}


def answers(lab, to):
    return nat.received(lab.argv_for("inside", ["ping", "-c", "1", "-W", "1", to])) == 1


def ping(lab, to):
    same(nat.received(lab.argv_for("inside", pings.argv(to, 3, every=0.2))), 3, f"pings that {to} answers")


@story(nodes=1, edit=edit)
def main(lab):
    node = lab.nodes[0]
    wait.until(lambda: len(lab.peer.spis()["esp"]) == 3, 15, "three pairs of SAs are up")
    wait.until(lambda: len(node.ask("show", "security", "ipsec", "next-hop-tunnels")["next-hop-tunnels"]) == 2, 5,
               "two bindings")
    same([(one["next-hop"], one["vpn"], one["flag"], one["ike-id"])
          for one in node.ask("show", "security", "ipsec", "next-hop-tunnels")["next-hop-tunnels"]],
         [("10.255.0.2", "WIDE", "Static", "peer.example"), ("10.255.0.3", "NEAR", "Auto", "peer.example")],
         "written and learned")

    def found():
        routes = {r["destination"]: r for r in node.ask("show", "route")["routes"]}
        return routes.get("10.77.0.0/16", {}).get("next-hop"), "10.78.0.0/16" in routes

    becomes(found, ("10.255.0.3", False), "a next hop is good when something is bound to it")
    lab.run("peer", "ip", "addr", "add", "10.2.0.9/32", "dev", "lan0")
    for to in ("10.2.0.1", "10.2.0.9"):
        wait.until(lambda to=to: answers(lab, to), 10, f"{to} answers")
    for to, vpn, what in (("10.2.0.1", "WIDE", "the next hop's VPN took the packets"),
                          ("10.2.0.9", "NEAR", "and the others their selector's")):
        before = sent(node)
        ping(lab, to)
        becomes(lambda before=before: [name for name, n in more(node, before).items() if n], [vpn], what)


sys.exit(main())
