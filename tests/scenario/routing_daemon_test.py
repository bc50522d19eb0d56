#!/usr/bin/python3 -B
"""A routing daemon beside Tandem speaks BGP through the tunnel: its TUN device is the unit st0.1, in a routing
instance with the inside, while the gateway is in the default one (ST0-001, ST0-004, CLI-011).

    inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1 --- outside --- 192.0.2.2 peer, LANs 10.2.0.1, 10.9.0.1
                  BIRD on st0.1 10.255.0.1 ======= BGP ======= 10.255.0.2 BIRD
"""

import os
import sys

from story import claim, same, story
from labkit import nat, pings, wait
from labkit.proc import Proc

UNIT = """family inet {
                address 10.255.0.1/30;
            }
            kernel-device st0.1;"""
SELECTORS = """traffic-selector LINK {
                local-ip 10.255.0.1/32;
                remote-ip 10.255.0.2/32;
            }
            traffic-selector FAR {
                local-ip 10.1.0.0/24;
                remote-ip 10.8.0.0/15;
            }
            traffic-selector LAN {"""
INSTANCE = """
routing-instances {
    BLUE {
        instance-type virtual-router;
        interface ge-0/0/1.0;
        interface st0.1;
    }
}
"""
BIRD = """
router id {own};
protocol device {{ scan time 1; }}
protocol kernel {{ learn; ipv4 {{ import all; export where source = RTS_BGP; }}; scan time 1; }}
protocol static {{ ipv4; {static} }}
protocol bgp far {{
    local {own} as {own_as};
    neighbor {far} as {far_as};
    multihop 2;
    connect retry time 1; connect delay time 1; error wait time 1, 2;
    ipv4 {{ import all; export where source = RTS_STATIC; }};
}}
"""


def edit(text):
    text = text.replace("unit 1 {\n            family inet;", "unit 1 {\n            " + UNIT)
    text = text.replace("traffic-selector LAN {", SELECTORS)
    return text.replace("establish-tunnels on-traffic", "establish-tunnels immediately") + INSTANCE


class Bird:
    def __init__(self, lab, host, **words):
        self.folder = os.path.join(lab.folder, f"bird-{host}")
        self.argv_of = lambda *argv: lab.net.inside_of(host, *argv)
        self.lab, self.host = lab, host
        os.makedirs(self.folder, exist_ok=True)
        with open(f"{self.folder}/bird.conf", "w", encoding="utf-8") as out:
            out.write(BIRD.format(**words))
        self.proc = Proc(f"{host} bird", os.path.join(self.folder, "bird.pid"))

    def start(self):
        self.proc.start(self.argv_of("bird", "-f", "-c", f"{self.folder}/bird.conf", "-s",
                                     f"{self.folder}/ctl"), f"{self.folder}/out")
        wait.until(lambda: os.path.exists(f"{self.folder}/ctl"), 10, f"BIRD of {self.host} listens")

    def ask(self, *words):
        return self.lab.run(self.host, "birdc", "-s", f"{self.folder}/ctl", *words)


def routes(node, table):
    return {r["destination"]: r for r in node.ask("show", "route", "table", table)["routes"]}


def kernel_routes(lab, *of):
    return lab.run("node0", "ip", "route", "show", "proto", "196", *of)


def dropped(node):
    stats = node.ask("show", "security", "ipsec", "statistics")["ipsec-statistics"][0]
    return stats["counters"].get("drop.kernel.source", 0)


def answers(lab, to):
    return nat.received(lab.argv_for("inside", ["ping", "-c", "1", "-W", "1", to])) == 1


def carrier(lab):
    return "NO-CARRIER" not in lab.run("node0", "ip", "link", "show", "dev", "st0.1")


@story(nodes=1, edit=edit, changes={"child.start_action": "none"})
def main(lab):
    node = lab.nodes[0]
    wait.until(lambda: len(lab.peer.spis()["esp"]) == 3, 15, "three pairs of SAs are up")
    wait.until(lambda: carrier(lab), 5, "the device has a carrier when its unit is up (ST0-001)")
    wait.until(lambda: [row["link-up"] for row in node.ask("show", "interfaces", "terse")["interfaces"]
                        if row["name"] == "st0.1"] == [True], 5, "show interfaces terse agrees")
    wait.until(lambda: "10.2.0.0/24" in kernel_routes(lab, "dev", "st0.1"), 5,
               "the kernel sees the route of a traffic selector")
    wait.until(lambda: "10.2.0.0/24" in routes(node, "BLUE.inet.0"), 5, "and show route has it in BLUE (ST0-004)")
    same(routes(node, "BLUE.inet.0")["10.2.0.0/24"]["source"], "auto", "from the selector")
    claim("10.2.0.0/24" not in routes(node, "inet.0"), "the default instance does not")
    lab.run("peer", "ip", "addr", "add", "10.9.0.1/24", "dev", "lan0")
    ours = Bird(lab, "node0", own="10.255.0.1", far="10.255.0.2", own_as=65001, far_as=65002, static="")
    theirs = Bird(lab, "peer", own="10.255.0.2", far="10.255.0.1", own_as=65002, far_as=65001,
                  static="route 10.9.0.0/24 blackhole;")
    try:
        theirs.start()
        ours.start()
        wait.until(lambda: "10.9.0.0/24" in ours.ask("show", "route"), 20, "BGP through the tunnel brings a route")
        wait.until(lambda: "10.9.0.0/24" in routes(node, "BLUE.inet.0"), 5, "Tandem learns it from the kernel")
        found = routes(node, "BLUE.inet.0")["10.9.0.0/24"]
        same((found["protocol"], found["preference"], found["interface"]), ("Kernel", 170, "st0.1"), "over the unit")
        wait.until(lambda: "10.2.0.0/24" in ours.ask("show", "route", "protocol", "kernel1"), 5,
                   "BIRD sees the negotiated route")
        wait.until(lambda: answers(lab, "10.9.0.1"), 10, "the dataplane has it too")
        same(nat.received(lab.argv_for("inside", pings.argv("10.9.0.1", 3, every=0.2))), 3,
             "packets from inside follow the learned route")
        before = dropped(node)
        lab.run("node0", "ip", "addr", "add", "10.77.0.1/32", "dev", "lo")
        try:
            lab.run("node0", "ping", "-c", "1", "-W", "1", "-I", "10.77.0.1", "10.2.0.1")
        except RuntimeError:
            pass
        wait.until(lambda: dropped(node) > before, 5, "a source that is not the unit's does not enter the tunnel")
    finally:
        ours.proc.stop()
        theirs.proc.stop()
    wait.until(lambda: "10.9.0.0/24" not in routes(node, "BLUE.inet.0"), 5, "what a daemon withdraws goes")
    lab.peer.stop()
    node.tandem("clear", "security", "ike", "security-associations")
    wait.until(lambda: not carrier(lab), 10, "the carrier goes with the last SA")
    wait.until(lambda: "10.2.0.0/24" not in kernel_routes(lab), 5, "and with it the kernel's routes")


sys.exit(main())
