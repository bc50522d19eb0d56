"""One Tandem node of a lab: its daemons, their files, and how to end them."""

import glob
import json
import os
import shutil
import signal
import subprocess

from . import leaks, wait
from .proc import Proc

PORTS = {"ge-0/0/0": ("ge000", "outside"), "ge-0/0/1": ("ge001", "inside"),
         "ge-0/0/2": ("ge002", "fabric")}
DAEMONS = {"control": "tandemd", "dataplane": "tandem-dataplane", "corosync": "corosync"}
READY = " daemon.ready"


def find_binary(build, name):
    found = [path for path in glob.glob(f"{build}/**/{name}", recursive=True)
             if os.path.isfile(path) and os.access(path, os.X_OK)]
    if not found:
        raise RuntimeError(f"{name} is not built in {build}: run deploy/setup/build gcc")
    return found[0]


class Node:
    """Life: of the lab. Which daemons run is read from their records, so any program may ask."""

    def __init__(self, number, folder, net, build, is_cluster, host=None):
        self.number = number
        self.host = host or f"node{number}"
        self.folder = os.path.join(folder, self.host)
        self.conf = os.path.join(folder, "tandem.conf")
        self.net = net
        self.build = build
        self.is_cluster = is_cluster
        self.log = os.path.join(self.folder, "tandemd.log")
        self.socket = os.path.join(self.folder, "tandemd.sock")
        self.procs = {what: Proc(f"{self.host} {daemon}", os.path.join(self.folder, f"{what}.pid"),
                                 self.log if what == "control" else None)
                      for what, daemon in DAEMONS.items()}

    # --- links

    def make(self):
        for folder in (self.folder, self._state(), os.path.join(self.folder, "run")):
            os.makedirs(folder, exist_ok=True)
        for device, network in PORTS.values():
            self.net.attach(self.host, device, network)
        self.net.make_raw(self.host, [device for device, _ in PORTS.values()])
        self.net.attach(self.host, "cluster", "cluster")

    def write_conf(self, text):
        """In one step, as an editor does; nobody else can read it."""
        leaks.learn_conf(text)
        with open(os.open(f"{self.conf}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w",
                  encoding="utf-8") as out:
            out.write(text)
        os.rename(f"{self.conf}.new", self.conf)

    def read_conf(self):
        with open(self.conf, encoding="utf-8") as text:
            return text.read()

    def adopt(self, text):
        """Takes that configuration over; nothing restarts."""
        self.write_conf(text)
        self.tandem("request", "system", "configuration", "reload")

    # --- daemons

    def _state(self):
        return os.path.join(self.folder, "state")

    def _argv(self, what):
        dataplane = ["--socket" if what == "dataplane" else "--dataplane",
                     f"{self.folder}/dataplane.sock", "--punt", f"{self.folder}/punt.sock"]
        if what == "dataplane":
            return [find_binary(self.build, "tandem-dataplane"), *dataplane, "--file-prefix",
                    self.net.ns(self.host), "--state", self._state(),
                    "--test-socket", f"{self.folder}/test.sock"]
        if what == "control":
            member = ["--node", str(self.number), "--cluster-id", "1"] if self.is_cluster else []
            return [find_binary(self.build, "tandemd"), "--config", self.conf, *member, "--run",
                    self.folder, "--state", self._state(), *dataplane, "--control", self.socket,
                    "--log", self.log]
        # /run/corosync.pid is the one path that no option of Corosync moves
        return ["sh", "-c", 'mount --bind "$1/run" /run && exec corosync -f -c "$1/corosync.conf"',
                "sh", self.folder]

    def wanted(self):
        return ("corosync", "dataplane", "control") if self.is_cluster else ("dataplane", "control")

    def launch(self, what):
        """Starts without waiting."""
        if what == "corosync":
            self.write_corosync_conf()
        self.procs[what].start(self.net.inside_of(self.host, *self._argv(what)),
                               os.path.join(self.folder, f"{DAEMONS[what]}.out"))

    def start(self, what=None):
        """One daemon, or all that are not alive; returns when they are ready."""
        seen = self.ready_count()
        started = [one for one in ([what] if what else self.wanted())
                   if what or not self.procs[one].alive()]
        for one in started:
            self.launch(one)
        for one in started:
            self.wait_ready(one, seen)

    def wait_ready(self, what, seen=0):
        proc = self.procs[what]
        sign = {"control": lambda: self.ready_count() > seen,
                "dataplane": lambda: os.path.exists(f"{self.folder}/dataplane.sock"),
                "corosync": lambda: self.corosync_votes() > 0}[what]
        wait.until(lambda: not proc.alive() or sign(), 30, f"{proc.name} is ready")
        if not proc.alive():
            raise RuntimeError(f"{proc.name} ended while starting; see {self.folder}")

    def write_corosync_conf(self):
        tandem = find_binary(self.build, "tandem")
        argv = [tandem, "corosync-conf", self.conf, "--node", str(self.number),
                "--keyfile", self.cluster_authkey(), "--state-dir", self._state(),
                "--log-file", f"{self.folder}/corosync.log"]
        text = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout
        with open(f"{self.folder}/corosync.conf", "w", encoding="utf-8") as out:
            out.write(text)

    def cluster_authkey(self):
        """Corosync's own key, the same for all nodes of the lab, made with the first."""
        path = os.path.join(os.path.dirname(self.folder), "authkey")
        if not os.path.exists(path):
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as out:
                out.write(os.urandom(256))
        return path

    def corosync_votes(self):
        """How many votes this node's Corosync counts; 0 when it does not answer."""
        done = subprocess.run(self.net.inside_of(self.host, "corosync-quorumtool", "-s"),
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        votes = [line.split()[-1] for line in done.stdout.splitlines()
                 if line.startswith("Total votes")]
        return int(votes[0]) if votes else 0

    # --- questions

    def events(self, name=""):
        """Lines of tandemd's log that carry an event of this name."""
        if not os.path.exists(self.log):
            return []
        with open(self.log, encoding="utf-8", errors="replace") as text:
            return [line.rstrip("\n") for line in text if name in line]

    def ready_count(self):
        return len(self.events(READY))

    def tandem(self, *words, seconds=10):
        """Output of the operator's command; RuntimeError with what it said when it fails."""
        argv = [find_binary(self.build, "tandem"), "--socket", self.socket, *words]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=seconds)
        if done.returncode:
            raise RuntimeError(f"{self.host}: tandem {' '.join(words)}: {done.stderr or done.stdout}")
        return done.stdout

    def ask(self, *words):
        """The same as JSON."""
        return json.loads(self.tandem(*words, "|", "display", "json"))

    # --- ends

    def alive(self):
        return [what for what, proc in self.procs.items() if proc.alive()]

    def kill(self, what):
        pid = self.procs[what].pid()
        self.procs[what].kill()
        self._sweep(what, pid)

    def freeze(self):
        """Every process stops where it is; none can say farewell."""
        for what in ("dataplane", "control", "corosync"):
            self.procs[what].signal(signal.SIGSTOP)

    def stop(self):
        """In the order in which nothing is missed: control, then the rest."""
        for what in ("control", "dataplane", "corosync"):
            pid = self.procs[what].pid()
            self.procs[what].stop()
            self._sweep(what, pid)

    def _sweep(self, what, pid):
        """What a killed daemon leaves where it would disturb others."""
        left = []
        if what == "dataplane":
            left = [f"{self.folder}/dataplane.sock", f"{self.folder}/punt.sock"]
        elif what == "corosync" and pid:
            left = glob.glob(f"/dev/shm/qb-{pid}-*") + glob.glob(f"/dev/shm/qb-corosync-{pid}-*")
        for path in left:
            if os.path.isdir(path):
                shutil.rmtree(path, ignore_errors=True)
            elif os.path.exists(path):
                os.unlink(path)
