"""Runs pulse at both ends of a path and says what became of each direction.

    python3 traffic.py SENT-LOG RECEIVED-LOG     one direction as JSON, from two logs of pulse

`out` is what leaves the inside host for the peer, `in` the other way.
"""

import json
import os
import signal
import struct
import sys

ROW = struct.Struct("=QQQ")
TRAILER = 2**64 - 1
INTERVAL_MS = 1.0


def read(path):
    """(rows of what was received, in order of arrival; how many were sent, None if not finished)."""
    with open(path, "rb") as log:
        data = log.read()
    rows = list(ROW.iter_unpack(data[:len(data) // ROW.size * ROW.size]))
    if rows and rows[-1][0] == TRAILER:
        return rows[:-1], rows[-1][1]
    return rows, None


def _missing(rows, sent, since_ns, until_ns):
    """How many numbers sent between the two times never arrived. The time of a lost one is not known,
    but it lies between those of its neighbours that arrived."""
    numbers = {row[0] for row in rows}
    before = [row[0] for row in rows if row[1] < since_ns]
    behind = [row[0] for row in rows if row[1] >= until_ns]
    low = max(before) + 1 if before else 0
    high = min(behind) if behind else sent
    return sum(1 for number in range(low, high) if number not in numbers)


def _longest(times, since_ns, until_ns):
    """The longest step, in ms, between neighbours of which the later is inside the window."""
    steps = [(b - a, a) for a, b in zip(times, times[1:]) if b >= since_ns and a < until_ns]
    longest, at = max(steps, default=(0, 0))
    return longest / 1e6, at


def measure(rows, sent, since_ns=0, until_ns=TRAILER):
    """One direction, within a window of real time."""
    inside = [row for row in rows if since_ns <= row[1] < until_ns]
    gap_ms, gap_at = _longest([row[2] for row in rows], since_ns, until_ns)
    stall_ms, _ = _longest(sorted(row[1] for row in rows), since_ns, until_ns)
    lost = _missing(rows, sent, since_ns, until_ns)
    top, reordered = -1, 0
    for number, _, _ in inside:
        reordered += number < top
        top = max(top, number)
    return {"received": len(inside), "lost": lost, "reordered": reordered,
            "duplicated": len(inside) - len({row[0] for row in inside}),
            "gap_ms": round(max(0.0, gap_ms - INTERVAL_MS), 3), "gap_at_ns": gap_at,
            "sender_stall_ms": round(max(0.0, stall_ms - INTERVAL_MS), 3) if not lost else None}


def stop_all(procs):
    """First nobody sends any more, then each ends when it has heard everything."""
    for proc in procs:
        proc.signal(signal.SIGUSR1)
    for proc in procs:
        proc.stop(15)


class Traffic:
    """Both directions between the inside host and the peer. Life: start() .. stop(), then report()."""

    PORT = 7000

    def __init__(self, lab, folder=None):
        from labkit.node import find_binary
        from labkit.proc import Proc
        self.lab = lab
        self.folder = folder or lab.folder
        self.program = find_binary(lab.build, "pulse")
        self.ends = {host: Proc(f"pulse at {host}", os.path.join(self.folder, f"pulse-{host}.pid"))
                     for host in ("inside", "peer")}
        self.rows = {}

    def log(self, host):
        return os.path.join(self.folder, f"pulse-{host}.rows")

    def start(self, interval_us=1000, size=100, peers=1):
        """peers: how many addresses the peer's end has, in a row; each number takes the next one."""
        address = {"inside": self.lab.address_of("inside", "eth0"),
                   "peer": self.lab.address_of("peer", "lan0")}
        count = {"inside": ["--to-count", str(peers)], "peer": ["--bind-count", str(peers)]}
        for host, other in (("inside", "peer"), ("peer", "inside")):
            if os.path.exists(self.log(host)):  # of an earlier run: its rows are not this one's
                os.unlink(self.log(host))
            argv = [self.program, "--bind", f"{address[host]}:{self.PORT}", "--to",
                    f"{address[other]}:{self.PORT}", "--log", self.log(host),
                    "--interval-us", str(interval_us), "--size", str(size), *count[host]]
            self.ends[host].start(self.lab.argv_for(host, argv),
                                  os.path.join(self.folder, f"pulse-{host}.out"))

    def received(self, host):
        """How many rows a running pulse has written; it buffers, so this lags."""
        path = self.log(host)
        return os.path.getsize(path) // ROW.size if os.path.exists(path) else 0

    def wait_received(self, more, seconds=20):
        """Until each end has recorded so many more than now."""
        from labkit import wait
        goal = {host: self.received(host) + more for host in self.ends}
        wait.until(lambda: all(self.received(host) >= goal[host] for host in goal), seconds,
                   lambda: f"{more} more datagrams at each end, have "
                           f"{ {host: self.received(host) for host in goal} }, wanted {goal}")

    def newest_ns(self, host):
        """When the newest datagram was sent that an end has recorded; 0 for none."""
        at = (self.received(host) - 1) * ROW.size
        if at < 0:
            return 0
        with open(self.log(host), "rb") as log:
            log.seek(at)
            return ROW.unpack(log.read(ROW.size))[1]

    def wait_sent(self, since_ns, most=2000, seconds=20):
        """Until each end has recorded one that was sent later: what was sent earlier has arrived, or is lost. An end
        that lags by so many datagrams is more than busy: it is not waited for."""
        from labkit import wait
        goal = {host: self.received(host) + most for host in self.ends}
        wait.until(lambda: all(self.newest_ns(host) > since_ns or self.received(host) >= goal[host]
                               for host in self.ends), seconds,
                   "each end has a datagram that was sent after the window")

    def stop(self):
        stop_all(self.ends.values())
        self.rows = {host: read(self.log(host)) for host in self.ends}

    def report(self, since_ns=0, until_ns=TRAILER):
        sent = {host: rows[1] for host, rows in self.rows.items()}
        return {"out": measure(self.rows["peer"][0], sent["inside"], since_ns, until_ns),
                "in": measure(self.rows["inside"][0], sent["peer"], since_ns, until_ns)}


def main(argv):
    if len(argv) != 2:
        sys.exit(__doc__)
    print(json.dumps(measure(read(argv[1])[0], read(argv[0])[1]), indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
