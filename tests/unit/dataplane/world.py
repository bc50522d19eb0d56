"""A world for tests of tandem-dataplane: namespaces, veth pairs, the daemon, and a hand that plays
tandemd on its sockets. Everything is named tdp<pid>, and goes when the world is closed.

    peer (outside) ---- ge-0/0/0 [ dataplane ] ge-0/0/1 ---- host (inside)
"""
import ctypes
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import dpb

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
SCHEMA = dpb.parse(os.path.join(ROOT, "proto/schema/dataplane.proto"))
FOREVER = (1 << 64) - 1
PATIENCE_S = 10.0  # for what must come; what must not come says how long it is waited for
libc = ctypes.CDLL(None, use_errno=True)


def sh(cmd):
    subprocess.run(cmd, shell=True, check=True)


def ip4(text):
    return socket.inet_aton(text)


def in_netns(name, make):
    """Calls make() with this thread inside the namespace; sockets it opens stay there."""
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open("/run/netns/" + name, os.O_RDONLY)
    try:
        if libc.setns(there, 0x40000000) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        return make()
    finally:
        libc.setns(here, 0x40000000)
        os.close(here)
        os.close(there)


def mac_of(ifname):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.bind((ifname, 0))
    return s.getsockname()[4]


class Wire:
    """One end of a veth pair as raw frames."""

    def __init__(self, netns, ifname, mac=None):
        def make():
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            s.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
            s.bind((ifname, 0))
            return s

        self.sock = in_netns(netns, make)
        self.mac = mac or self.sock.getsockname()[4]

    def send(self, frame):
        self.sock.send(bytes(frame))

    def recv(self, want=None, timeout=PATIENCE_S):
        """The next received frame for which want(frame) holds; None after the timeout."""
        end = time.monotonic() + timeout
        while True:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                return None
            frame, addr = self.sock.recvfrom(65536)
            if addr[2] == socket.PACKET_OUTGOING:
                continue
            if want is None or want(frame):
                return frame

    def drain(self):
        got = []
        while True:
            f = self.recv(timeout=0.0001)
            if f is None:
                return got
            got.append(f)


def stay_known(wire, frame):
    """A neighbour that lives: says so in good time, for nobody here answers when it is asked again, and is
    forgotten after a minute. What it says must bring no answer."""
    def say():
        while wire.sock.fileno() >= 0:
            try:
                wire.send(frame)
            except OSError:  # the world is being closed
                return
            time.sleep(5)

    threading.Thread(target=say, daemon=True).start()


