"""Where the peer stands: on our network, behind a NAT, with us behind one, both, on a way that is narrow, over IPv6.

    direct    inside --- node0 192.0.2.1 --- outside --- 192.0.2.2 peer
    far NAT   inside --- node0 192.0.2.1 --- outside --- 192.0.2.2 far 10.55.0.1 --- behind --- 10.55.0.2 peer
    near NAT  inside --- node0 192.0.2.1 --- outside --- .254 near 203.0.113.1 --- public --- 203.0.113.2 peer
    two NATs  both: node0 --- near 203.0.113.1 --- public --- 203.0.113.2 far --- 10.55.0.2 peer
    narrow    as direct, and packets above 1280 octets vanish on the way
    IPv6      node0 2001:db8::1 --- 2001:db8::2 peer; IPv4 inside

The peer's LAN is 10.2.0.0/24, in the guest kernel or in its namespace. A NAT box gives every flow another port, and
forwards 500 and 4500 inwards so that both ends can begin.
"""

from dataclasses import dataclass

from families import over_ipv6
from labkit import nat
from labkit.net import run

LAN = "10.2.0.1"
NARROW = "1280"


@dataclass(frozen=True)
class Scene:
    """peer: its own address; router: its next hop; seen, us: how each end calls the other."""
    name: str
    peer: str = "192.0.2.2"
    network: str = "outside"
    router: str = "192.0.2.1"
    seen: str = "192.0.2.2"
    us: str = "192.0.2.1"
    near: bool = False
    far: str = ""  # the network of its outer side
    mtu: str = ""

    def edit(self, text):
        """The lab's configuration as this place wants it."""
        if ":" in self.seen:
            return over_ipv6(text)
        text = text.replace("address 192.0.2.2;", f"address {self.seen};")
        if self.near:
            text += "routing-options { static { route 0.0.0.0/0 next-hop 192.0.2.254; } }\n"
        return text


SCENES = {scene.name: scene for scene in (
    Scene("direct"),
    Scene("far NAT", peer="10.55.0.2", network="behind", router="10.55.0.1", far="outside"),
    Scene("near NAT", peer="203.0.113.2", network="public", router="203.0.113.1", seen="203.0.113.2",
          us="203.0.113.1", near=True),
    Scene("two NATs", peer="10.55.0.2", network="behind", router="10.55.0.1", seen="203.0.113.2", us="203.0.113.1",
          near=True, far="public"),
    Scene("narrow", mtu=NARROW),
    Scene("IPv6", peer="2001:db8::2", seen="2001:db8::2", us="2001:db8::1"))}


class Place:
    """A scene made in a lab that is up. Life: made .. the lab's down(). near, far: its NAT boxes."""

    def __init__(self, lab, scene):
        self.lab, self.scene = lab, scene
        self.near = self.far = None
        if scene.near:
            lab.net.make_network("public")
            self.near = nat.Nat(lab, "near", ("public", "203.0.113.1/24"), "192.0.2.254/24", "outside",
                                port_forward="192.0.2.1")
        if scene.far:
            self.far = nat.Nat(lab, "far", (scene.far, f"{scene.seen}/24"), "10.55.0.1/24", "behind",
                               port_forward="10.55.0.2")
        self._link()

    def _link(self):
        """The peer's cable."""
        net, scene = self.lab.net, self.scene
        space = net.ns("peer")
        if scene.network != "outside":
            run("ip", "-n", space, "link", "del", "eth0")
            net.attach("peer", "eth0", scene.network)
        if scene.mtu:  # a bridge forwards nothing that is larger than the port
            run("ip", "-n", net.hub, "link", "set", net.port("peer", scene.network), "mtu", scene.mtu)
            run("ip", "-n", space, "link", "set", "eth0", "mtu", scene.mtu)

    def settle(self):
        """The peer's address and its way out, when it lives in the namespace itself."""
        scene, space = self.scene, self.lab.net.ns("peer")
        if scene.network != "outside":
            run("ip", "-n", space, "addr", "add", f"{scene.peer}/24", "dev", "eth0")
        run("ip", "-n", space, "route", "replace", "default", "via", scene.router)


def guest_address(scene):
    return "192.0.2.2/24" if ":" in scene.peer else f"{scene.peer}/24"


def guest_way(scene):
    """What the guest kernel must be told of the way here."""
    lines = [f"ip route replace default via {scene.router}",
             f"ip route replace 10.1.0.0/24 via {scene.router} src {LAN}"]
    if scene.mtu:
        lines.append(f"ip link set vec0 mtu {scene.mtu}")
    if ":" in scene.peer:
        lines = ["/run/modprobe ipv6 esp6 xfrm6_tunnel", f"ip addr add {scene.peer}/64 dev vec0 nodad"] + lines
    return "\n".join(lines) + "\n"
