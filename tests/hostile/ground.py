"""The ground that the hostile cases are fought on: a node, the attacker's addresses, a good peer, what is held.

    inside 10.1.0.2 --- node0 192.0.2.1 --- outside --- peer: 192.0.2.2 the attacker, 192.0.2.3 the good one,
                                                        198.18.0.0/15 those that tandemd calls
"""

import os
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "scenario")]

from story import claim  # noqa: E402  (the lab's path comes with it)
from labkit import wait  # noqa: E402

import control  # noqa: E402
import wire  # noqa: E402
from control import Control  # noqa: E402
from sender import Port, Session, inside_of  # noqa: E402

OURS, ATTACKER, GOOD = "192.0.2.1", "192.0.2.2", "192.0.2.3"
PSK = "hostile-key-1234"
HALF_OPEN_S = 3
COOKIES_ABOVE = 400
SETTLED_S = 45  # closed IKE SAs linger for 30 s, for the case that their last answer was lost

CONF = f"""
set interfaces ge-0/0/0 unit 0 family inet address {OURS}/24
set interfaces ge-0/0/1 unit 0 family inet address 10.1.0.1/24
set routing-options static route 198.18.0.0/15 next-hop {ATTACKER}
set security ike session half-open timeout {HALF_OPEN_S}
set security ike session half-open thresholds send-cookie session-count {COOKIES_ABOVE}
set security ike session source-limits authentication-failures 10000
set security ike policy P proposals [ I31 I19 I14 ]
set security ike policy P pre-shared-key ascii-text {PSK}
set security ipsec proposal E protocol esp
set security ipsec proposal E encryption-algorithm aes-128-gcm
set security ipsec policy E proposals E
set security ipsec policy E perfect-forward-secrecy keys group19
"""


def proposals():
    for group in (31, 19, 14):
        path = f"set security ike proposal I{group}"
        yield f"{path} authentication-method pre-shared-keys"
        yield f"{path} dh-group group{group}"
        yield f"{path} authentication-algorithm sha-256"
        yield f"{path} encryption-algorithm aes-256-gcm"


def vpn(name, unit, address, network, establish, policy="P"):
    yield f"set interfaces st0 unit {unit} family inet"
    yield f"set security ike gateway {name} ike-policy {policy}"
    yield f"set security ike gateway {name} address {address}"
    yield f"set security ike gateway {name} external-interface ge-0/0/0.0"
    yield f"set security ike gateway {name} version v2-only"
    yield f"set security ipsec vpn {name} bind-interface st0.{unit}"
    yield f"set security ipsec vpn {name} ike gateway {name}"
    yield f"set security ipsec vpn {name} ike ipsec-policy E"
    yield f"set security ipsec vpn {name} traffic-selector T local-ip 10.1.0.0/24"
    yield f"set security ipsec vpn {name} traffic-selector T remote-ip {network}"
    yield f"set security ipsec vpn {name} establish-tunnels {establish}"


def called(i):
    """Address and network of the i-th peer that tandemd calls."""
    return f"198.18.{i >> 8}.{i & 255}", f"10.{64 + (i >> 8)}.{i & 255}.0/24"


def configuration(calls, certified, more):
    """calls: how many peers tandemd calls; of these the last ones by certificates."""
    lines = [*proposals(), *more]
    lines += vpn("ATTACKER", 1, ATTACKER, "10.2.0.0/24", "responder-only")
    lines.append("set security ike gateway ATTACKER session-resumption lifetime 3600")
    lines += vpn("GOOD", 2, GOOD, "10.3.0.0/24", "responder-only")
    for i in range(1, calls + 1):
        policy = "PC" if i > calls - certified else "P"
        lines += vpn(f"C{i}", 10 + i, *called(i), "on-traffic", policy)
    return CONF + "\n".join(lines) + "\n"


class Ground:
    """Life: made in a lab that is up, close()."""

    def __init__(self, lab):
        self.lab = lab
        self.node = lab.nodes[0]
        self.space = lab.net.ns("peer")
        for address in (f"{ATTACKER}/24", f"{GOOD}/24"):
            lab.run("peer", "ip", "addr", "add", address, "dev", "eth0")
        lab.run("peer", "ip", "route", "add", "local", "198.18.0.0/15", "dev", "lo")
        lab.configure_inside()
        self.attacker = Port(self.space, ATTACKER, OURS)
        self.good = Port(self.space, GOOD, OURS)
        self.inside = inside_of(lab.net.ns("inside"), lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.control = Control(self.node.socket)
        self.pids = {what: self.node.procs[what].pid() for what in self.node.wanted()}
        self.standing = [self.session]  # who has an IKE SA when it is quiet, beside the good peer

    def session(self, **more):
        """The attacker's next IKE SA."""
        return Session(self.attacker, PSK.encode(), local=("10.2.0.0", "10.2.0.255"),
                       remote=("10.1.0.0", "10.1.0.255"), **more)

    def serve_good_peer(self):
        """A whole set-up and a probe; INITIAL_CONTACT ends the one of the last time (RFC 7296 2.4)."""
        good = Session(self.good, PSK.encode(), local=("10.3.0.0", "10.3.0.255"), remote=("10.1.0.0", "10.1.0.255"))
        good.up()
        good.ask(wire.INFO, [])
        return good

    def has_gateway(self, number):
        """Is there an IKE SA with the peer of that number?"""
        body = control.field(1, control.field(5, f"C{number}".encode()))
        return any(value for _, value in self.control.ask(control.SHOW_IKE, body))

    def held(self):
        return self.control.held()

    def settle(self):
        """One IKE SA of each of both peers and nothing else: what is held then is the measure."""
        self.serve_good_peer()
        for session in self.standing:
            session().up()

        def quiet():
            held = self.held()
            return held["half_open"] == 0 and held["ike_sas"] == 1 + len(self.standing) and held
        return wait.until(quiet, SETTLED_S, lambda: f"an IKE SA of each and nothing half-open, but {self.held()}")

    def claim_same_daemons(self):
        now = {what: self.node.procs[what].pid() for what in self.node.wanted()}
        claim(now == self.pids, f"the daemons live: {now}")

    def rss_octets(self):
        with open(f"/proc/{self.pids['control']}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon"))

    def close(self):
        self.control.close()
        self.attacker.close()
        self.good.close()
        self.inside.close()
