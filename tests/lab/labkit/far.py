"""A stand-alone Tandem node as the peer: where strongSwan's ESP in user space is too slow to load us.

    outside --- far --- lan --- peer (lan0), which owns every address of the far LAN

For a lab with `peer="none"`. Its configuration mirrors the lab's first gateway.
"""

import os
import shutil

from .net import run
from .node import PORTS, Node
from .strongswan import Mirror

LAN = "10.2.0.0/16"
NEAR, HOP = "10.3.0.1", "10.3.0.2"  # between far and peer


def far_conf(conf):
    """The other end of the first gateway, as `set` lines."""
    gateway = conf.names("security ike gateway")[0]
    mirror = Mirror(conf, gateway)
    outside = mirror.remote.network.prefixlen
    lines = [f"interfaces ge-0/0/0 unit 0 family inet address {mirror.address}/{outside}",
             f"interfaces ge-0/0/1 unit 0 family inet address {NEAR}/24",
             "interfaces st0 unit 1 family inet",
             f"routing-options static route {LAN} next-hop {HOP}",
             "security ike policy P proposals P",
             f'security ike policy P pre-shared-key ascii-text "{mirror.psk}"',
             "security ike gateway G ike-policy P",
             f"security ike gateway G address {mirror.remote.ip}",
             f"security ike gateway G local-identity hostname {mirror.own_id}",
             f"security ike gateway G remote-identity hostname {mirror.remote_id}",
             "security ike gateway G external-interface ge-0/0/0.0",
             "security ike gateway G version v2-only",
             "security ipsec policy P proposals P",
             "security ipsec vpn V bind-interface st0.1",
             "security ipsec vpn V ike gateway G",
             "security ipsec vpn V ike ipsec-policy P"]
    for kind in ("ike", "ipsec"):
        name = conf.names(f"security {kind} proposal")[0]
        lines += [f"security {kind} proposal P {' '.join(words)}"
                  for words in conf.find(f"security {kind} proposal {name}")]
    for words in conf.find("security ipsec policy * perfect-forward-secrecy"):
        lines.append(f"security ipsec policy P perfect-forward-secrecy {' '.join(words)}")
    for name, child in mirror.children.items():
        lines += [f"security ipsec vpn V traffic-selector {name} local-ip {child['local_ts']}",
                  f"security ipsec vpn V traffic-selector {name} remote-ip {child['remote_ts']}"]
    return "".join(f"set {line}\n" for line in lines)


class Far(Node):
    """Life: start_far() .. end(), before the lab's down()."""

    def __init__(self, lab):
        super().__init__(0, os.path.join(lab.folder, "far"), lab.net, lab.build, False, "far")
        self.lab = lab

    def make(self):
        for folder in (self.folder, self._state(), os.path.join(self.folder, "run")):
            os.makedirs(folder, exist_ok=True)
        self.net.make_host(self.host)
        self.net.make_network("lan")
        for (device, _), network in zip(PORTS.values(), ("outside", "lan")):
            self.net.attach(self.host, device, network)
            self.net.make_raw(self.host, [device])
        self.net.attach("peer", "lan0", "lan")
        space = self.net.ns("peer")
        for address in (f"{LAN.split('.0.0/')[0]}.0.1/32", f"{HOP}/24"):
            run("ip", "-n", space, "addr", "add", address, "dev", "lan0")
        run("ip", "-n", space, "route", "add", "local", LAN, "dev", "lo")
        run("ip", "-n", space, "route", "add", "default", "via", NEAR)

    def start_far(self, complete):
        """complete: what makes a lab's configuration of ours."""
        self.make()
        self.write_conf(complete(far_conf(self.lab.conf), 1))
        self.start()

    def end(self):
        self.stop()
        shutil.rmtree(f"/run/dpdk/{self.net.ns(self.host)}", ignore_errors=True)
