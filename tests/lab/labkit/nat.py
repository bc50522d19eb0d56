"""NAT boxes of a lab, and peers behind them.

    outside (or public) --- eth0 nat in0 --- a network of its own --- peers

A box masquerades; it gives every UDP flow a source port from a range, so that even 500 and 4500 come out as
something else. rebind() forgets all mappings and goes on with another range, as a NAT that was restarted.
"""

import os
import subprocess

from . import pings
from .net import NETWORKS, run
from .strongswan import StrongSwan

FIRST_PORT = 20000
PORTS = 500  # in a range


class Nat:
    """Life: made .. the lab's down(). outer: (network, "address/length") of its outer side."""

    def __init__(self, lab, name, outer, inner, network, port_forward=None):
        self.lab, self.name, self.port_forward = lab, name, port_forward
        self.range = 0
        net = lab.net
        net.make_host(name)
        if network not in NETWORKS:
            net.make_network(network)
        net.attach(name, "eth0", outer[0])
        net.attach(name, "in0", network)
        run("ip", "-n", net.ns(name), "addr", "add", outer[1], "dev", "eth0")
        run("ip", "-n", net.ns(name), "addr", "add", inner, "dev", "in0")
        self._run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        self._rules()

    def _run(self, *argv, **more):
        return run(*self.lab.net.inside_of(self.name, *argv), **more)

    def _rules(self):
        low = FIRST_PORT + self.range * PORTS
        forward = (f"iifname eth0 udp dport {{ 500, 4500 }} dnat to {self.port_forward}"
                   if self.port_forward else "")
        self._run("nft", "-f", "-", input=f"""
            table ip nat
            delete table ip nat
            table ip nat {{
                chain pre {{ type nat hook prerouting priority -100; {forward}; }}
                chain post {{ type nat hook postrouting priority 100;
                    oifname eth0 ip protocol udp masquerade to :{low}-{low + PORTS - 1} random; }}
            }}""".replace("; ;", ";"))

    def rebind(self):
        """Every mapping is forgotten; new ones come from another range, which is returned."""
        self.range += 1
        self._rules()
        # masqueraded mappings go with their device; so do the routes that are not of the kernel
        routes = self._run("ip", "route", "show", "default").split()
        self._run("ip", "link", "set", "eth0", "down")
        self._run("ip", "link", "set", "eth0", "up")
        if routes:
            self._run("ip", "route", "replace", *routes)
        low = FIRST_PORT + self.range * PORTS
        return range(low, low + PORTS)

    def narrow(self, mtu):
        """The way to the peers takes packets up to this size only."""
        self._run("ip", "link", "set", "in0", "mtu", str(mtu))

    def ports(self):
        low = FIRST_PORT + self.range * PORTS
        return range(low, low + PORTS)


def move_behind(lab, host, network, address, router):
    """The host's link goes from where it was into the NAT's network."""
    space = lab.net.ns(host)
    run("ip", "-n", space, "link", "del", "eth0")
    lab.net.attach(host, "eth0", network)
    run("ip", "-n", space, "addr", "add", address, "dev", "eth0")
    run("ip", "-n", space, "route", "add", "default", "via", router)


def make_peer(lab, host, network, address, router, lan):
    """Another charon behind the NAT, with a LAN of its own; not started."""
    space = lab.net.ns(host)
    lab.net.make_host(host)
    lab.net.attach(host, "eth0", network)
    run("ip", "-n", space, "addr", "add", address, "dev", "eth0")
    run("ip", "-n", space, "route", "add", "default", "via", router)
    run("ip", "-n", space, "link", "add", "lan0", "type", "bridge")
    run("ip", "-n", space, "link", "set", "lan0", "up")
    run("ip", "-n", space, "addr", "add", lan, "dev", "lan0")
    return StrongSwan(os.path.join(lab.folder, host), lambda *argv: lab.net.inside_of(host, *argv))


def peer_behind(lab, network="behind", outer="192.0.2.2/24"):
    """The lab's own peer goes behind a NAT that has the peer's address on the outside."""
    nat = Nat(lab, "nat", ("outside", outer), "10.55.0.1/24", network)
    move_behind(lab, "peer", network, "10.55.0.2/24", "10.55.0.1")
    lab.peer.configure(lab.mirror, {"local_addrs": "10.55.0.2"})
    return nat


def said_by(argv):
    """What a command says, whatever it thinks of the result."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          text=True)
    return done.stdout


def received(argv):
    """How many answers a ping command got, of those that it was to send."""
    return pings.answered(said_by(argv), int(argv[argv.index("-c") + 1]))


def ports_of(node):
    """Outer ports of the peers as the node's IKE SAs have them."""
    return sorted(_ports(node.ask("show", "security", "ike", "security-associations")))


def _ports(tree):
    """Ports of every endpoint that is called remote."""
    if isinstance(tree, list):
        return [port for one in tree for port in _ports(one)]
    if not isinstance(tree, dict):
        return []
    remote = tree.get("remote")
    found = [remote["port"]] if isinstance(remote, dict) and "port" in remote else []
    return found + [port for one in tree.values() for port in _ports(one)]