class Dataplane:
    """The daemon in a namespace, and the connection tandemd would have."""

    def __init__(self, program, netns, tmp, name, state=True, test=False):
        self.tmp, self.name, self.netns, self.program = tmp, name, netns, program
        self.path = os.path.join(tmp, name + ".sock")
        self.punt_path = os.path.join(tmp, name + ".punt")
        self.log = os.path.join(tmp, name + ".log")
        self.state = os.path.join(tmp, name + ".state") if state else None
        self.test_path = os.path.join(tmp, name + ".test") if test else None
        self.proc, self.sock, self.punt_sock = None, None, None
        self.next_id, self.events, self.inbuf = 1, [], b""

    def start(self):
        if self.state:
            os.makedirs(self.state, exist_ok=True)
        for p in (self.path, self.punt_path):
            if os.path.exists(p):
                os.unlink(p)
        cmd = ["ip", "netns", "exec", self.netns, self.program, "--socket", self.path, "--punt",
               self.punt_path, "--file-prefix", "%s%d" % (self.name, os.getpid()), "--log", self.log,
               "--packets", "8192", "--memory", "128"]
        if self.state:
            cmd += ["--state", self.state]
        if self.test_path:
            cmd += ["--test-socket", self.test_path]
        self.proc = subprocess.Popen(cmd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.connect()

    def connect(self):
        end = time.monotonic() + 20
        while True:
            try:
                s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                s.connect(self.path)
                p = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                p.connect(self.punt_path)
                break
            except OSError:
                if time.monotonic() > end or self.proc.poll() is not None:
                    raise RuntimeError("dataplane does not answer:\n" + open(self.log).read())
                select.select([], [], [], 0.01)
        self.sock, self.punt_sock, self.inbuf = s, p, b""

    def disconnect(self):
        self.sock.close()
        self.punt_sock.close()

    def hang(self, how, worker, ms):
        """how: hang (when it sends next), hang-in (when it receives), hang-order (at once), held (does it?)."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b"%s %d %d" % (how.encode(), worker, ms), self.test_path)

    def logged(self, what, since=0):
        """Lines of the log with these words in them, without the first `since` of all."""
        with open(self.log, encoding="utf-8", errors="replace") as text:
            return [line for line in list(text)[since:] if what in line]

    def wait_logged(self, what, timeout=10.0, since=0):
        end = time.monotonic() + timeout
        while not self.logged(what, since):
            assert time.monotonic() < end, "no %r in the log" % what
            select.select([], [], [], 0.01)

    def stop(self, sig=15):
        if self.proc and self.proc.poll() is None:
            self.proc.send_signal(sig)
            try:
                self.proc.wait(20)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
        return self.proc.returncode if self.proc else None

    def _read(self, timeout):
        while True:
            if len(self.inbuf) >= 4:
                n = struct.unpack(">I", self.inbuf[:4])[0]
                if len(self.inbuf) >= 4 + n:
                    m, self.inbuf = self.inbuf[4 : 4 + n], self.inbuf[4 + n :]
                    return dpb.decode(SCHEMA, "Output", m)
            if not select.select([self.sock], [], [], timeout)[0]:
                return None
            more = self.sock.recv(1 << 20)
            if not more:
                raise RuntimeError("dataplane closed the connection\n" + open(self.log).read())
            self.inbuf += more

    def send(self, **body):
        body["id"] = self.next_id
        self.next_id += 1
        m = dpb.encode(SCHEMA, "Request", body)
        self.sock.sendall(struct.pack(">I", len(m)) + m)
        return body["id"]

    def reply(self, rid, timeout=20):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            out = self._read(end - time.monotonic())
            if out is None:
                break
            if "event" in out:
                self.events.append(out["event"])
            elif out["reply"]["id"] == rid:
                return out["reply"]
            else:
                raise AssertionError("reply %r out of order, waited for %d" % (out["reply"], rid))
        raise AssertionError("no reply to request %d" % rid)

    def call(self, **body):
        """One request; its reply, which must be a success."""
        r = self.reply(self.send(**body))
        if r.get("error", 0):
            raise AssertionError("refused: %s" % r)
        return r

    def event(self, kind, timeout=PATIENCE_S, want=None):
        """The next event of the kind, waiting for it; None when none comes."""
        end = time.monotonic() + timeout
        while True:
            for i, e in enumerate(self.events):
                if kind in e and (want is None or want(e[kind])):
                    del self.events[i]
                    return e[kind]
            left = end - time.monotonic()
            if left <= 0:
                return None
            out = self._read(left)
            if out is not None:
                self.events.append(out["event"])

    def counters(self):
        r = self.call(query={"counters": True})
        return {c["name"]: c.get("value", 0) for c in r["counters"]}

    def child(self, spi):
        r = self.call(query={"spi_in": [spi]})
        return r["children"][0] if r["children"] else None

    def punt_recv(self, timeout=PATIENCE_S):
        if not select.select([self.punt_sock], [], [], timeout)[0]:
            return []
        return dpb.decode(SCHEMA, "PuntBatch", self.punt_sock.recv(1 << 20))["datagrams"]

    def punt_send(self, **d):
        self.punt_sock.send(dpb.encode(SCHEMA, "PuntBatch", {"datagrams": [d]}))


class World:
    def __init__(self, program):
        self.program = program
        self.tag = "tdp%d" % os.getpid()
        self.tmp = tempfile.mkdtemp(prefix=self.tag)
        self.netns, self.planes, self.n = [], [], 0

    def ns(self, name):
        full = self.tag + name
        sh("ip netns add %s && ip -n %s link set lo up" % (full, full))
        self.netns.append(full)
        return full

    def link(self, ns_a, if_a, ns_b, if_b, mtu=1500):
        """A veth pair; no addresses, no IPv6, no offloads that leave checksums undone."""
        sh("ip -n %s link add %s mtu %d type veth peer name %s mtu %d netns %s" %
           (ns_a, if_a, mtu, if_b, mtu, ns_b))
        for ns, i in ((ns_a, if_a), (ns_b, if_b)):
            sh("ip netns exec %s sh -c 'sysctl -qw net.ipv6.conf.%s.disable_ipv6=1; "
               "ethtool -K %s tx off tso off gso off gro off >/dev/null 2>&1; "
               "ip link set %s arp off up'" % (ns, i, i, i))

    def bridge(self, name, ports):
        """A switch in a namespace of its own; ports are (namespace, interface) at the far ends."""
        ns = self.ns(name)
        sh("ip -n %s link add br0 type bridge mcast_snooping 0 && ip netns exec %s sysctl -qw "
           "net.ipv6.conf.br0.disable_ipv6=1 && ip -n %s link set br0 up" % (ns, ns, ns))
        for i, (far, ifname) in enumerate(ports):
            self.link(far, ifname, ns, "p%d" % i)
            sh("ip -n %s link set p%d master br0" % (ns, i))
        return ns

    def plane(self, ns, name="dp", **kw):
        p = Dataplane(self.program, ns, self.tmp, name, **kw)
        self.planes.append(p)
        return p

    def close(self):
        """Ends everything; how many daemons did not stop cleanly (a sanitizer's word counts)."""
        bad = 0
        for p in self.planes:
            if p.stop() != 0:
                bad += 1
                print("# dataplane %s ended with %s" % (p.name, p.proc.returncode))
        for n in self.netns:
            subprocess.run(["ip", "netns", "del", n], check=False)
        shutil.rmtree(self.tmp, ignore_errors=True)
        return bad


def need_root():
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root for namespaces")
        sys.exit(0)


def run(cases, only=()):
    """TAP over functions; a failing one prints why and the rest goes on."""
    cases = [c for c in cases if not only or any(o in c.__name__ for o in only)]
    print("1..%d" % len(cases), flush=True)
    bad = 0
    for i, case in enumerate(cases, 1):
        try:
            case()
            print("ok %d - %s" % (i, case.__name__), flush=True)
        except Exception as e:  # noqa: BLE001 - every failure is reported the same way
            bad += 1
            import traceback

            for line in traceback.format_exc().splitlines():
                print("# " + line)
            print("not ok %d - %s: %s" % (i, case.__name__, str(e).splitlines()[0] if str(e) else e),
                  flush=True)
    return 1 if bad else 0
