"""What every scenario shares: a lab of its own, claims, and the last words when one does not hold.

A scenario draws its topology in its first lines, then tells its story in one function:

    @story(nodes=1)
    def main(lab):
        ...
        claim(condition, "what must be so")

Exit status 0: every claim held, no key of the lab is in any of its logs and journals (labkit/leaks.py, PSK-004),
and no daemon ended by a signal that nobody sent. The lab is gone in the end,
always.
"""

import functools
import os
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [os.path.join(TESTS, "lab"), os.path.join(TESTS, "tools")]
sys.dont_write_bytecode = True

from capture import Capture, repeats  # noqa: E402
from labkit import failover, leaks, proc, tunnel, wait  # noqa: E402
from labkit.world import Lab  # noqa: E402
from traffic import Traffic  # noqa: E402


class Broken(Exception):
    """A claim that did not hold."""


def claim(holds, what):
    if not holds:
        raise Broken(what)
    say(f"holds: {what}")


def same(found, wanted, what):
    if found != wanted:
        raise Broken(f"{what}: found {found}, wanted {wanted}")
    say(f"holds: {what}: {found}")


def becomes(find, wanted, what, seconds=10):
    """What another process, or a later moment, brings: awaited, then claimed."""
    seen = []

    def fits():
        seen[:] = [find()]
        return seen[0] == wanted
    try:
        wait.until(fits, seconds, what)
    except wait.Timeout:
        pass  # same() tells what there is instead
    same(seen[0], wanted, what)


def say(text):
    print(f"{time.monotonic() - say.began:7.2f} s  {text}", flush=True)


say.began = time.monotonic()


def lab_name():
    """The file's name and our pid: labs of stories that run side by side do not meet."""
    what = os.path.basename(sys.argv[0]).removesuffix("_test.py").replace("_", "")
    return f"{what[:12]}-{os.getpid()}"


def story(**world):
    """Decorates main(lab, ...): the lab is up() with what is said here. With world given as start=False the
    nodes' daemons do not run."""
    def decorate(tell):
        @functools.wraps(tell)
        def whole(*more):
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
            lab = Lab(lab_name())
            try:
                lab.up(**world)
                say(f"lab {lab.name} is up")
                tell(lab, *more)
                for sentence in leaks.found(lab.folder):
                    raise Broken(f"a key is where it must not be: {sentence}")
                say("done")
                broken = False
            except BaseException as why:
                say(f"BROKEN: {type(why).__name__}: {why}")
                print("\n".join(lab.last_words()), flush=True)
                if not isinstance(why, (Broken, wait.Timeout, RuntimeError)):
                    raise
                broken = True
            finally:
                lab.down()
            if proc.crashes:
                say(f"BROKEN: {'; '.join(proc.crashes)}")
            return 1 if broken or proc.crashes else 0
        return whole
    return decorate


class Watched:
    """A pair with a tunnel, captures and traffic: what the failover stories have in common.

    Life: made, tunnel_up(), then the acts; finish() ends traffic and captures and leaves `traffic`, `peer`
    (the analysis of what the peer saw) and `wire` (of everything on the outside network)."""

    def __init__(self, lab):
        self.lab = lab
        self.traffic = Traffic(lab)
        self.captures = {"peer": Capture(lab, "peer", "eth0", os.path.join(lab.folder, "peer.pcap")),
                         "wire": Capture(lab, "hub", "outside", os.path.join(lab.folder, "wire.pcap"))}
        self.spis = self.peer = self.wire = None

    def begin(self, interval_us=1000):
        """The group has an owner and synced standbys, the tunnel is up, traffic flows."""
        failover.wait_synced(self.lab)
        tunnel.from_peer(self.lab)
        self.flow(interval_us)

    def flow(self, interval_us=1000):
        """Captures run, traffic flows."""
        self.spis = self.lab.peer.spis()
        # a bridge shows what it forwards to a tap only while it is promiscuous
        self.lab.run("hub", "ip", "link", "set", "outside", "promisc", "on")
        for capture in self.captures.values():
            capture.start()
        self.traffic.start(interval_us)
        self.traffic.wait_received(500)
        say(f"traffic flows; the peer has {self.spis}")

    def finish(self):
        self.traffic.stop()
        for capture in self.captures.values():
            capture.stop()
        self.peer = self.captures["peer"].analyse()
        self.wire = self.captures["wire"].analyse()

    def claim_unnoticed(self):
        """I8, I3 and I4 as the peer and the wire can tell."""
        same(failover.peer_noticed(self.peer), (0, 0), "new IKE SAs and rekeys in the peer's capture")
        same(self.lab.peer.spis(), self.spis, "the peer has the SAs of before")
        for name, seen in (("peer", self.peer), ("wire", self.wire)):
            packets, sequences, ivs = repeats(seen)
            claim(packets > 1000, f"{packets} ESP packets in the capture of the {name}")
            same((sequences, ivs), (0, 0), f"repeated sequence numbers and IVs ({name})")

    def claim_lost(self, window, most, what):
        said = self.traffic.report(*window)
        lost = {way: said[way]["lost"] for way in said}
        claim(all(number <= most for number in lost.values()), f"{what}: lost {lost}, at most {most}")
        return said
