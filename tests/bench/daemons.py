"""Set-ups against whole daemons: one driver of many peers (ike_drive), three responders in turn.

    tandemd alone; tandemd on a pair with Corosync, every set-up sealed, multicast and acknowledged;
    strongSwan's charon, with its ESP in user space, since no kernel here need have it.

The first tenth warms a responder up. Over the rest: what a set-up costs is CPU time of the responder's
process, all threads, and of tandem-keys, less what they use while idle; what an SA keeps is the growth of its anonymous memory.
The driver's own share is not counted.
"""

import contextlib
import json
import os
import subprocess
import tempfile
import time

import ike_certificates as certificates
from labkit import failover, wait
from labkit.node import find_binary
from labkit.strongswan import CHARON, PLUGINS, StrongSwan
from labkit.world import Lab

WINDOW = 16  # set-ups under way at a time
IDLE_S = 2
PSK = "bench-key-1234"
OURS, GATE = "192.0.2.1", "192.0.2.2"
PEERS = "198.18.0.0/15"

# what a row calls it: our name, charon's
KEX = {"x25519": ("group31", "curve25519"), "P-256": ("group19", "ecp256"), "modp2048": ("group14", "modp2048")}

# (authentication, key exchange): the rows
CASES = (("psk", "x25519"), ("psk", "P-256"), ("psk", "modp2048"), ("ecdsa", "x25519"), ("rsa", "x25519"))

PROPOSALS = """
set security ike proposal I authentication-method @METHOD@
set security ike proposal I dh-group @GROUP@
set security ike proposal I authentication-algorithm sha-256
set security ike proposal I encryption-algorithm aes-256-gcm
set security ipsec proposal E protocol esp
set security ipsec proposal E encryption-algorithm aes-256-gcm
set security ipsec policy E proposals E
"""

PORTS = {False: f"""
set interfaces ge-0/0/0 unit 0 family inet address {OURS}/24
set interfaces ge-0/0/1 unit 0 family inet address 10.1.0.1/24
""", True: f"""
set groups node0 chassis cluster transport ring 0 address 10.255.0.1
set groups node1 chassis cluster transport ring 0 address 10.255.0.2
set apply-groups "${{node}}"
set chassis cluster redundancy-mode active-backup
set chassis cluster reth-count 2
set chassis cluster heartbeat-interval 100
set chassis cluster redundancy-group 1 node 0 priority 200
set chassis cluster redundancy-group 1 node 1 priority 100
set chassis cluster replication cluster-key @CLUSTER_KEY@
set interfaces ge-0/0/0 gigether-options redundant-parent reth0
set interfaces ge-0/0/1 gigether-options redundant-parent reth1
set interfaces fab0 fabric-options member-interfaces ge-0/0/2
set interfaces reth0 redundant-ether-options redundancy-group 1
set interfaces reth0 unit 0 family inet address {OURS}/24
set interfaces reth1 redundant-ether-options redundancy-group 1
set interfaces reth1 unit 0 family inet address 10.1.0.1/24
"""}

CHARON_CONF = """charon {
	load_modular = no
	load = %s
	install_virtual_ip = no
	dos_protection = no
	# as ours are by default over IPv4
	fragment_size = 576
	ikesa_table_size = 4096
	ikesa_table_segments = 16
	plugins {
		vici {
			socket = unix://%s/vici
		}
		error-notify {
			socket = unix://%s/notify
		}
	}
}
swanctl {
	load = random pem pkcs1 pkcs8 x509 pubkey openssl
}
"""

SWANCTL_CONF = f"""connections {{
	bench {{
		version = 2
		local_addrs = {OURS}
		remote_addrs = %any
		proposals = aes256gcm16-prfsha256-@GROUP@
		mobike = no
		rekey_time = 0
		local {{
			auth = @AUTH@
			id = {OURS}@CERTS@
		}}
		remote {{
			auth = @AUTH@
			id = %any
		}}
		children {{
			child {{
				local_ts = 10.1.0.0/24
				remote_ts = 100.64.0.0/24
				esp_proposals = aes256gcm16
				rekey_time = 0
			}}
		}}
	}}
}}
@SECRETS@
"""
SECRETS = f"""secrets {{
	ike-bench {{
		secret = "{PSK}"
	}}
}}"""


class Charon(StrongSwan):
    """strongSwan as the responder, saying nothing."""

    def configure(self, auth, kex, *_):
        os.makedirs(self.folder, exist_ok=True)
        self._write("strongswan.conf", CHARON_CONF % (PLUGINS, self.folder, self.folder))
        text = SWANCTL_CONF.replace("@GROUP@", KEX[kex][1])
        text = text.replace("@AUTH@", "psk" if auth == "psk" else "pubkey")
        text = text.replace("@CERTS@", "" if auth == "psk" else "\n\t\t\tcerts = peer.pem")
        self._write("swanctl.conf", text.replace("@SECRETS@", SECRETS if auth == "psk" else ""))


def octets_of(number):
    return f"{number >> 8 & 255}.{number & 255}"


