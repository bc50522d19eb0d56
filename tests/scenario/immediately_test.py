#!/usr/bin/python3 -B
"""`establish-tunnels immediately`: the tunnel is there without a packet, and again after the peer took it down.
Then the peer is known by its name: nothing is sent before the name means something, and what it last meant counts
when nobody can be asked any more.

    inside 10.1.0.2 --- 10.1.0.1 node0 192.0.2.1 --- outside --- 192.0.2.2 peer.lab.example, LAN 10.2.0.1
"""

import os
import shutil
import sys

from story import claim, say, story
from labkit import tunnel, wait

NAME = "peer.lab.example"


class Hosts:
    """/etc/hosts of what `ip netns exec` starts in one namespace. Written in place: it is mounted."""

    def __init__(self, space):
        self.folder = os.path.join("/etc/netns", space)
        os.makedirs(self.folder)

    def say(self, *lines):
        with open(os.path.join(self.folder, "hosts"), "w", encoding="ascii") as out:
            out.write("\n".join(("127.0.0.1 localhost", *lines, "")))

    def gone(self):
        shutil.rmtree(self.folder)


def comes_again(lab):
    first = lab.peer.spis()
    lab.peer.terminate()
    wait.until(lambda: lab.peer.spis()["esp"] not in ([], first["esp"]), 20, "it comes up again")
    tunnel.settled(lab)


def by_name(lab, hosts):
    node = lab.nodes[0]
    conf = node.read_conf()
    claim("address 192.0.2.2;" in conf, "the peer was known by its address")
    node.adopt(conf.replace("address 192.0.2.2;", f"address {NAME};"))
    wait.until(lambda: node.events("name.failed"), 10, "a name without an address is said")
    wait.until(lambda: not lab.peer.spis()["ike"], 10, "the peer of before is left")
    hosts.say(f"192.0.2.2 {NAME}")
    wait.until(lambda: lab.peer.spis()["esp"], 20, "the name means something, the tunnel comes up")
    tunnel.settled(lab)
    hosts.say()
    comes_again(lab)
    say("and again, by what the name meant last")


@story(nodes=1, start=False, edit=lambda text: text.replace("on-traffic", "immediately"))
def main(lab):
    hosts = Hosts(lab.net.ns(lab.nodes[0].host))
    try:
        hosts.say()
        lab.start_nodes()
        wait.until(lambda: lab.peer.spis()["esp"], 20, "the tunnel comes up by itself")
        tunnel.settled(lab)
        comes_again(lab)
        say("pings cross again")
        by_name(lab, hosts)
    finally:
        hosts.gone()


sys.exit(main())
