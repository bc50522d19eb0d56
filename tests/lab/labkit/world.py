"""The lab as a whole: made by up(), remembered in a file, gone after down()."""

import ipaddress
import json
import os
import secrets
import shutil
import signal
import time

from . import leaks, wait
from .junos import Configuration, is_set_form
from .net import NETWORKS, Net, run
from .node import PORTS, Node, find_binary
from .strongswan import Mirror, StrongSwan

HOME = "/var/lib/tandem-lab"
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(os.path.dirname(HERE))


def complete(text, workers):
    """The configuration file of the user plus what only the lab knows: keys, devices, workers."""
    text = text.replace("@PSK@", secrets.token_urlsafe(24))
    text = text.replace("@CLUSTER_KEY@", secrets.token_hex(16))
    paths = [f'interfaces {port} dpdk-device "net_af_packet{index},iface={device}"'
             for index, (port, (device, _)) in enumerate(PORTS.items()) if port in text]
    paths.append(f"chassis dataplane workers {workers}")
    if is_set_form(text):
        return text + "".join(f"set {path}\n" for path in paths)
    for path in paths:
        words = path.split(" ")
        text += " { ".join(words[:-2]) + " { " + " ".join(words[-2:]) + "; " + "}" * (len(words) - 2)
        text += "\n"
    return text