def vpns(peers, unit, address_of, local, remote, policy=lambda i: "P"):
    """A gateway and a VPN for each peer; local and remote say the selectors of one."""
    for i in range(peers):
        yield from (f"set interfaces st0 unit {i} family inet",
                    f"set security ike gateway G{i} ike-policy {policy(i)}",
                    f"set security ike gateway G{i} address {address_of(i)}",
                    f"set security ike gateway G{i} external-interface {unit(i)}",
                    f"set security ike gateway G{i} version v2-only",
                    f"set security ipsec vpn V{i} bind-interface st0.{i}",
                    f"set security ipsec vpn V{i} ike gateway G{i}",
                    f"set security ipsec vpn V{i} ike ipsec-policy E",
                    f"set security ipsec vpn V{i} traffic-selector T local-ip {local(i)}",
                    f"set security ipsec vpn V{i} traffic-selector T remote-ip {remote(i)}")


def peer_address(i):
    return f"198.{18 + (i >> 16)}.{octets_of(i)}"


def behind(i):
    return f"100.64.{octets_of(i)}/32"


def proposals(auth, kex):
    text = PROPOSALS.replace("@GROUP@", KEX[kex][0]).replace("@METHOD@", certificates.method(auth))
    return text + certificates.profile(auth)


def policy(name, auth, certificate):
    return f"set security ike policy {name} proposals I\n" + certificates.policy(name, auth, PSK, certificate)


def driver_conf(peers, local, auth, kex):
    units = [f"set interfaces ge-0/0/0 unit {i} family inet address {peer_address(i)}/32"
             for i in range(peers)]
    of_peers = [policy(f"P{i}", auth, f"L{i}") for i in range(peers)]
    rest = vpns(peers, lambda i: f"ge-0/0/0.{i}", lambda i: OURS, local, lambda i: "10.1.0.0/24", lambda i: f"P{i}")
    return proposals(auth, kex) + "\n".join([*units, *of_peers, *rest]) + "\n"


def responder_conf(peers, cluster, auth, kex):
    unit = "reth0.0" if cluster else "ge-0/0/0.0"
    rest = vpns(peers, lambda i: unit, peer_address, lambda i: "10.1.0.0/24", behind)
    route = f"set routing-options static route {PEERS} next-hop {GATE}\n"
    return "\n".join([PORTS[cluster] + proposals(auth, kex) + route + policy("P", auth, "GW"), *rest]) + "\n"


# --- measuring ---------------------------------------------------------------------------------------


def cpu_s(pid):
    """CPU time of all threads, to the nanosecond."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as stat:
            total += int(stat.read().split()[0])
    return total / 1e9


def memory(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon"))


class Meter:
    """CPU time and memory of processes, from now on. names: {what: pid}."""

    def __init__(self, names, idle_s=IDLE_S):
        self.names = names
        first, began = self._cpu(), time.monotonic()
        wait.holds(lambda: True, idle_s, "idle")
        self.cpu, self.began = self._cpu(), time.monotonic()
        self.idle = {what: (self.cpu[what] - first[what]) / (self.began - began) for what in names}
        self.memory = {what: memory(pid) for what, pid in names.items()}

    def _cpu(self):
        return {what: cpu_s(pid) for what, pid in self.names.items()}

    def read(self):
        """{what: (CPU seconds less idle, octets grown)}"""
        passed = time.monotonic() - self.began
        return {what: (max(0.0, cpu - self.cpu[what] - self.idle[what] * passed),
                       memory(self.names[what]) - self.memory[what])
                for what, cpu in self._cpu().items()}


class Driver:
    """The load: ike_drive in the namespace of the peer. A context."""

    def __init__(self, lab, peers, conf_text, folder=None):
        """folder: of its certificates."""
        self.peers = peers
        conf = os.path.join(lab.folder, "drive.conf")
        with open(conf, "w", encoding="utf-8") as out:
            out.write(conf_text)
        lab.run("peer", "ip", "addr", "add", f"{GATE}/24", "dev", "eth0")
        lab.run("peer", "ip", "route", "add", "local", PEERS, "dev", "lo")
        argv = [find_binary(lab.build, "ike_drive"), conf, str(peers), str(WINDOW)]
        self.process = subprocess.Popen(lab.argv_for("peer", argv + ([folder] if folder else [])),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def said(self):
        return json.loads(self.process.stdout.readline() or "{}")

    def tell(self, line=""):
        """What it says to that."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.said()

    def set_up(self, names):
        """(what it says in the end, what was measured after the first tenth). names: {what: pid}, called
        once the responder is warm."""
        warm = self.said().get("up", 0)
        meter = Meter(names())
        said = self.tell()
        found = meter.read()
        if not warm or (said.get("up"), said.get("children")) != (self.peers, self.peers):
            raise RuntimeError(f"not all of {self.peers} peers came up: {said}")
        return {**said, "measured": self.peers - warm}, found


def drive(lab, peers, names, conf_text, folder=None):
    with Driver(lab, peers, conf_text, folder) as driver:
        return driver.set_up(names)


