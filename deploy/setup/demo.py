"""The demonstration: deploy/demo runs this after it has installed and built."""

import argparse
import json
import os
import signal
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tests/lab"), os.path.join(ROOT, "tests/tools")]

from capture import Capture  # noqa: E402
from labkit import failover, tunnel, wait  # noqa: E402
from labkit.world import Lab  # noqa: E402
from traffic import Traffic  # noqa: E402

NAME = "demo"
STEPS = 9


class Progress:
    """Numbered steps: lines of a log, and on a terminal a line that tells what is being awaited."""

    def __init__(self):
        self.began = time.monotonic()
        self.number = 0
        self.is_tty = sys.stdout.isatty()

    def step(self, text):
        self.number += 1
        self._clear()
        self._line(f"{self.number}/{STEPS} {text}")

    def now(self, text):
        """Something that will be over soon; only a terminal shows it."""
        if self.is_tty:
            self._clear()
            print(f"{self._time()}     ... {text}", end="", flush=True)

    def fact(self, text):
        self._clear()
        self._line(f"    {text}")

    def _time(self):
        return f"[{time.monotonic() - self.began:6.2f} s] "

    def _line(self, text):
        print(self._time() + text, flush=True)

    def _clear(self):
        if self.is_tty:
            print("\r\x1b[K", end="")


def both_sides(lab, say):
    say.step("the peer brings the tunnel up")
    tunnel.from_peer(lab)
    say.fact(f"pings cross; SPIs at the peer: {spoken(lab.peer.spis())}")
    tunnel.down_from_peer(lab)
    say.step("traffic from inside brings it up again, from our side")
    tunnel.from_inside(lab)
    say.fact(f"pings cross; SPIs at the peer: {spoken(lab.peer.spis())}")


def spoken(spis):
    return " ".join(["IKE " + "/".join(pair) for pair in spis["ike"]]
                    + ["ESP " + "/".join(pair) for pair in spis["esp"]])


def act_crash(lab, traffic, say):
    say.step("(a) node death: processes frozen, links down, then killed")
    say.now("the other node takes over")
    gone, window = failover.crash(lab, traffic)
    say.fact(f"{gone.host} died, {failover.standby_of(lab, gone).host} owns the group now")
    say.now(f"{gone.host} comes back and catches up")
    failover.rejoin(lab, gone)
    say.fact(f"{gone.host} is back as synced standby")
    return window


def act_planned(lab, traffic, say):
    say.step("(b) planned: request chassis cluster failover")
    heir, window = failover.planned(lab, traffic)
    say.fact(f"{heir.host} owns the group now")
    failover.wait_synced(lab)
    return window


def act_restart(lab, traffic, say, spis):
    say.step("(c) kill -9 of tandemd alone, standby synced")
    adopt_ms, window = failover.control_restart(lab, traffic, spis["ike"])
    say.fact(f"its SAs were adopted {adopt_ms:.0f} ms after the kill")
    return adopt_ms, window


def perform(lab, say):
    """Everything under traffic; returns the report."""
    say.step("two nodes, each with Corosync, tandemd and tandem-dataplane; a peer; a host inside")
    lab.up(nodes=2, workers=2)
    say.now("one owner, one synced standby")
    chief = failover.wait_synced(lab)
    say.fact(f"{chief.host} owns redundancy group {failover.GROUP}, the other one is in sync")
    both_sides(lab, say)

    say.step("traffic: a numbered datagram each millisecond, both ways")
    spis = lab.peer.spis()
    capture = Capture(lab, "peer", "eth0", os.path.join(lab.folder, "peer.pcap"))
    capture.start()
    traffic = Traffic(lab)
    traffic.start()
    traffic.wait_received(1000)
    say.fact("flows")

    windows = {"crash": act_crash(lab, traffic, say), "planned": act_planned(lab, traffic, say)}
    adopt_ms, windows["control_restart"] = act_restart(lab, traffic, say, spis)

    say.step("traffic ends, and what it saw is added up")
    traffic.stop()
    capture.stop()
    return summary(traffic, windows, adopt_ms, capture.analyse(), spis, lab.peer.spis())


def summary(traffic, windows, adopt_ms, analysis, before, after):
    report, gaps = {}, {}
    for act, window in windows.items():
        ways = traffic.report(*window)
        gaps[act] = {way: ways[way]["gap_ms"] for way in ways}
        report[act] = {"lost_out": ways["out"]["lost"], "lost_in": ways["in"]["lost"]}
    report["crash"]["gap_ms"] = max(gaps["crash"].values())
    report["control_restart"]["adopt_ms"] = round(adopt_ms)
    new_ike, rekeys = failover.peer_noticed(analysis)
    report["peer"] = {"new_ike_sas": new_ike, "rekeys": rekeys}
    report["spis_unchanged"] = before == after
    return report, gaps, before, after


def table(say, report, gaps, before, after):
    say.step("result")
    print(f"\n{'':18}{'gap out':>10}{'gap in':>10}{'lost out':>10}{'lost in':>10}")
    names = {"crash": "(a) node death", "planned": "(b) planned", "control_restart": "(c) control"}
    for act, name in names.items():
        print(f"{name:18}{gaps[act]['out']:8.1f}ms{gaps[act]['in']:8.1f}ms"
              f"{report[act]['lost_out']:10}{report[act]['lost_in']:10}")
    print(f"\nSPIs at the peer before: {spoken(before)}\n"
          f"SPIs at the peer after:  {spoken(after)}")
    print(f"in the peer's capture: {report['peer']['new_ike_sas']} new IKE_SA_INIT, "
          f"{report['peer']['rekeys']} rekeys or reauthentications\n")


HINTS = """it keeps running; to look around:
    tests/lab/lab --name demo status
    tests/lab/lab --name demo exec node0 tandem show chassis cluster status
    tests/lab/lab --name demo exec node1 tandem show security ipsec security-associations
    tests/lab/lab --name demo exec inside ping 10.2.0.1
    tests/lab/lab --name demo kill node0 node
    tests/lab/lab --name demo peer --list-sas
    sudo ./deploy/demo --down
"""


def options(argv):
    parser = argparse.ArgumentParser(prog="demo")
    parser.add_argument("--report", metavar="FILE", help="the result as JSON, too")
    parser.add_argument("--keep", action="store_true", help="leave it running")
    parser.add_argument("--down", action="store_true", help="remove what --keep left")
    return parser.parse_args(argv)


def main(argv):
    said = options(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    lab = Lab(NAME)
    if said.down:
        lab.down()
        return 0
    if lab.nodes:
        raise SystemExit("demo: one is running already; sudo ./deploy/demo --down")
    say, done = Progress(), False
    try:
        report, *details = perform(lab, say)
        table(say, report, *details)
        done = True
    except (RuntimeError, OSError, wait.Timeout) as why:
        print("\n".join(lab.last_words()), file=sys.stderr)
        raise SystemExit(f"demo: {why}") from why
    finally:
        if not (done and said.keep):
            lab.down()
    if said.report:
        with open(said.report, "w", encoding="utf-8") as out:
            json.dump(report, out, indent=1)
            out.write("\n")
    broken = failover.judge(report)
    for sentence in broken:
        print(f"BROKEN: {sentence}")
    if said.keep:
        print(HINTS)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