class Lab:
    """Life: up() .. down(), across programs: lab.json tells the next one what there is."""

    def __init__(self, name="lab"):
        if not name.replace("-", "").isalnum() or len(name) > 20:
            raise ValueError("a lab's name has up to 20 letters, digits and hyphens")
        self.name = name
        self.folder = os.path.join(HOME, name)
        self.net = Net(f"tandem-{name}")
        self.build = os.environ.get("TANDEM_BUILD", os.path.join(ROOT, "build"))
        self.nodes = []
        self.peer = None
        self.mirror = None
        if os.path.exists(self._record()):
            with open(self._record(), encoding="utf-8") as record:
                self._remember(json.load(record))

    # --- birth

    def up(self, nodes=1, workers=1, config=None, peer="strongswan", changes=None, edit=None, start=True):
        """Namespaces, links, the peer, then the nodes. changes: of the peer's connection; edit: what
        becomes of the configuration's text."""
        if os.path.exists(self._record()):
            raise RuntimeError(f"lab {self.name} is up already")
        for name in ("tandemd", "tandem-dataplane", "tandem") if start else ():
            find_binary(self.build, name)
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        path = config or os.path.join(HERE, "config", "cluster.conf" if nodes > 1 else "standalone.conf")
        with open(path, encoding="utf-8") as text:
            conf = complete((edit or str)(text.read()), workers)
        leaks.learn_conf(conf)
        with open(os.open(f"{self.folder}/tandem.conf", os.O_WRONLY | os.O_CREAT, 0o600), "w",
                  encoding="utf-8") as out:
            out.write(conf)
        known = {"nodes": nodes, "peer": peer, "build": self.build, "born": time.time()}
        with open(self._record(), "w", encoding="utf-8") as record:
            json.dump(known, record)
        self._remember(known)
        self._make_links()
        if self.peer:
            self.peer.configure(self.mirror, changes)
            self.peer.start()
        if start:
            self.start_nodes()

    def _record(self):
        return os.path.join(self.folder, "lab.json")

    def _remember(self, known):
        with open(f"{self.folder}/tandem.conf", encoding="utf-8") as text:
            self.conf = Configuration(text.read())
        self.build = known["build"]
        self.nodes = [Node(number, self.folder, self.net, self.build, self.conf.is_cluster())
                      for number in range(known["nodes"])]
        gateways = self.conf.names("security ike gateway")
        if known["peer"] == "strongswan":
            self.mirror = Mirror(self.conf, gateways[0])
            self.peer = StrongSwan(os.path.join(self.folder, "peer"),
                                   lambda *argv: self.net.inside_of("peer", *argv))

    def _make_links(self):
        self.net.make([node.host for node in self.nodes] + ["peer", "inside"])
        for host in ("peer", "inside"):
            if self.has_ipv6():
                self.net.allow_ipv6(host)
        self.net.attach("peer", "eth0", "outside")
        self.net.attach("inside", "eth0", "inside")
        for node in self.nodes:
            node.make()
            ring = self.conf.value(f"groups {node.host} chassis cluster transport ring 0 address")
            if ring:
                self._address(node.host, "cluster", f"{ring}/24")
        if self.peer:
            self._configure_peer()
            self.configure_inside()

    def _configure_peer(self):
        outside = {own.network: own for own in self.conf.unit_addresses(self.conf.port_unit("ge-0/0/0"))}
        for own in outside.values():
            peer = self.mirror.address if own.version == self.mirror.remote.version else own.network[2]
            self._address("peer", "eth0", f"{peer}/{own.network.prefixlen}")
        run("ip", "-n", self.net.ns("peer"), "link", "add", "lan0", "type", "bridge")
        run("ip", "-n", self.net.ns("peer"), "link", "set", "lan0", "up")
        for lan in self.mirror.lans():
            self._address("peer", "lan0", str(lan))

    def configure_inside(self):
        """An address in the networks of the inside port, and the node as the way to everywhere else."""
        for port in self.conf.unit_addresses(self.conf.port_unit("ge-0/0/1")):
            host = port.network[1] if port.network[1] != port.ip else port.network[2]
            self._address("inside", "eth0", f"{host}/{port.network.prefixlen}")
            run("ip", "-n", self.net.ns("inside"), "route", "add", "default", "via", str(port.ip))

    def has_ipv6(self):
        return any(own.version == 6 for own in self.conf.unit_addresses(self.conf.port_unit("ge-0/0/1")))

    def _address(self, host, device, address):
        run("ip", "-n", self.net.ns(host), "addr", "add", address, "dev", device)

    def address_of(self, host, device):
        listed = run("ip", "-n", self.net.ns(host), "-j", "-4", "addr", "show", "dev", device)
        return ipaddress.ip_address(json.loads(listed)[0]["addr_info"][0]["local"])

    def start_nodes(self):
        """All at once, as after a power cut; waits until each is ready."""
        for node in self.nodes:
            for what in node.wanted():
                node.launch(what)
        for node in self.nodes:
            for what in node.wanted():
                node.wait_ready(what)

    # --- life

    def node(self, host):
        found = [node for node in self.nodes if node.host == host]
        if not found:
            raise RuntimeError(f"{host} is not a node of lab {self.name}")
        return found[0]

    def hosts(self):
        return [node.host for node in self.nodes] + ["peer", "inside"]

    def argv_for(self, who, argv):
        """How to run a command on a host; on a node `tandem` asks that node's tandemd."""
        if who not in self.hosts() + ["hub"]:
            raise RuntimeError(f"no host {who}: {' '.join(self.hosts())}")
        if who.startswith("node") and argv[0] == "tandem":
            argv = [find_binary(self.build, "tandem"), "--socket", self.node(who).socket, *argv[1:]]
        return self.net.inside_of(who, *argv)

    def run(self, who, *argv, **more):
        return run(*self.argv_for(who, list(argv)), **more)

    def kill_node(self, node):
        """All its processes freeze, then its links go, then they die. Returns when it began, by the
        real-time clock in nanoseconds: gaps of traffic run from there."""
        began = time.time_ns()
        node.freeze()
        self.net.cut_all(node.host, NETWORKS)
        for what in ("dataplane", "control", "corosync"):
            if node.procs[what].alive():
                node.kill(what)
        return began

    def status(self):
        rows = []
        for node in self.nodes:
            alive = node.alive()
            daemons = " ".join(f"{what}:{'up' if what in alive else 'down'}" for what in node.wanted())
            rows.append(f"{node.host:8} {daemons}")
        if self.peer:
            rows.append(f"peer     charon:{'up' if self.peer.proc.alive() else 'down'}")
        return rows

    # --- death

    def down(self):
        """Ends and removes whatever there is of it, also of a half-made one."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for node in self.nodes:
            node.stop()
        if self.peer:
            self.peer.stop()
        self._end_strays()
        self.net.remove()
        for node in self.nodes:
            shutil.rmtree(f"/run/dpdk/{self.net.ns(node.host)}", ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end_strays(self):
        """Processes that were started into our namespaces by hand or by a scenario."""
        def inside():
            known = sorted(os.listdir("/run/netns")) if os.path.isdir("/run/netns") else []
            spaces = [space for space in known if space.startswith(self.net.prefix + "-")]
            return [int(pid) for space in spaces for pid in run("ip", "netns", "pids", space).split()]

        for number, seconds in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            for pid in inside():
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            try:
                wait.until(lambda: not inside(), seconds, "end of all in the namespaces")
                return
            except wait.Timeout:
                continue

    def last_words(self, lines=25):
        """The ends of all logs, for a reader who must find out why."""
        for top, _, names in sorted(os.walk(self.folder)):
            for name in sorted(names):
                if not name.endswith((".log", ".out")):
                    continue
                path = os.path.join(top, name)
                with open(path, encoding="utf-8", errors="replace") as text:
                    tail = text.read().splitlines()[-lines:]
                if tail:
                    yield f"==== {os.path.relpath(path, self.folder)}"
                    yield from tail