def row_of(daemon, replication, case, said, found, chiefs):
    """chiefs: the processes that answer for the responder; their sum is its cost."""
    measured = said["measured"]
    cpu, grown = (sum(found[what][i] for what in chiefs if what in found) for i in range(2))
    row = {"suite": "ike", "daemon": daemon, "replication": replication, "auth": case[0],
           "kex": case[1], "peers": said["up"], "responder_us": round(cpu * 1e6 / measured, 1),
           "setups_per_cpu_s": round(measured / cpu), "bytes_per_sa": round(grown / measured),
           "setups_per_s": round(measured * 1000 / max(1, said["wall_ms"])),
           "retransmits": said["retransmits"]}
    row.update({f"{what}_us": round(cpu * 1e6 / measured, 1)
                for what, (cpu, _) in found.items() if what != chiefs[0]})
    if "standby_control" in found:
        row["standby_bytes_per_sa"] = round(found["standby_control"][1] / measured)
    return row


# --- responders ----------------------------------------------------------------------------------------


def keys_of(control):
    """The pid of its tandem-keys, None while there is none."""
    with open(f"/proc/{control}/task/{control}/children", encoding="ascii") as listed:
        children = listed.read().split()
    for pid in children:
        with open(f"/proc/{pid}/comm", encoding="ascii") as name:
            if name.read().strip() == "tandem-keys":
                return int(pid)
    return None


def processes(lab, chief):
    """{what: pid}, those of the owner first."""
    names = {}
    for node in [chief] + [node for node in lab.nodes if node is not chief]:
        whose = "owner" if node is chief else "standby"
        names.update({f"{whose}_{what}": node.procs[what].pid() for what in node.wanted()})
        keys = keys_of(node.procs["control"].pid())
        if keys:
            names[f"{whose}_keys"] = keys
    return names


def lay_out(lab, nodes, text):
    """The lab with that configuration, not started."""
    conf = f"/run/{lab.name}.conf"
    with open(os.open(conf, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
    try:
        lab.up(nodes=nodes, workers=1, config=conf, peer="none", start=False)
    finally:
        os.unlink(conf)


def tandem(name, peers, cluster, case, certs):
    lab = Lab(name)
    try:
        lay_out(lab, 2 if cluster else 1, responder_conf(peers, cluster, *case))
        for node in lab.nodes if certs else ():
            certs.install(node)
        lab.start_nodes()
        chief = failover.wait_synced(lab) if cluster else lab.nodes[0]
        said, found = drive(lab, peers, lambda: processes(lab, chief), driver_conf(peers, behind, *case),
                            certs and certs.pki.folder)
    finally:
        lab.down()
    return row_of("tandem", "on" if cluster else "off", case, said, found, ("owner_control", "owner_keys"))


@contextlib.contextmanager
def charon_lab(name, case, certs):
    """(lab, charon as the responder)"""
    lab = Lab(name)
    peer = Charon(os.path.join(lab.folder, "charon"), lambda *argv: lab.argv_for("inside", argv))
    try:
        lab.up(nodes=1, peer="none", start=False)
        lab.net.attach("inside", "eth1", "outside")
        lab.run("inside", "ip", "addr", "add", f"{OURS}/24", "dev", "eth1")
        lab.run("inside", "ip", "route", "add", PEERS, "via", GATE)
        if certs:
            peer.lay_out(certs.gate, [certs.root])
        peer.configure(*case)
        peer.start()
        # one network behind all peers: charon would install a route for each
        lab.run("inside", "ip", "link", "add", "lan0", "type", "bridge")
        lab.run("inside", "ip", "addr", "add", "10.1.0.1/24", "dev", "lan0")
        lab.run("inside", "ip", "link", "set", "lan0", "up")
        yield lab, peer
    finally:
        peer.stop()
        lab.down()


def charon(name, peers, case, certs):
    """None where it is not installed."""
    if not os.path.exists(CHARON):
        return None
    with charon_lab(name, case, certs) as (lab, peer):
        said, found = drive(lab, peers, lambda: {"charon": peer.proc.pid()},
                            driver_conf(peers, lambda i: "100.64.0.0/24", *case), certs and certs.pki.folder)
    return row_of("charon", "off", case, said, found, ("charon",))


def median(found):
    """The row in the middle by CPU time, and all of those times."""
    ordered = sorted(found, key=lambda row: row["responder_us"])
    return {**ordered[len(ordered) // 2], "rounds": [row["responder_us"] for row in found]}


def rows(peers, rounds, cases=CASES):
    """One for each responder and case: the median of so many rounds, in which they take turns. A pair is
    measured with pre-shared keys and x25519 only."""
    found, made = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            name = f"ikeb{number}-{os.getpid()}"
            for case in cases:
                auth = case[0]
                if auth != "psk" and auth not in made:
                    made[auth] = certificates.Certificates(os.path.join(folder, auth), auth, OURS,
                                                           map(peer_address, range(peers)))
                certs = made.get(auth)
                found.setdefault((case, "off"), []).append(tandem(name, peers, False, case, certs))
                if case == CASES[0]:
                    found.setdefault((case, "on"), []).append(tandem(name, peers, True, case, certs))
                row = charon(name, peers, case, certs)
                if row:
                    found.setdefault((case, "charon"), []).append(row)
    return [median(of_one) for of_one in found.values()]
