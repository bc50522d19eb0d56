"""Namespaces, bridges and links of a lab.

A hub namespace holds one bridge for each network; every host hangs on it by a veth. Nothing leaves the
machine: the hub has no uplink. Interface names are those the hosts see; the hub's end of a link is
named after the network and the host.
"""

import os
import subprocess

NETWORKS = ("outside", "inside", "cluster", "fabric")
MTU = {"outside": 1500, "inside": 1500, "cluster": 1500, "fabric": 1800}
OFFLOADS = ("rx", "tx", "sg", "tso", "gso", "gro")


def run(*argv, **more):
    """Its output; RuntimeError with what it said when it fails."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          stdin=None if "input" in more else subprocess.DEVNULL, **more)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


class Net:
    """Life: make() .. remove(). Every name starts with the lab's prefix, so labs do not meet."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.hub = self.ns("hub")

    def ns(self, host):
        return f"{self.prefix}-{host}"

    def inside_of(self, host, *argv):
        """argv as run in the namespace of a host."""
        return ["ip", "netns", "exec", self.ns(host), *argv]

    def make(self, hosts):
        for host in ("hub", *hosts):
            self.make_host(host)
        for network in NETWORKS:
            self.make_network(network)
        run(*self.inside_of("hub", "nft", "-f", "-"),
            input="table bridge cut {\n\tchain forward {\n"
                  "\t\ttype filter hook forward priority 0\n\t}\n}\n")

    def make_network(self, network):
        run("ip", "-n", self.hub, "link", "add", network, "mtu", str(MTU.get(network, 1500)), "type",
            "bridge", "stp_state", "0", "forward_delay", "0", "mcast_snooping", "0")
        run("ip", "-n", self.hub, "link", "set", network, "up")

    def make_host(self, host):
        run("ip", "netns", "add", self.ns(host))
        run(*self.inside_of(host, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
                            "net.ipv6.conf.default.disable_ipv6=1"))
        run("ip", "-n", self.ns(host), "link", "set", "lo", "up")

    def allow_ipv6(self, host):
        """Before its links are made: addresses are good at once, and nobody gives others out."""
        run(*self.inside_of(host, "sysctl", "-qw", *(
            f"net.ipv6.conf.{of}.{what}" for of in ("all", "default")
            for what in ("disable_ipv6=0", "accept_dad=0", "accept_ra=0", "forwarding=1"))))

    def attach(self, host, interface, network):
        """A veth between a host and a network; up, without offloads, which a raw tap cannot undo."""
        port, mtu = self.port(host, network), str(MTU.get(network, 1500))
        run("ip", "-n", self.hub, "link", "add", port, "mtu", mtu, "type", "veth",
            "peer", "name", interface, "mtu", mtu, "netns", self.ns(host))
        for space, device in ((self.hub, port), (self.ns(host), interface)):
            run("ip", "netns", "exec", space, "ethtool", "-K", device,
                *(word for name in OFFLOADS for word in (name, "off")))
        run("ip", "-n", self.hub, "link", "set", port, "master", network, "up")
        run("ip", "-n", self.ns(host), "link", "set", interface, "up")

    def make_raw(self, host, interfaces):
        """Ports that only a tap reads: the kernel's copy of each frame is dropped at ingress, and the
        kernel has neither address nor ARP there, so that it says nothing either."""
        rules = "".join(f'\tchain {name} {{\n\t\ttype filter hook ingress device "{name}" priority 0; '
                        "policy drop;\n\t}\n" for name in interfaces)
        run(*self.inside_of(host, "nft", "-f", "-"), input=f"table netdev tap {{\n{rules}}}\n")
        for name in interfaces:
            run("ip", "-n", self.ns(host), "link", "set", name, "arp", "off", "promisc", "on")

    @staticmethod
    def port(host, network):
        """The hub's end of a link; at most 15 characters."""
        return f"{network[:7]}-{host[:7]}"

    def cut(self, host, network, way):
        """way: both (the carrier goes), to or from (frames to, or from, the host are dropped)."""
        port = self.port(host, network)
        if way == "both":
            run("ip", "-n", self.hub, "link", "set", port, "down")
            return
        key = "oifname" if way == "to" else "iifname"
        run(*self.inside_of("hub", "nft", "add", "rule", "bridge", "cut", "forward", key, port, "drop",
                            "comment", f'"{port}"'))

    def heal(self, host, network):
        port = self.port(host, network)
        listed = run(*self.inside_of("hub", "nft", "-a", "list", "chain", "bridge", "cut", "forward"))
        for line in listed.splitlines():
            if f'comment "{port}"' in line:
                run(*self.inside_of("hub", "nft", "delete", "rule", "bridge", "cut", "forward",
                                    "handle", line.rsplit("handle", 1)[1].strip()))
        run("ip", "-n", self.hub, "link", "set", port, "up")

    def cut_all(self, host, networks):
        """Every link of a host at once: one call, because a dying node leaves all networks at once."""
        commands = "".join(f"link set {self.port(host, network)} down\n" for network in networks)
        run("ip", "-n", self.hub, "-batch", "-", input=commands)

    def remove(self):
        """Whatever is left of it; a link goes with its namespace."""
        known = os.listdir("/run/netns") if os.path.isdir("/run/netns") else []
        for space in sorted(known):
            if space.startswith(self.prefix + "-"):
                run("ip", "netns", "del", space)
